#pragma once
// The OpenAPI document that fal publishes for an endpoint, as a file of the catalogue's own form.
#include "base/json.hpp"
#include "base/result.hpp"

namespace reeld::catalogue {

bool is_openapi(const json::object& document);

// Errors (invalid): what is missing in the document.
Result<json::object> from_openapi(const json::object& document);

}  // namespace reeld::catalogue
