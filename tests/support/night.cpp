#include "support/night.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace reeld::test {
namespace {

using domain::Job;
using domain::Reason;
using domain::State;

constexpr const char* good_key = "night:key";
constexpr const char* bad_model = "not a model";

WorldOptions world_of(const NightPlan& plan) {
    const auto rng = runtime::make_seeded_rng(plan.seed);
    WorldOptions options;
    options.seed = plan.seed;
    options.webhooks = plan.webhooks;
    options.resubmit_unknown = plan.resubmit_unknown;
    options.trace = plan.trace;
    options.providers = plan.providers;
    options.status_streams = plan.status_streams;
    options.speech = plan.speech;
    options.local_files = plan.local_files;
    if (plan.local_files) options.part_bytes = 2'048;
    options.eachlabs_auth = plan.old_header ? "x-api-key" : "";
    // Rows are looked for less often in most nights: hours of an idle inbox show nothing new.
    options.inbox_interval = Millis{rng->uniform() < 0.1 ? 5'000 : 60'000};
    options.provider.key = good_key;
    options.provider.run_min = Millis{20'000};
    options.provider.run_max = Millis{240'000};
    // On a busy day requests wait for minutes, so that there is something to cancel in the queue.
    if (rng->uniform() < 0.5) options.provider.queue_max = Millis{180'000};
    options.provider.history_delay = Millis{static_cast<Millis::rep>(rng->uniform() * 120'000)};
    options.provider.hide_unfinished = rng->uniform() < 0.3;
    options.provider.history_page = rng->uniform() < 0.3 ? 2 : 100;
    options.provider.webhook_patient = rng->uniform() < 0.2;
    options.provider.strict_paths = rng->uniform() < 0.5;
    options.provider.eachlabs_step = Millis{5'000};
    options.provider.in_flight_max = rng->uniform() < 0.3 ? 2 : 10;
    options.provider.bare_401 = rng->uniform() < 0.5;
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        const auto fault = static_cast<sandbox::Fault>(i);
        // Each night has its own few troubles; some have all of them.
        const bool chosen = rng->uniform() < 0.3;
        const double odds = chosen ? plan.fault_level * 2 * rng->uniform() : 0;
        const std::string kind = fmt::format("sandbox/{}", sandbox::to_string(fault));
        options.provider.faults[fault] = plan.off.contains(kind) ? 0 : odds;
    }
    // A provider that signs a lie under the right token is believed; the book cannot be right then.
    options.provider.faults[sandbox::Fault::webhook_swapped] = 0;
    return options;
}

const std::vector<std::string>& script_kinds() {
    static const std::vector<std::string> kinds{
        "person/submit",      "person/submit_again",   "person/submit_conflict",
        "person/twin",        "person/drop_row",       "person/drop_bad_row",
        "person/drop_again",  "person/mend_row",       "person/break_row",
        "person/delete_row",  "person/rename_row",     "person/change_row",
        "person/hold_inbox",  "person/cancel",         "person/hold",
        "person/release",     "person/retry",          "person/reload",
        "person/adopt",       "person/adopt_taken",    "person/adopt_refused",
        "person/take_key",    "person/wrong_key",      "person/hooks_off",
        "provider/lock",      "provider/revoke_key",   "provider/rate_limit",
        "provider/slots",     "provider/rotate_keys",  "machine/disk_full",
        "machine/jump_short", "machine/jump_hour",     "machine/jump_day",
        "machine/suspend",    "machine/crash",         "machine/power_cut",
        "machine/stop",       "machine/long_outage",   "person/change_file",
        "person/remove_file"};
    return kinds;
}

}  // namespace

NightPlan plan_of(std::uint64_t seed) {
    const auto rng = runtime::make_seeded_rng(seed);
    NightPlan plan;
    plan.seed = seed;
    plan.jobs = 4 + static_cast<int>(rng->uniform() * 12);
    plan.crashes = static_cast<int>(rng->uniform() * 5);
    plan.webhooks = rng->uniform() < 0.7;
    plan.resubmit_unknown = rng->uniform() < 0.2;
    plan.people = rng->uniform() < 0.7;
    plan.fault_level = rng->uniform() < 0.15 ? 0 : rng->uniform() * 0.4;
    plan.net_level = rng->uniform() < 0.3 ? 0 : rng->uniform() * 0.05;
    const double whose = rng->uniform();
    if (whose < 0.35) plan.providers = {"eachlabs"};
    if (whose >= 0.7) plan.providers = {"fal", "eachlabs"};
    plan.old_header = rng->uniform() < 0.3;
    if (rng->uniform() < 0.3) plan.status_streams = 1 + static_cast<int>(rng->uniform() * 6);
    plan.speech = rng->uniform() < 0.3;
    plan.local_files = rng->uniform() < 0.4;
    return plan;
}

std::vector<std::string> night_kinds() {
    std::vector<std::string> kinds = script_kinds();
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        const auto fault = static_cast<sandbox::Fault>(i);
        // world_of() lets no provider sign a lie.
        if (fault == sandbox::Fault::webhook_swapped) continue;
        kinds.push_back(fmt::format("sandbox/{}", sandbox::to_string(fault)));
    }
    for (const char* kind :
         {"sandbox/rate_limit", "sandbox/in_flight", "net/unreachable", "net/lost_request",
          "net/late_request", "net/lost_answer", "net/reset_answer", "net/cut_answer",
          "net/slow_answer", "net/status_stream", "output/inlined",
          "webhook/nobody_listens", "webhook/lost_answer", "webhook/overtaken",
          "webhook/answered_200", "webhook/answered_401", "trail/webhook_refused",
          "trail/webhook_stale", "trail/webhook_mismatch", "trail/webhook_late",
          "attempt/completed", "attempt/failed", "attempt/cancelled", "attempt/refused",
          "attempt/not_sent", "attempt/unknown", "trail/adopted", "trail/submit_interrupted",
          "trail/submit_unknown", "trail/retried", "end/completed", "end/failed",
          "end/cancelled", "end/held"}) {
        kinds.emplace_back(kind);
    }
    return kinds;
}

Night::Night(NightPlan plan)
    : plan_(std::move(plan)),
      rng_(runtime::make_seeded_rng(plan_.seed * 7919 + 17)),
      world_(world_of(plan_)),
      to_submit_(plan_.jobs),
      to_crash_(plan_.crashes) {
    SimulatedNet& net = world_.net();
    const std::pair<const char*, double*> troubles[] = {
        {"net/unreachable", &net.unreachable},   {"net/lost_request", &net.lost_request},
        {"net/late_request", &net.late_request}, {"net/lost_answer", &net.lost_answer},
        {"net/reset_answer", &net.reset_answer}, {"net/cut_answer", &net.cut_answer},
        {"net/slow_answer", &net.slow_answer}};
    for (const auto& [kind, odds] : troubles) {
        const double drawn = chance() < 0.5 ? 0 : chance() * 2 * plan_.net_level;
        *odds = plan_.off.contains(kind) ? 0 : drawn;
    }
}

bool Night::does(const std::string& kind, double odds) {
    const bool hit = chance() < odds && !plan_.off.contains(kind);
    if (hit) world_.journal().count(kind);
    return hit;
}

std::string Night::some_id() {
    const double at = chance() * static_cast<double>(ids_.size());
    return ids_.empty() ? "nobody" : ids_[static_cast<std::size_t>(at)];
}

void Night::end_process() {
    // Somewhere in the middle of a turn, not only between turns.
    const int steps = static_cast<int>(chance() * 40);
    world_.loop().restart();
    for (int i = 0; i < steps && world_.loop().poll_one() > 0; ++i) {
    }
    const double how = chance();
    const auto keeps = static_cast<PowerCut::Keeps>(static_cast<int>(chance() * 5));
    if (how < 0.25 && !plan_.off.contains("machine/stop")) {
        world_.journal().count("machine/stop");
        world_.note("machine", "reeld is asked to stop");
        world_.stop();
    } else if (how < 0.6 && !plan_.off.contains("machine/power_cut")) {
        world_.journal().count("machine/power_cut");
        world_.cut_power(PowerCut{keeps, plan_.seed + static_cast<std::uint64_t>(steps)});
        world_.bury();
    } else {
        world_.journal().count("machine/crash");
        world_.bury();
    }
    const bool is_long = does("machine/long_outage", 0.1);
    world_.lie_dead(up_to(is_long ? 14'400'000 : 600'000));
    world_.start();
}

void Night::submit_some(int count) {
    std::vector<json::object> jobs;
    for (int i = 0; i < count; ++i) {
        const std::string id = fmt::format("job-{}", next_job_++);
        json::object job = world_.job_json(id);
        job["priority"] = static_cast<int>(chance() * 3);
        const Instant now = world_.clock().now();
        if (chance() < 0.1) job["not_before"] = to_rfc3339(now + Millis{1'800'000});
        if (chance() < 0.1) job["deadline"] = to_rfc3339(now + Millis{2'400'000});
        const std::string other = some_id();
        if (does("person/twin", ids_.empty() ? 0 : 0.1)) {
            job["input"] = world_.job_json(other).at("input");
            job["model"] = world_.model_of(other);
        }
        ids_.push_back(id);
        sent_[id] = job;
        jobs.push_back(std::move(job));
        world_.journal().count("person/submit");
        world_.note("person", "submits " + id);
    }
    world_.submit(std::move(jobs));
}

// The same id once more, with the same content or with other.
void Night::submit_again() {
    const std::string id = some_id();
    const auto known = sent_.find(id);
    const bool other = chance() < 0.5;
    const bool by_row = chance() < 0.5;
    if (ids_.empty()) return;
    json::object job = known != sent_.end() ? known->second : world_.job_json(id);
    if (other) job["input"] = world_.job_json(id + " otherwise").at("input");
    world_.note("person", fmt::format("submits {} again{}", id, other ? " with other input" : ""));
    if (by_row) {
        world_.drop_row(id, world_.model_of(id), json::serialize(job.at("input")), false);
        world_.journal().count("person/drop_again");
        return;
    }
    world_.journal().count(other ? "person/submit_conflict" : "person/submit_again");
    std::vector<json::object> jobs;
    jobs.push_back(std::move(job));
    world_.submit(std::move(jobs));
}

void Night::drop_row() {
    const std::string id = fmt::format("row-{}", next_job_++);
    const bool broken = does("person/drop_bad_row", 0.25);
    const bool landed = world_.drop_row(id, broken ? bad_model : world_.model_of(id),
                                        json::serialize(world_.job_json(id).at("input")), !broken);
    world_.note("person", fmt::format("drops {}{}{}", broken ? "the bad row " : "", id,
                                      landed ? "" : " in vain"));
    if (landed) {
        world_.journal().count("person/drop_row");
        ids_.push_back(id);
        rows_.push_back(id);
        if (broken) bad_rows_.push_back(id);
    }
    if (plan_.people && chance() < 0.4) edit_rows();
    if (chance() < 0.7) world_.engine().inbox_changed();
}

// Somebody at a shell, on rows that may be gone by now.
void Night::edit_rows() {
    const auto pick = [&](const std::vector<std::string>& from) {
        // Mostly the newest: the others are jobs long since.
        const bool newest = chance() < 0.6;
        const double at = chance() * static_cast<double>(from.size());
        if (from.empty()) return std::string("nobody");
        return newest ? from.back() : from[static_cast<std::size_t>(at)];
    };
    const std::string id = pick(rows_);
    const std::string bad = pick(bad_rows_);
    const std::string fresh = fmt::format("renamed-{}", next_job_++);
    const auto input = [&](const std::string& name) {
        return json::serialize(world_.job_json(name).at("input"));
    };
    const auto edit = [&](const std::string& kind, int changed) {
        if (changed < 1) return;
        world_.journal().count(kind);
        world_.note("person", fmt::format("{}: {}", kind, kind == "person/mend_row" ? bad : id));
    };
    const double dice = chance();
    const auto on = [&](const char* kind) { return !plan_.off.contains(kind); };
    if (dice < 0.3 && on("person/mend_row")) {
        edit("person/mend_row",
             world_.edit_inbox("UPDATE jobs SET model = ?, error = NULL WHERE id = ?",
                               {world_.model_of(bad), bad}, bad));
    } else if (dice < 0.45 && on("person/break_row")) {
        const int changed =
            world_.edit_inbox("UPDATE jobs SET model = ? WHERE id = ?", {bad_model, id}, {}, id);
        if (changed > 0) bad_rows_.push_back(id);
        edit("person/break_row", changed);
    } else if (dice < 0.6 && on("person/delete_row")) {
        edit("person/delete_row",
             world_.edit_inbox("DELETE FROM jobs WHERE id = ?", {id}, {}, id));
    } else if (dice < 0.8 && on("person/rename_row")) {
        // What is broken stays so under its new name.
        const bool broken = std::find(bad_rows_.begin(), bad_rows_.end(), id) != bad_rows_.end();
        const int changed =
            world_.edit_inbox("UPDATE jobs SET id = ?, input = ?, error = NULL WHERE id = ?",
                              {fresh, input(fresh), id}, broken ? "" : fresh, id);
        if (changed > 0) ids_.push_back(fresh);
        edit("person/rename_row", changed);
    } else if (on("person/change_row")) {
        edit("person/change_row", world_.edit_inbox("UPDATE jobs SET input = ? WHERE id = ?",
                                                    {input(id + " changed"), id}));
    }
}

void Night::interfere() {
    const std::vector<Job> jobs = world_.jobs();
    const double at = chance();
    const double dice = chance();
    if (jobs.empty()) return;
    const auto [action, kind] = dice < 0.3    ? std::pair(engine::Action::hold, "person/hold")
                                : dice < 0.7  ? std::pair(engine::Action::release, "person/release")
                                : dice < 0.85 ? std::pair(engine::Action::cancel, "person/cancel")
                                              : std::pair(engine::Action::retry, "person/retry");
    if (plan_.off.contains(kind)) return;
    // The provider has few of them at any moment, and only there a cancel is more than a word.
    std::vector<Job> there;
    if (action == engine::Action::cancel && chance() < 0.7) {
        std::copy_if(jobs.begin(), jobs.end(), std::back_inserter(there), [](const Job& one) {
            return one.state == State::submitted || one.state == State::running;
        });
    }
    const std::vector<Job>& from = there.empty() ? jobs : there;
    const Job& job = from[static_cast<std::size_t>(at * static_cast<double>(from.size()))];
    const bool undecided = job.state == State::held && (job.reason == Reason::submit_unknown ||
                                                        job.reason == Reason::remote_missing);
    if (action == engine::Action::release && undecided) world_.risk(job);
    world_.journal().count(kind);
    world_.note("person", fmt::format("{} {}", kind + 7, job.request.id.str()));
    world_.act(job.request.id.str(), action);
}

// Somebody reads the provider's dashboard and says which request it was; or takes the wrong one.
void Night::settle_doubt() {
    const double which = chance();
    const bool right = chance() < 0.6;
    const double other = chance();
    std::vector<Job> doubtful;
    for (Job& job : world_.jobs()) {
        const bool doubts = job.state == State::submit_unknown ||
                            (job.state == State::held && job.reason == Reason::submit_unknown);
        if (doubts) doubtful.push_back(std::move(job));
    }
    const json::object ledger = world_.provider().ledger();
    const json::array& accepted = ledger.at("accepted").as_array();
    if (doubtful.empty() || accepted.empty() || plan_.off.contains("person/adopt")) return;
    const Job& job = doubtful[static_cast<std::size_t>(which * static_cast<double>(doubtful.size()))];
    std::string request(
        accepted[static_cast<std::size_t>(other * static_cast<double>(accepted.size()))]
            .at("request_id")
            .as_string());
    for (const json::value& entry : accepted) {
        const std::string input = json::serialize(entry.at("input"));
        if (right && input == job.request.input) request = entry.at("request_id").as_string();
    }
    world_.journal().count("person/adopt");
    world_.note("person", fmt::format("adopts {} for {}", request, job.request.id.str()));
    world_.adopt(job.request.id.str(), request);
}

void Night::reload() {
    Settings settings;
    settings.concurrency = 1 + static_cast<int>(chance() * 6);
    const double rate = chance();
    settings.requests_per_minute = rate < 0.6 ? 120 : rate < 0.8 ? 12 : 3;
    settings.hooks_url = plan_.webhooks ? World::hooks_url : "";
    if (does("person/take_key", 0.15)) settings.key.clear();
    if (does("person/wrong_key", 0.15)) settings.key = "night:mistyped";
    if (plan_.webhooks && does("person/hooks_off", 0.2)) settings.hooks_url.clear();
    if (chance() < 0.2 && !settings.hooks_url.empty()) settings.hooks_url = "http://127.0.0.1:8461";
    world_.reload(std::move(settings));
}

// The provider's account changes.
void Night::turn_knobs() {
    if (does("provider/lock", 0.15)) {
        world_.control(json::object{{"locked", true}});
    } else if (does("provider/revoke_key", 0.15)) {
        world_.control(json::object{{"key", "somebody:else"}});
    } else if (does("provider/rate_limit", 0.25)) {
        world_.control(json::object{{"requests_per_minute", 1 + static_cast<int>(chance() * 10)}});
    } else if (does("provider/slots", 0.25)) {
        world_.control(json::object{{"concurrency", 1 + static_cast<int>(chance() * 4)}});
    } else if (does("provider/rotate_keys", 0.25)) {
        world_.control(json::object{{"rotate_keys", true}});
    } else {
        world_.control(
            json::object{{"locked", false}, {"key", good_key}, {"requests_per_minute", 0}});
    }
    world_.note("provider", "the account changes");
}

void Night::set_clock() {
    const bool back = chance() < 0.5;
    const auto by = [&](double longest) { return back ? -up_to(longest) : up_to(longest); };
    if (does("machine/jump_short", 0.4)) world_.jump(by(90'000));
    if (does("machine/jump_hour", 0.25)) world_.jump(by(7'200'000));
    if (does("machine/jump_day", 0.15)) world_.jump(by(172'800'000));
    if (does("machine/suspend", 0.3)) world_.suspend(up_to(chance() < 0.7 ? 600'000 : 28'800'000));
}

// Between a submit and its upload, or while nobody looks.
void Night::touch_files() {
    const int number = static_cast<int>(chance() * World::shot_count);
    const int edition = static_cast<int>(chance() * 1'000);
    if (does("person/change_file", 0.5)) {
        world_.put_shot(number, edition);
        world_.note("person", fmt::format("changes file {}", number));
    } else if (does("person/remove_file", 0.3)) {
        const Status gone = world_.disk().remove(fmt::format("{}/{}.png", World::shots, number));
        world_.note("person", fmt::format("removes file {}{}", number, gone ? "" : " in vain"));
    }
}

void Night::trouble() {
    if (plan_.local_files && chance() < 0.08) touch_files();
    if (chance() < 0.06) set_clock();
    if (does("machine/disk_full", 0.03)) world_.disk().capacity = world_.disk().used() + 20'000;
    if (chance() < 0.1) world_.disk().capacity = std::uint64_t{1} << 40;
    if (chance() < 0.06) turn_knobs();
    if (!plan_.people) return;
    if (chance() < 0.15) interfere();
    if (chance() < 0.1) settle_doubt();
    if (chance() < 0.05) submit_again();
    if (chance() < 0.1) edit_rows();
    if (does("person/hold_inbox", 0.04)) world_.hold_inbox();
    if (chance() < 0.3) world_.release_inbox();
    if (does("person/reload", 0.04)) reload();
}

void Night::turn() {
    if (to_submit_ > 0 && chance() < 0.4) {
        const int count = std::min(to_submit_, 1 + static_cast<int>(chance() * 4));
        to_submit_ -= count;
        if (chance() < 0.6) {
            submit_some(count);
        } else {
            for (int i = 0; i < count; ++i) drop_row();
        }
    }
    trouble();
    // Short and long: into the middle of an exchange, or hours on.
    const double length = chance();
    world_.pass(Millis{static_cast<Millis::rep>(length * length * length * 1'200'000)});
    if (to_crash_ > 0 && chance() < 0.25) {
        --to_crash_;
        end_process();
    }
}

std::vector<std::string> Night::run() {
    world_.start();
    if (plan_.local_files) world_.put_shots();
    for (int i = 0; i < 40; ++i) turn();
    world_.note("world", "calm from here on");
    world_.calm();
    Settings settings;
    settings.hooks_url = plan_.webhooks ? World::hooks_url : "";
    world_.reload(std::move(settings));
    const auto come_to_rest = [this] {
        for (int hour = 0; hour < 96 && !world_.quiet(); ++hour) world_.pass(Millis{3'600'000});
    };
    come_to_rest();
    // A last start sweeps what the night left behind, and may yet find what a held job waited for.
    end_process();
    world_.pass(Millis{120'000});
    come_to_rest();
    return world_.check();
}

std::string Night::trace() {
    std::string off;
    for (const std::string& kind : plan_.off) off += " " + kind;
    return fmt::format(
               "seed {}: {} jobs {} crashes {} webhooks {} resubmit {} people {} faults {:.2f} net "
               "{:.2f} streams {} speech {} files {}{}{}\n",
               plan_.seed, fmt::join(plan_.providers, "+"), plan_.jobs, plan_.crashes,
               plan_.webhooks, plan_.resubmit_unknown, plan_.people, plan_.fault_level,
               plan_.net_level, plan_.status_streams, plan_.speech, plan_.local_files, off.empty() ? "" : " off:",
               off) +
           world_.trace();
}

}  // namespace reeld::test
