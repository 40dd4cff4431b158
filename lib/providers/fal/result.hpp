#pragma once
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

Result<HttpRequest> build_result(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote);

// The result call repeats the model's own status and body, so every answer has to be told apart
// from one that fal, or a proxy before it, gave to the call itself:
// 400, 404  of the call, unless the body is a model error, an infrastructure error or the app's own
//           "Path … not found"
// 401, 403  of the call when the body is fal's flat `detail` and no app is named in the headers;
//           the model's when it is any other JSON; nobody's (asked again) when it is no JSON
// 429       the model's when the body lists details, else of the call
// 5xx       the request's when it has a mark of fal: an error type, details, a retry header or
//           x-fal-request-id; otherwise the call failed and is repeated
domain::Event read_result(const Exchange& exchange);

}  // namespace reeld::providers::fal
