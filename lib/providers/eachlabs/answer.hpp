#pragma once
// Answers that are no success, as errors and refusals.
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::providers::eachlabs {

// The sentence in {"error": …} or {"status": …, "error": …, "details": …}, made fit to be shown; ""
// for {} and whatever else says nothing.
std::string said_in(std::string_view body);

// A code and a sentence for an answer with this status.
domain::ErrorInfo error_info(const HttpResponse& response);
// The error of an exchange that brought no answer.
domain::ErrorInfo transport_error(const Exchange& exchange);

// A call that did not tell what was asked: no answer, or one that is no success.
domain::event::PollFailed failed_read(const Exchange& exchange);
// An answer whose body cannot be used; `message` says why.
domain::event::PollFailed unusable_read(const Exchange& exchange, std::string message);

// For calls that are not about one job. `refused` for 401 and 403, `busy` for 429, `unreachable`,
// `timeout` and the like of the transport, otherwise `io`. `what` begins the sentence.
Error answer_error(const Exchange& exchange, std::string_view what);
// The object in the body of a 2xx answer.
Result<json::object> read_success_object(const Exchange& exchange, std::string_view what);

bool is_success(const Exchange& exchange);

}  // namespace reeld::providers::eachlabs
