#include "providers/fal/answer_error.hpp"

#include <fmt/format.h>

#include "providers/fal/error_body.hpp"

namespace reeld::providers::fal {

Error answer_error(const Exchange& exchange, std::string_view what) {
    if (exchange.delivery != Delivery::answered) {
        return Error(exchange.error.code(),
                     fmt::format("{}: {}", what, shown_text(exchange.error.context())),
                     exchange.error.cause());
    }
    const int status = exchange.response.status;
    const std::string said = describe(read_error_body(exchange.response.body));
    const ErrorCode code = status == 401 || status == 403 ? ErrorCode::refused
                           : status == 429                ? ErrorCode::busy
                                                          : ErrorCode::io;
    return Error(code,
                 fmt::format("{}: HTTP {}{}{}", what, status, said.empty() ? "" : ", ", said));
}

Result<json::object> read_success_object(const Exchange& exchange, std::string_view what) {
    const int status = exchange.response.status;
    if (exchange.delivery != Delivery::answered || status < 200 || status >= 300) {
        return answer_error(exchange, what);
    }
    auto value = parse_json(exchange.response.body);
    if (!value || !value->is_object()) {
        return Error(ErrorCode::invalid, fmt::format("{}: not a readable JSON object", what));
    }
    return std::move(value->get_object());
}

}  // namespace reeld::providers::fal
