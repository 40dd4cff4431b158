#include "domain/state.hpp"

#include <utility>

namespace reeld::domain {
namespace {

constexpr std::array<std::pair<Reason, std::string_view>, 32> reason_names{{
    {Reason::none, ""},
    {Reason::user, "user"},
    {Reason::credentials, "credentials"},
    {Reason::account, "account"},
    {Reason::budget, "budget"},
    {Reason::dependency, "dependency"},
    {Reason::not_before, "not_before"},
    {Reason::backoff, "backoff"},
    {Reason::upload, "upload"},
    {Reason::rate_limit, "rate_limit"},
    {Reason::concurrency, "concurrency"},
    {Reason::disk, "disk"},
    {Reason::timeout, "timeout"},
    {Reason::reset, "reset"},
    {Reason::garbled_answer, "garbled_answer"},
    {Reason::interrupted, "interrupted"},
    {Reason::submit_unknown, "submit_unknown"},
    {Reason::remote_missing, "remote_missing"},
    {Reason::cancel_requested, "cancel_requested"},
    {Reason::deadline, "deadline"},
    {Reason::attempts, "attempts"},
    {Reason::content_policy, "content_policy"},
    {Reason::invalid_input, "invalid_input"},
    {Reason::rejected, "rejected"},
    {Reason::provider_error, "provider_error"},
    {Reason::result, "result"},
    {Reason::result_expired, "result_expired"},
    {Reason::download, "download"},
    {Reason::media_invalid, "media_invalid"},
    {Reason::restored, "restored"},
    {Reason::before_submit, "before_submit"},
    {Reason::after_submit, "after_submit"},
}};

}  // namespace

std::string_view to_string(State state) {
    switch (state) {
        case State::held: return "held";
        case State::blocked: return "blocked";
        case State::scheduled: return "scheduled";
        case State::queued: return "queued";
        case State::submitting: return "submitting";
        case State::submit_unknown: return "submit_unknown";
        case State::submitted: return "submitted";
        case State::running: return "running";
        case State::fetching: return "fetching";
        case State::completed: return "completed";
        case State::failed: return "failed";
        case State::cancelled: return "cancelled";
    }
    return "held";
}

std::string_view to_string(Reason reason) {
    for (const auto& [value, name] : reason_names) {
        if (value == reason) return name;
    }
    return "";
}

std::optional<State> parse_state(std::string_view text) {
    if (text == "canceled") return State::cancelled;
    for (const State state : all_states) {
        if (to_string(state) == text) return state;
    }
    return std::nullopt;
}

std::optional<Reason> parse_reason(std::string_view text) {
    for (const auto& [value, name] : reason_names) {
        if (name == text) return value;
    }
    return std::nullopt;
}

}  // namespace reeld::domain
