#pragma once
// Calls that are not about one job: their failures are errors, not events.
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::providers::fal {

// Why the exchange brought no success: `refused` for 401 and 403, `busy` for 429, `unreachable`,
// `timeout` and the like of the transport, otherwise `io`. `what` begins the sentence.
Error answer_error(const Exchange& exchange, std::string_view what);

// The object in the body of a 2xx answer.
Result<json::object> read_success_object(const Exchange& exchange, std::string_view what);

}  // namespace reeld::providers::fal
