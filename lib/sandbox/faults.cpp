#include "sandbox/faults.hpp"

#include <algorithm>

namespace reeld::sandbox {

namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, fault_count> names{
    "lost_request", "submit_5xx_nginx", "submit_5xx_json", "submit_5xx_proxy", "submit_429",
    "submit_portal", "submit_redirect", "lost_answer", "truncated_answer", "slow_answer",
    "answer_no_id", "answer_odd", "answer_foreign_urls", "status_5xx", "status_429",
    "status_portal", "status_garbled", "status_404", "status_regress", "status_early",
    "status_stale", "stream_cut", "stream_ends", "stream_refused", "server_retry", "cancel_ignored", "cancel_lies", "cancel_5xx",
    "moderation", "result_5xx", "result_empty", "result_foreign", "result_404", "result_portal",
    "result_garbled", "result_expires", "url_expires", "media_truncated", "media_corrupt",
    "media_404_once", "media_gone", "media_5xx", "media_redirect", "media_odd_type", "media_slow",
    "range_ignored", "webhook_dropped", "webhook_duplicate", "webhook_late", "webhook_early",
    "webhook_forged", "webhook_payload_error", "webhook_null", "webhook_stale", "webhook_cut",
    "webhook_swapped", "key_rotation", "keys_5xx", "keys_stale", "history_5xx", "history_blank",
    "history_late", "submit_402", "legacy_words", "output_shape", "webhook_legacy", "upload_401",
    "upload_429", "upload_5xx", "upload_garbled", "upload_lost", "put_5xx", "put_reset",
    "put_expired", "put_lost", "put_slow", "put_no_etag", "upload_gone"};

static_assert(names.back() == "upload_gone");

}  // namespace

std::string_view to_string(Fault fault) {
    return names.at(static_cast<std::size_t>(fault));
}

std::optional<Fault> parse_fault(std::string_view name) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) return std::nullopt;
    return static_cast<Fault>(at - names.begin());
}

Status read_faults(const json::object& object, Faults& faults) {
    Faults changed = faults;
    for (const auto& [key, value] : object) {
        const auto fault = parse_fault(key);
        if (!fault) return Error(ErrorCode::invalid, "unknown fault: " + std::string(key));
        const auto odds = find_number(object, key);
        if (!odds || *odds < 0 || *odds > 1) {
            return Error(ErrorCode::invalid, std::string(key) + " must be a number from 0 to 1");
        }
        changed[*fault] = *odds;
    }
    faults = changed;
    return ok();
}

Result<Faults> parse_faults(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) return value.error();
    if (!value->is_object()) return Error(ErrorCode::invalid, "faults must be a JSON object");
    Faults faults;
    if (const Status status = read_faults(value->get_object(), faults); !status) {
        return status.error();
    }
    return faults;
}

json::object to_json(const Faults& faults) {
    json::object out;
    for (std::size_t i = 0; i < fault_count; ++i) {
        const auto fault = static_cast<Fault>(i);
        if (faults[fault] > 0) out[names.at(i)] = faults[fault];
    }
    return out;
}

std::set<std::string> read_marks(std::string_view prompt) {
    constexpr std::string_view open = "[sandbox:";
    std::set<std::string> marks;
    for (auto at = prompt.find(open); at != prompt.npos; at = prompt.find(open, at + 1)) {
        const auto from = at + open.size();
        const auto end = prompt.find(']', from);
        if (end != prompt.npos) marks.emplace(prompt.substr(from, end - from));
    }
    return marks;
}

}  // namespace reeld::sandbox
