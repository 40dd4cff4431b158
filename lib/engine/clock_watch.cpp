#include "engine/clock_watch.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/crash_point.hpp"
#include "base/log.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using domain::State;

// Less is the clock's ordinary discipline.
constexpr Millis tolerance{5'000};
constexpr int all = 1'000'000;

void move(std::optional<Instant>& at, Millis by) {
    if (at) *at += by;
}

bool waits_for_a_while(const Job& job) {
    return job.state != State::scheduled || job.reason == domain::Reason::backoff;
}

}  // namespace

Millis ClockWatch::offset() const {
    return core_.now().time_since_epoch() - core_.services.clock.monotonic();
}

Status ClockWatch::follow() {
    const Millis by = offset() - offset_;
    if (by > -tolerance && by < tolerance) return ok();
    log::warning("engine", "the wall clock was set; running waits keep their length",
                 {{"by_ms", std::to_string(by.count())}});
    core_.clock_set_at = core_.now();
    const Status shifted = shift(by);
    if (shifted) offset_ += by;
    crash_point::pass(CrashPoint::clock_waits_moved);
    return shifted;
}

Status ClockWatch::shift(Millis by) {
    return core_.services.store.transact([&](store::Tx& tx) {
        shift_jobs(tx, by);
        shift_gates(tx, by);
    });
}

void ClockWatch::shift_jobs(store::Tx& tx, Millis by) {
    for (const State state : {State::scheduled, State::submitting, State::submit_unknown,
                              State::submitted, State::running, State::fetching}) {
        for (Job& job : tx.jobs_in_state(state, all)) {
            if (!waits_for_a_while(job)) continue;
            move(job.unknown_until, by);
            // One that began after the clock was set is whole already.
            const Instant longest = core_.now() + core_.policy(job.provider).submit_unknown_wait;
            if (job.unknown_until) job.unknown_until = std::min(*job.unknown_until, longest);
            // Looking too early does no harm.
            if (by < Millis{0}) move(job.due_at, by);
            if (!tx.update_timer(job)) throw std::logic_error("a job's timer was lost");
        }
    }
}

void ClockWatch::shift_gates(store::Tx& tx, Millis by) {
    // A gate that opens early costs a refusal at most.
    if (by > Millis{0}) return;
    for (const auto& [name, setup] : core_.config.providers) {
        domain::ProviderState state = tx.provider_state(name);
        move(state.probe_at, by);
        move(state.limited_until, by);
        move(state.next_submit_at, by);
        tx.save_provider_state(state);
    }
    core_.dispatch_bell.ring();
}

}  // namespace reeld::engine
