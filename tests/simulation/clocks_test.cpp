// Goal: a wall clock that is set, or a machine that sleeps, at any moment of a job's way loses no job
// and pays for none twice, and all of it is done in about the time that it takes without. Method: a
// small world with every kind of trouble at the provider; the clock moves once, at the first moment
// that a job is in the state in question.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "support/world.hpp"

namespace reeld::test {
namespace {

using domain::Job;
using domain::State;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Move {
    std::string name;
    Millis by;
    bool is_sleep = false;
    bool is_told = true;
};

const std::vector<Move>& moves() {
    static const std::vector<Move> all{
        {"not at all", Millis{0}},
        {"a day forward", hours{24}},
        {"a day forward, untold", hours{24}, false, false},
        {"a day back", hours{-24}},
        {"a day back, untold", hours{-24}, false, false},
        {"a second forward", seconds{1}},
        {"a second back", seconds{-1}},
        {"ten years forward", hours{24 * 3652}},
        {"back before the jobs were made", hours{-24 * 365}},
        {"eight hours of sleep", hours{8}, true},
        {"eight hours of sleep, untold", hours{8}, true, false},
    };
    return all;
}

WorldOptions options(bool resubmit) {
    WorldOptions made;
    made.seed = 11;
    made.resubmit_unknown = resubmit;
    made.concurrency = 2;
    made.provider.run_min = Millis{20'000};
    made.provider.run_max = Millis{60'000};
    return made;
}

// Each steered into a trouble of its own.
void submit_all(World& world) {
    std::vector<json::object> jobs;
    int number = 0;
    for (const std::string_view mark :
         {"lost_answer", "submit_429", "submit_5xx_json", "media_404_once", "webhook_dropped",
          "slow_answer", "media_truncated", "result_5xx", "none"}) {
        json::object job = world.job_json(fmt::format("job-{}", ++number));
        job["input"] = json::object{{"prompt", fmt::format("night {} [sandbox:{}]", number, mark)}};
        jobs.push_back(std::move(job));
    }
    jobs.back()["not_before"] = to_rfc3339(world.clock().now() + minutes{3});
    world.submit(std::move(jobs));
}

bool any_in(World& world, State state) {
    for (const Job& job : world.jobs()) {
        if (job.state == state) return true;
    }
    return false;
}

// Nothing moves before a time that a person gave and that is far away by now.
bool only_dated_left(World& world) {
    for (const Job& job : world.jobs()) {
        const bool waits = job.state == State::scheduled && job.request.not_before &&
                           *job.request.not_before > world.clock().now() + hours{1};
        const bool rests = domain::is_terminal(job.state) || job.state == State::held;
        if (!rests && !waits) return false;
    }
    return true;
}

// How long it takes until all rests.
Millis live_through(World& world, State at, const Move& move) {
    world.clock().tell_changes(move.is_told);
    world.start();
    const Millis begun = world.clock().monotonic();
    submit_all(world);
    REQUIRE(world.pass_until([&] { return any_in(world, at); }, hours{2}));
    if (move.is_sleep) {
        world.net().cut();
        world.clock().suspend(move.by);
    } else {
        world.clock().jump(move.by);
    }
    CHECK(world.pass_until([&] { return world.quiet() || only_dated_left(world); }, hours{20}));
    // A time that a person gave keeps its place on the clock; it comes once the clock is right.
    if (!world.quiet()) world.clock().jump(-move.by);
    CHECK(world.pass_until([&] { return world.quiet(); }, hours{20}));
    return world.clock().monotonic() - begun;
}

int posts_of_unknown(const World& world_const) {
    World& world = const_cast<World&>(world_const);
    int accepted = 0;
    const json::object ledger = world.provider().ledger();
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        const auto& input = entry.as_object().at("input").as_object();
        if (input.at("prompt").as_string().find("lost_answer") != std::string::npos) ++accepted;
    }
    return accepted;
}

}  // namespace

TEST_CASE("a clock that moves in any state of a job loses nothing, pays nothing twice and stalls nothing") {
    for (const bool resubmit : {false, true}) {
        for (const State at : {State::scheduled, State::queued, State::submitting,
                               State::submit_unknown, State::submitted, State::running,
                               State::fetching}) {
            for (const Move& move : moves()) {
                CAPTURE(resubmit);
                CAPTURE(domain::to_string(at));
                CAPTURE(move.name);
                World world(options(resubmit));
                const Millis took = live_through(world, at, move);
                CHECK(took < minutes{90});
                const std::vector<std::string> wrong = world.check();
                CHECK_MESSAGE(wrong.empty(), (wrong.empty() ? "" : wrong.front()), "\n",
                              world.trace());
                // The provider knows it, so it is found, and the policy has nothing to decide.
                CHECK(posts_of_unknown(world) == 1);
            }
        }
    }
}

}  // namespace reeld::test
