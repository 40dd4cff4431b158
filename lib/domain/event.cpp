#include "domain/event.hpp"

#include <array>

namespace reeld::domain {

std::string_view name_of(const Event& event) {
    // In the order of the variant's alternatives.
    static constexpr std::array<std::string_view, std::variant_size_v<Event>> names{
        "due",          "admitted",         "submit_accepted", "submit_refused",
        "submit_not_sent", "submit_unknown", "submit_interrupted", "adopted",
        "evidence_searched", "status_seen",  "poll_failed",     "remote_missing",
        "result_seen",  "result_failed",    "result_not_ready", "remote_cancelled",
        "webhook_hint", "cancel_answered",  "upload_admitted", "input_uploaded",
        "upload_failed", "output_planned",  "output_stored",
        "fetch_failed", "cancel_requested", "hold_requested",  "release_requested",
        "account_paused", "account_resumed", "restored"};
    return names[event.index()];
}

}  // namespace reeld::domain
