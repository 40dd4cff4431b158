#pragma once
// What every part of the engine works with, and the bells by which they wake each other.
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "engine/config.hpp"
#include "engine/control.hpp"
#include "engine/group_commit.hpp"
#include "http/client.hpp"
#include "runtime/beside.hpp"
#include "runtime/clock.hpp"
#include "runtime/file_system.hpp"
#include "runtime/rng.hpp"
#include "runtime/task_group.hpp"
#include "store/inbox.hpp"
#include "store/store.hpp"

namespace reeld::engine {

// The outside world, owned by the program (or a test).
struct Services {
    runtime::Clock& clock;
    runtime::Rng& rng;
    runtime::FileSystem& files;
    http::Client& client;
    store::Store& store;
    store::Inbox* inbox;  // may be null: no rows are dropped
    runtime::TaskGroup& tasks;
    runtime::Beside beside = runtime::Beside::thread;
};

struct ProviderHealth {
    std::optional<Instant> last_success_at;
    std::string last_error;
    int failures = 0;  // exchanges in a row without a usable answer
    std::string key = "unchecked";  // missing, accepted, refused, unreachable
    std::optional<Millis> clock_ahead;  // our clock less the provider's, at its last answer
    domain::Admission admission;  // the gate's last word
};

// The engine's own time: evenly on from what the wall clock showed at the last look. ClockWatch alone
// changes it, together with all that waits, so that nobody decides by a jump he has not heard of.
struct EngineTime {
    explicit EngineTime(const runtime::Clock& clock)
        : offset(clock.now().time_since_epoch() - clock.elapsed()),
          followed(offset),
          asleep(clock.elapsed() - clock.monotonic()) {}
    Millis offset;    // engine time less elapsed()
    Millis followed;  // the offset that the stored waits were moved to
    Millis asleep;    // how long the machine has slept, as the stored waits know
};

struct Core {
    Core(Services s, EngineConfig c)
        : services(s),
          time(s.clock),
          config(std::move(c)),
          commit(s.tasks.executor(), s.store),
          dispatch_bell(s.tasks.executor()),
          timer_bell(s.tasks.executor()),
          event_bell(s.tasks.executor()),
          stream_bell(s.tasks.executor()) {}

    Services services;
    EngineTime time;
    EngineConfig config;
    GroupCommit commit;

    runtime::Bell dispatch_bell;  // something may be submitted now
    runtime::Bell timer_bell;     // an earlier owner timer was set
    runtime::Bell event_bell;     // audit events are durable
    runtime::Bell stream_bell;    // a job's status may be streamed now
    std::optional<Instant> next_timer;  // what the timer loop sleeps for
    std::optional<Instant> clock_set_at;  // since when its dates can be trusted again
    bool stopping = false;
    bool disk_low = false;
    std::string outputs_trouble;  // why nothing can be written there; empty: it can

    std::map<std::string, ProviderHealth, std::less<>> health;
    std::optional<Trouble> inbox_trouble;  // dropped rows wait because of it
    std::optional<Trouble> store_trouble;  // foreign programs in the way of reel.db
    std::optional<ClockChange> clock_set;
    std::optional<ClockChange> clock_slept;
    std::deque<LastError> last_errors;
    Counters counters;

    Instant now() const { return Instant{services.clock.elapsed() + time.offset}; }
    // What the provider's clock shows, when ours is known to be far from it: its webhooks speak
    // of that time.
    Instant provider_now(const std::string& provider) const {
        return now() - clock_error(provider);
    }
    Millis clock_error(const std::string& provider) const;
    domain::Jitter jitter() { return domain::Jitter{services.rng.uniform()}; }

    const ProviderSetup* setup(const std::string& provider) const {
        const auto at = config.providers.find(provider);
        return at == config.providers.end() ? nullptr : &at->second;
    }
    const domain::Policy& policy(const std::string& provider) const {
        static const domain::Policy fallback;
        const ProviderSetup* found = setup(provider);
        return found != nullptr ? found->policy : fallback;
    }
    void count(const std::string& name, const std::string& labels = {}, std::uint64_t by = 1) {
        counters[name][labels] += by;
    }
    void remember(const domain::Job& job);
};

}  // namespace reeld::engine
