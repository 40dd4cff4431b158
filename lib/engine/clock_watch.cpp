#include "engine/clock_watch.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using domain::State;

// Less is the clock's ordinary discipline.
constexpr Millis tolerance{5'000};
constexpr int all = 1'000'000;

bool matters(Millis by) { return by >= tolerance || by <= -tolerance; }

void move(std::optional<Instant>& at, Millis by) {
    if (at) *at += by;
}

}  // namespace

ClockWatch::ClockWatch(Core& core) : core_(core) {
    core_.commit.after_flush([this](bool kept) { settle(kept); });
}

Status ClockWatch::follow() {
    const runtime::Clock& clock = core_.services.clock;
    const Millis elapsed = clock.elapsed();
    const Millis offset = clock.now().time_since_epoch() - elapsed;
    const Millis asleep = elapsed - clock.monotonic();
    Millis set = offset - core_.time.followed;
    Millis slept = asleep - core_.time.asleep;
    if (!matters(set)) set = Millis{0};
    if (!matters(slept)) slept = Millis{0};
    if (set != Millis{0} || slept != Millis{0}) {
        const Status shifted = shift(set, slept);
        if (!shifted) return shifted;
        crash_point::pass(CrashPoint::clock_waits_moved);
        core_.time.followed += set;
        core_.time.asleep += slept;
        open_set_ += set;
        open_slept_ += slept;
        for (auto& [name, health] : core_.health) {
            if (health.clock_ahead) *health.clock_ahead += set;
        }
        if (!core_.services.store.dirty()) settle(true);
    }
    core_.time.offset = offset;
    if (set != Millis{0} || slept != Millis{0}) tell(set, slept);
    return ok();
}

awaitable<void> ClockWatch::run() {
    for (;;) {
        co_await core_.services.clock.changed();
        const Status followed = follow();
        const Status durable = co_await core_.commit.durable();
        // Without success the timers' loop comes back to it within half a minute.
        if (!followed || !durable) continue;
        core_.timer_bell.ring();
        core_.dispatch_bell.ring();
    }
}

void ClockWatch::tell(Millis set, Millis slept) {
    // By the old clock or by the new one, whichever is later: nothing dated by either before this
    // moment may pass for younger.
    const Instant changed = std::max(core_.now(), core_.now() - set);
    core_.clock_set_at = std::max(changed, core_.clock_set_at.value_or(changed));
    if (set != Millis{0}) {
        log::warning("engine", "the wall clock was set; running waits keep their length",
                     {{"by_ms", std::to_string(set.count())}});
        core_.count("clock_changes");
        core_.clock_set = ClockChange{core_.now(), set};
    }
    if (slept != Millis{0}) {
        log::info("engine", "the machine slept; what fell due meanwhile is done now",
                  {{"for_ms", std::to_string(slept.count())}});
        core_.count("clock_sleeps");
        core_.clock_slept = ClockChange{core_.now(), slept};
    }
}

void ClockWatch::settle(bool kept) {
    if (!kept && (open_set_ != Millis{0} || open_slept_ != Millis{0})) {
        retry_branch::taken(RetryBranch::clock_moved_again);
        // What was rolled back is to be moved again, from the time that it still knows.
        core_.time.followed -= open_set_;
        core_.time.offset -= open_set_;
        core_.time.asleep -= open_slept_;
        for (auto& [name, health] : core_.health) {
            if (health.clock_ahead) *health.clock_ahead -= open_set_;
        }
    }
    open_set_ = open_slept_ = Millis{0};
}

Status ClockWatch::shift(Millis set, Millis slept) {
    return core_.services.store.transact([&](store::Tx& tx) {
        if (set != Millis{0}) {
            tx.move_waits(set);
            shift_gates(tx, set);
        }
        shift_undecided(tx, set + slept);
    });
}

void ClockWatch::shift_undecided(store::Tx& tx, Millis by) {
    for (Job& job : tx.jobs_in_state(State::submit_unknown, all)) {
        move(job.unknown_until, by);
        // One that began after the machine woke up is whole already. In the time that is about to be.
        const Instant now = core_.services.clock.now();
        const Instant longest = now + core_.policy(job.provider).submit_unknown_wait;
        if (job.unknown_until) job.unknown_until = std::min(*job.unknown_until, longest);
        if (!tx.update_timer(job)) throw std::logic_error("a job's timer was lost");
    }
}

void ClockWatch::shift_gates(store::Tx& tx, Millis by) {
    for (const auto& [name, setup] : core_.config.providers) {
        domain::ProviderState state = tx.provider_state(name);
        move(state.probe_at, by);
        move(state.limited_until, by);
        move(state.next_submit_at, by);
        tx.save_provider_state(state);
    }
}

}  // namespace reeld::engine
