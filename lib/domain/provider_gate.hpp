#pragma once
// The gate in front of one provider's account: may a job be submitted now, and if not, why and until
// when. What it knows is data that outlives a restart; the functions are pure.
#include <cstdint>
#include <optional>
#include <string>

#include "domain/event.hpp"
#include "domain/retry_policy.hpp"
#include "domain/state.hpp"

namespace reeld::domain {

// What is remembered of a provider over restarts.
struct ProviderState {
    std::string name;
    Reason paused = Reason::none;            // credentials or account while paused
    std::string paused_message;
    std::optional<Instant> paused_at;
    std::optional<Instant> probe_at;         // when one job may try again
    int probe_failures = 0;                  // probes since the pause, none of them accepted yet
    std::optional<Instant> limited_until;    // no submit before: 429, Retry-After, failures in a row
    std::optional<Instant> next_submit_at;   // of the requests_per_minute pacer
    int slow_downs = 0;                      // submits in a row that found the provider unable
    std::string user_id;                     // learned from the first fully matching webhook
    friend bool operator==(const ProviderState&, const ProviderState&) = default;
};

struct GateLimits {
    std::int64_t concurrency = 8;
    int requests_per_minute = 120;
    Millis retry_base{2'000};
    Millis retry_max{600'000};
};

struct Admission {
    bool open = false;
    bool probe = false;             // open for a single job that tries a paused account
    Reason reason = Reason::none;   // why it is closed
    std::optional<Instant> until;   // when to ask again; nothing: when something changes
};

// `in_hand` counts the jobs that hold a slot of this provider.
Admission ask(const ProviderState& state, const GateLimits& limits, std::int64_t in_hand,
              Instant now);

// What the next state is after …
ProviderState after_admission(ProviderState state, const GateLimits& limits, Instant now);
// An upload takes no token; of a paused account it is the probe.
ProviderState after_upload_began(ProviderState state, Instant now);
// An upload is over and did not say whether the account works: a paused one is tried at once.
ProviderState after_upload_ended(ProviderState state, Instant now);
ProviderState after_accepted(ProviderState state);
// A read with the key succeeded: the key is good, which says nothing of the balance.
ProviderState after_read(ProviderState state);
ProviderState after_refusal(ProviderState state, const Refusal& refusal, const GateLimits& limits,
                            Instant now, Jitter jitter);
ProviderState after_not_sent(ProviderState state, const GateLimits& limits, Instant now,
                             Jitter jitter);
// A job at the provider has ended. What it held of the balance is free again, so a paused account is
// tried at once; that look is on top of the timed ones.
ProviderState after_settled(ProviderState state, Instant now);
// A person said go, or the key was changed.
ProviderState after_release(ProviderState state);

}  // namespace reeld::domain
