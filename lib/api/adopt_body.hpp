#pragma once
// The body of POST /v1/jobs/{id}/adopt.
#include <variant>

#include "api/problem.hpp"
#include "base/ids.hpp"

namespace reeld::api {

// {"request_id": "…"}, and nothing else.
std::variant<RequestId, Problem> read_adopt_body(const http::ServerRequest& request);

}  // namespace reeld::api
