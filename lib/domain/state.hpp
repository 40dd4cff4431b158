#pragma once
// Where a job is (State) and why it is there (Reason): the words of the public contract.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reeld::domain {

enum class State : std::uint8_t {
    held,            // a person or a policy stopped it
    blocked,         // waits for another job's result
    scheduled,       // waits for a time
    queued,          // may start as soon as a slot, a rate token and disk allow
    submitting,      // the intent is durable, the POST is in flight
    submit_unknown,  // the POST's outcome is not known; nothing re-POSTs from here
    submitted,       // the provider has it, not started
    running,         // the provider works on it, or has ended and the result is being read
    fetching,        // the result is known, its bytes are not safe on disk yet
    completed,       // every output is on disk, verified
    failed,          // permanent error, or no attempt left
    cancelled,       // stopped
};

inline constexpr std::array all_states{
    State::held,      State::blocked,   State::scheduled, State::queued,
    State::submitting, State::submit_unknown, State::submitted, State::running,
    State::fetching,  State::completed, State::failed,    State::cancelled};

enum class Reason : std::uint8_t {
    none,
    user,               // held or cancelled by a person
    credentials,        // 401: the key is missing or refused
    account,            // 403: the account is locked or out of balance
    budget,
    dependency,
    not_before,
    backoff,            // waits before the next submit or fetch
    upload,             // its local files are being brought to the provider
    rate_limit,
    concurrency,
    disk,               // no room for the result
    timeout,            // the submit's answer did not come in time
    reset,              // the connection ended before the submit's answer
    garbled_answer,     // the submit's answer could not be read
    interrupted,        // the daemon ended while the submit was in flight
    submit_unknown,     // the wait for evidence is over; a person decides
    remote_missing,     // the provider does not know the request id any more
    cancel_requested,   // a cancel is on its way; the provider may still finish
    deadline,
    attempts,           // no billed attempt left
    content_policy,
    invalid_input,
    rejected,           // refused by the provider for another permanent cause
    provider_error,
    result,             // ended at the provider, the result is being read
    result_expired,     // the result or its file is gone at the provider
    download,           // the file could not be fetched
    media_invalid,      // what came is not the media it should be
    restored,           // the database is a copy; a person says whether it is submitted
    before_submit,      // cancelled, nothing was billed
    after_submit,       // cancelled, may be billed
};

std::string_view to_string(State state);
std::string_view to_string(Reason reason);  // "" for none
std::optional<State> parse_state(std::string_view text);  // also takes "canceled"
std::optional<Reason> parse_reason(std::string_view text);

constexpr bool is_terminal(State state) {
    return state == State::completed || state == State::failed || state == State::cancelled;
}
// Not yet sent to a provider.
constexpr bool is_pending(State state) { return state <= State::queued; }
// Holds one of the provider's concurrency slots.
constexpr bool is_in_hand(State state) {
    return state == State::submitting || state == State::submit_unknown ||
           state == State::submitted || state == State::running;
}

}  // namespace reeld::domain
