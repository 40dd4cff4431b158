#include "support/night.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace reeld::test {
namespace {

using domain::Job;
using domain::Reason;
using domain::State;

WorldOptions world_of(const NightPlan& plan) {
    const auto rng = runtime::make_seeded_rng(plan.seed);
    WorldOptions options;
    options.seed = plan.seed;
    options.webhooks = plan.webhooks;
    options.resubmit_unknown = plan.resubmit_unknown;
    options.provider.run_min = Millis{20'000};
    options.provider.run_max = Millis{240'000};
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        // Each night has its own few troubles; some have all of them.
        const bool chosen = rng->uniform() < 0.4;
        options.provider.faults[static_cast<sandbox::Fault>(i)] =
            chosen ? plan.fault_level * 2 * rng->uniform() : 0;
    }
    return options;
}

}  // namespace

NightPlan plan_of(std::uint64_t seed) {
    const auto rng = runtime::make_seeded_rng(seed);
    NightPlan plan;
    plan.seed = seed;
    plan.jobs = 4 + static_cast<int>(rng->uniform() * 16);
    plan.crashes = static_cast<int>(rng->uniform() * 5);
    plan.webhooks = rng->uniform() < 0.7;
    plan.resubmit_unknown = rng->uniform() < 0.25;
    plan.people = rng->uniform() < 0.6;
    plan.fault_level = rng->uniform() < 0.2 ? 0 : rng->uniform() * 0.3;
    plan.unreachable = rng->uniform() < 0.5 ? 0 : rng->uniform() * 0.1;
    plan.lost_answer = rng->uniform() < 0.5 ? 0 : rng->uniform() * 0.1;
    return plan;
}

Night::Night(NightPlan plan)
    : plan_(plan), world_(world_of(plan)), to_submit_(plan.jobs), to_crash_(plan.crashes) {
    world_.net().unreachable = plan_.unreachable;
    world_.net().lost_answer = plan_.lost_answer;
}

void Night::crash() {
    // Somewhere in the middle of a turn, not only between turns.
    const int steps = static_cast<int>(chance() * 40);
    world_.loop().restart();
    for (int i = 0; i < steps && world_.loop().poll_one() > 0; ++i) {
    }
    world_.bury();
    world_.clock().advance(up_to(600'000));
    world_.start();
}

void Night::submit_some(int count) {
    std::vector<json::object> jobs;
    for (int i = 0; i < count; ++i) {
        json::object job = world_.job_json(fmt::format("job-{}", next_job_++));
        job["priority"] = static_cast<int>(chance() * 3);
        const Instant now = world_.clock().now();
        if (chance() < 0.1) job["not_before"] = to_rfc3339(now + Millis{1'800'000});
        if (chance() < 0.1) job["deadline"] = to_rfc3339(now + Millis{2'400'000});
        jobs.push_back(std::move(job));
    }
    world_.submit(std::move(jobs));
}

void Night::drop_row() {
    const std::string id = fmt::format("row-{}", next_job_++);
    const bool broken = chance() < 0.2;
    world_.drop_row(id, broken ? "not a model" : World::model,
                    json::serialize(world_.job_json(id).at("input")), !broken);
    if (chance() < 0.7) world_.engine().inbox_changed();
}

void Night::interfere() {
    const std::vector<Job> jobs = world_.jobs();
    if (jobs.empty()) return;
    const Job& job = jobs[static_cast<std::size_t>(chance() * static_cast<double>(jobs.size()))];
    const double dice = chance();
    const auto action = dice < 0.3    ? engine::Action::hold
                        : dice < 0.7  ? engine::Action::release
                        : dice < 0.85 ? engine::Action::cancel
                                      : engine::Action::retry;
    const bool undecided = job.state == State::held && (job.reason == Reason::submit_unknown ||
                                                        job.reason == Reason::remote_missing);
    const bool chooses = (action == engine::Action::release && undecided) ||
                         action == engine::Action::retry;
    if (chooses) world_.risk(job);
    world_.act(job.request.id.str(), action);
}

void Night::turn() {
    if (to_submit_ > 0 && chance() < 0.4) {
        const int count = std::min(to_submit_, 1 + static_cast<int>(chance() * 4));
        to_submit_ -= count;
        if (chance() < 0.7) {
            submit_some(count);
        } else {
            for (int i = 0; i < count; ++i) drop_row();
        }
    }
    if (plan_.people && chance() < 0.15) interfere();
    if (chance() < 0.03) world_.clock().jump(up_to(7'200'000) - Millis{3'600'000});
    if (chance() < 0.03) world_.disk().capacity = world_.disk().used() + 20'000;
    if (chance() < 0.1) world_.disk().capacity = std::uint64_t{1} << 40;
    if (chance() < 0.04) world_.control(json::object{{"locked", chance() < 0.5}});
    // Short and long: into the middle of an exchange, or hours on.
    const double length = chance();
    world_.pass(Millis{static_cast<Millis::rep>(length * length * length * 1'200'000)});
    if (to_crash_ > 0 && chance() < 0.25) {
        --to_crash_;
        crash();
    }
}

std::vector<std::string> Night::run() {
    world_.start();
    for (int i = 0; i < 40; ++i) turn();
    world_.calm();
    for (int hour = 0; hour < 96 && !world_.quiet(); ++hour) world_.pass(Millis{3'600'000});
    // A last start sweeps what the night left behind.
    crash();
    world_.pass(Millis{120'000});
    return world_.check();
}

std::string Night::trace() {
    return fmt::format(
               "seed {}: jobs {} crashes {} webhooks {} resubmit {} people {} faults {:.2f}\n",
               plan_.seed, plan_.jobs, plan_.crashes, plan_.webhooks, plan_.resubmit_unknown,
               plan_.people, plan_.fault_level) +
           world_.trace();
}

}  // namespace reeld::test
