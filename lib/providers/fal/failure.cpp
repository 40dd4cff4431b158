#include "providers/fal/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "provider_api/retry_after.hpp"

namespace reeld::providers::fal {
namespace {

using domain::Reason;
using domain::RefusalKind;

// Model and infrastructure errors that may not come again. Every other type of a 4xx is final:
// fal asks to treat unknown ones so.
constexpr std::array<std::string_view, 14> passing_types{
    "internal_server_error",     "generation_timeout",
    "downstream_service_error",  "downstream_service_unavailable",
    "request_timeout",           "startup_timeout",
    "runner_scheduling_failure", "runner_connection_timeout",
    "runner_disconnected",       "runner_connection_refused",
    "runner_connection_error",   "runner_incomplete_response",
    "runner_server_error",       "internal_error"};

bool is_passing(std::string_view type) {
    return std::find(passing_types.begin(), passing_types.end(), type) != passing_types.end();
}

bool has_type(const ErrorBody& body, std::string_view type) {
    return body.error_type == type ||
           std::any_of(body.details.begin(), body.details.end(),
                       [&](const ErrorDetail& detail) { return detail.type == type; });
}

std::string error_type_of(const Headers& headers, const ErrorBody& body) {
    if (!body.error_type.empty()) return body.error_type;
    const auto* header = headers.find("X-Fal-Error-Type");
    return header == nullptr ? "" : *header;
}

// The app's word on whether another try can help: the newer header first.
std::optional<bool> retry_header(const Headers& headers) {
    for (const std::string_view name : {"X-Fal-Needs-Retry", "X-Fal-Retryable"}) {
        const auto* value = headers.find(name);
        if (value == nullptr) continue;
        if (*value == "1" || equals_ignoring_case(*value, "true")) return true;
        if (*value == "0" || equals_ignoring_case(*value, "false")) return false;
    }
    return std::nullopt;
}

bool may_pass(int status, const Headers& headers, const ErrorBody& body) {
    // The text comes from a classifier: the same input gets the same answer.
    if (has_type(body, "content_policy_violation")) return false;
    if (const auto told = retry_header(headers)) return *told;
    if (!body.details.empty() && status < 500) {
        return std::all_of(body.details.begin(), body.details.end(),
                           [](const ErrorDetail& detail) { return is_passing(detail.type); });
    }
    return status >= 500 || status == 429 || status == 408 ||
           is_passing(error_type_of(headers, body));
}

std::string status_code_word(int status) {
    switch (status) {
        case 400:
            return "bad_request";
        case 401:
            return "credentials";
        case 403:
            return "account";
        case 404:
            return "not_found";
        case 422:
            return "invalid_input";
        case 429:
            return "rate_limited";
        default:
            return fmt::format("http_{}", status);
    }
}

}  // namespace

bool has_request_id(const Headers& headers) {
    const auto* id = headers.find("x-fal-request-id");
    return id != nullptr && !id->empty();
}

domain::ErrorInfo error_info(int status, const Headers& headers, const ErrorBody& body) {
    domain::ErrorInfo info;
    if (!body.details.empty()) info.code = as_code(body.details.front().type);
    if (info.code.empty()) info.code = as_code(error_type_of(headers, body));
    if (info.code.empty()) info.code = status_code_word(status);
    info.message = describe(body);
    if (info.message.empty()) info.message = fmt::format("fal answered with HTTP {}", status);
    return info;
}

Reason input_reason(const ErrorBody& body) {
    if (has_type(body, "content_policy_violation")) return Reason::content_policy;
    if (has_type(body, "no_media_generated")) return Reason::rejected;
    return Reason::invalid_input;
}

bool is_free(int status, const Headers& headers) {
    const auto* units = headers.find("X-Fal-Billable-Units");
    if (units == nullptr) return status >= 500;
    return !units->empty() && units->find_first_not_of("0.") == std::string::npos;
}

domain::event::ResultFailed failed_end(int status, const Headers& headers, const ErrorBody& body) {
    domain::event::ResultFailed failed{classify_ended(status, headers, body)};
    failed.free = is_free(status, headers);
    return failed;
}

domain::Refusal classify_ended(int status, const Headers& headers, const ErrorBody& body) {
    domain::Refusal refusal;
    refusal.error = error_info(status, headers, body);
    refusal.retry_after = retry_after_of(headers);
    if (may_pass(status, headers, body)) return refusal;
    refusal.kind = RefusalKind::permanent;
    const bool about_input = status == 400 || status == 422 || !body.details.empty();
    refusal.reason = status >= 500 && !has_type(body, "content_policy_violation")
                         ? Reason::provider_error
                     : about_input ? input_reason(body)
                                   : Reason::rejected;
    return refusal;
}

domain::ErrorInfo transport_error(const Exchange& exchange) {
    return {std::string(to_string(exchange.error.code())), shown_text(exchange.error.message())};
}

domain::event::PollFailed unusable_read(const Exchange& exchange, std::string code,
                                        std::string message) {
    domain::Refusal refusal;
    refusal.error = {std::move(code), shown_text(message)};
    refusal.retry_after = retry_after_of(exchange.response.headers);
    return {refusal};
}

domain::event::PollFailed failed_read(const Exchange& exchange) {
    domain::Refusal refusal;
    if (exchange.delivery != Delivery::answered) {
        refusal.error = transport_error(exchange);
        return {refusal};
    }
    const HttpResponse& response = exchange.response;
    refusal.error = error_info(response.status, response.headers, read_error_body(response.body));
    refusal.retry_after = retry_after_of(response.headers);
    if (response.status == 401) {
        refusal.kind = RefusalKind::credentials;
        refusal.reason = Reason::credentials;
    } else if (response.status == 402 || response.status == 403) {
        refusal.kind = RefusalKind::account;
        refusal.reason = Reason::account;
    } else if (response.status == 429) {
        refusal.kind = RefusalKind::rate_limited;
        refusal.reason = Reason::rate_limit;
    }
    return {refusal};
}

}  // namespace reeld::providers::fal
