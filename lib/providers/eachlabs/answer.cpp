#include "providers/eachlabs/answer.hpp"

#include <fmt/format.h>

#include "provider_api/retry_after.hpp"
#include "provider_api/shown_text.hpp"

namespace reeld::providers::eachlabs {
namespace {

std::string_view status_word(int status) {
    switch (status) {
        case 400: return "bad_request";
        case 401: return "credentials";
        case 402: return "payment_required";
        case 403: return "forbidden";
        case 404: return "not_found";
        case 422: return "invalid_input";
        case 429: return "rate_limited";
        default: return "";
    }
}

}  // namespace

std::string said_in(std::string_view body) {
    const auto value = parse_json(body);
    const auto* object = value ? value->if_object() : nullptr;
    if (object == nullptr) return {};
    std::string text;
    for (const std::string_view name : {"error", "message", "details"}) {
        const auto part = find_string(*object, name);
        if (!part || part->empty()) continue;
        if (!text.empty()) text += ": ";
        text += *part;
    }
    return shown_text(text);
}

domain::ErrorInfo error_info(const HttpResponse& response) {
    domain::ErrorInfo info;
    info.code = status_word(response.status);
    if (info.code.empty()) info.code = fmt::format("http_{}", response.status);
    info.message = said_in(response.body);
    if (info.message.empty()) {
        info.message = fmt::format("Eachlabs answered with HTTP {}", response.status);
    }
    return info;
}

domain::ErrorInfo transport_error(const Exchange& exchange) {
    return {std::string(to_string(exchange.error.code())), shown_text(exchange.error.message())};
}

domain::event::PollFailed failed_read(const Exchange& exchange) {
    domain::Refusal refusal;
    if (exchange.delivery != Delivery::answered) {
        refusal.error = transport_error(exchange);
        return {refusal};
    }
    const HttpResponse& response = exchange.response;
    refusal.error = error_info(response);
    refusal.retry_after = retry_after_of(response.headers);
    if (response.status == 401) {
        refusal.kind = domain::RefusalKind::credentials;
        refusal.reason = domain::Reason::credentials;
    } else if (response.status == 402) {
        refusal.kind = domain::RefusalKind::account;
        refusal.reason = domain::Reason::account;
    } else if (response.status == 429) {
        refusal.kind = domain::RefusalKind::rate_limited;
        refusal.reason = domain::Reason::rate_limit;
    }
    return {refusal};
}

domain::event::PollFailed unusable_read(const Exchange& exchange, std::string message) {
    domain::Refusal refusal;
    refusal.error = {"garbled_answer", shown_text(message)};
    refusal.retry_after = retry_after_of(exchange.response.headers);
    return {refusal};
}

bool is_success(const Exchange& exchange) {
    const int status = exchange.response.status;
    return exchange.delivery == Delivery::answered && status >= 200 && status < 300;
}

Error answer_error(const Exchange& exchange, std::string_view what) {
    if (exchange.delivery != Delivery::answered) {
        return Error(exchange.error.code(),
                     fmt::format("{}: {}", what, shown_text(exchange.error.context())),
                     exchange.error.cause());
    }
    const int status = exchange.response.status;
    const std::string said = said_in(exchange.response.body);
    const ErrorCode code = status == 401 || status == 403 ? ErrorCode::refused
                           : status == 429                ? ErrorCode::busy
                                                          : ErrorCode::io;
    return Error(code, fmt::format("{}: HTTP {}{}{}", what, status, said.empty() ? "" : ", ", said));
}

Result<json::object> read_success_object(const Exchange& exchange, std::string_view what) {
    if (!is_success(exchange)) return answer_error(exchange, what);
    auto value = parse_json(exchange.response.body);
    if (!value || !value->is_object()) {
        return Error(ErrorCode::invalid, fmt::format("{}: not a readable JSON object", what));
    }
    return std::move(value->get_object());
}

}  // namespace reeld::providers::eachlabs
