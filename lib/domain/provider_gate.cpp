#include "domain/provider_gate.hpp"

#include <algorithm>

namespace reeld::domain {
namespace {

constexpr Millis probe_first{60'000};
constexpr Millis probe_longest{1'800'000};
// The pacer lets this much of the minute's budget go in one burst.
constexpr Millis burst{5'000};
// One failed submit is the job's trouble; from the second in a row on it is the provider's.
constexpr int failures_before_limit = 2;

Millis spacing(const GateLimits& limits) {
    const int rate = std::max(1, limits.requests_per_minute);
    return Millis{(60'000 + rate - 1) / rate};
}

void limit(ProviderState& state, Instant until) {
    state.limited_until = std::max(state.limited_until.value_or(until), until);
}

// Each probe waits twice as long as the one before.
Millis probe_wait(int probes) {
    Millis wait = probe_first;
    for (int i = 0; i < probes && wait < probe_longest; ++i) wait *= 2;
    return std::min(wait, probe_longest);
}

void pause(ProviderState& state, Reason reason, const ErrorInfo& error, Instant now) {
    // Refusals of submits that were on their way already say nothing about the next probe.
    if (state.paused == Reason::none) {
        state.paused_at = now;
        state.probe_failures = 0;
        state.probe_at = now + probe_wait(0);
    }
    state.paused = reason;
    state.paused_message = error.message;
}

void resume(ProviderState& state) {
    state.paused = Reason::none;
    state.paused_message.clear();
    state.paused_at.reset();
    state.probe_at.reset();
    state.probe_failures = 0;
}

// One probe at a time: the next waits its turn even when this one's answer gets lost.
void probe(ProviderState& state, Instant now) {
    if (state.paused == Reason::none) return;
    ++state.probe_failures;
    state.probe_at = now + probe_wait(state.probe_failures);
}

// A look on top of the timed ones.
void probe_at_once(ProviderState& state, Instant now) {
    if (state.paused == Reason::none || !state.probe_at || *state.probe_at <= now) return;
    state.probe_at = now;
    state.probe_failures = std::max(0, state.probe_failures - 1);
}

void failed_once_more(ProviderState& state, const GateLimits& limits, Instant now, Jitter jitter,
                      std::optional<Millis> hint) {
    ++state.slow_downs;
    if (state.slow_downs < failures_before_limit && !hint) return;
    limit(state,
          now + backoff(limits.retry_base, limits.retry_max, state.slow_downs, jitter, hint));
}

}  // namespace

Admission ask(const ProviderState& state, const GateLimits& limits, std::int64_t in_hand,
              Instant now) {
    if (state.paused != Reason::none) {
        if (state.probe_at && *state.probe_at > now) {
            return Admission{false, false, state.paused, state.probe_at};
        }
    }
    if (state.limited_until && *state.limited_until > now) {
        return Admission{false, false, Reason::rate_limit, state.limited_until};
    }
    if (in_hand >= limits.concurrency) {
        return Admission{false, false, Reason::concurrency, std::nullopt};
    }
    const Millis gap = spacing(limits);
    const Millis allowance = std::max(gap, burst) - gap;
    if (state.next_submit_at && *state.next_submit_at - allowance > now) {
        return Admission{false, false, Reason::rate_limit, *state.next_submit_at - allowance};
    }
    return Admission{true, state.paused != Reason::none, Reason::none, std::nullopt};
}

ProviderState after_admission(ProviderState state, const GateLimits& limits, Instant now) {
    state.next_submit_at = std::max(state.next_submit_at.value_or(now), now) + spacing(limits);
    probe(state, now);
    return state;
}

ProviderState after_upload_began(ProviderState state, Instant now) {
    probe(state, now);
    return state;
}

ProviderState after_upload_ended(ProviderState state, Instant now) {
    probe_at_once(state, now);
    return state;
}

ProviderState after_accepted(ProviderState state) {
    resume(state);
    state.slow_downs = 0;
    return state;
}

ProviderState after_read(ProviderState state) {
    if (state.paused == Reason::credentials) resume(state);
    return state;
}

ProviderState after_refusal(ProviderState state, const Refusal& refusal, const GateLimits& limits,
                            Instant now, Jitter jitter) {
    switch (refusal.kind) {
        case RefusalKind::permanent: state.slow_downs = 0; break;
        case RefusalKind::credentials:
            pause(state, Reason::credentials, refusal.error, now);
            break;
        case RefusalKind::account: pause(state, Reason::account, refusal.error, now); break;
        case RefusalKind::rate_limited:
            ++state.slow_downs;
            limit(state, now + backoff(limits.retry_base, limits.retry_max, state.slow_downs,
                                       jitter, refusal.retry_after));
            break;
        case RefusalKind::retry:
            failed_once_more(state, limits, now, jitter, refusal.retry_after);
            break;
    }
    return state;
}

ProviderState after_not_sent(ProviderState state, const GateLimits& limits, Instant now,
                             Jitter jitter) {
    failed_once_more(state, limits, now, jitter, std::nullopt);
    return state;
}

ProviderState after_settled(ProviderState state, Instant now) {
    if (state.paused == Reason::account) probe_at_once(state, now);
    return state;
}

ProviderState after_release(ProviderState state) {
    resume(state);
    state.limited_until.reset();
    state.slow_downs = 0;
    return state;
}

}  // namespace reeld::domain
