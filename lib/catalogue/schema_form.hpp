#pragma once
// A schema as people and generators write it, in the one form that the rest of this room reads.
#include "base/json.hpp"
#include "base/result.hpp"

namespace reeld::catalogue {

// Puts what `#/…` references of `document` name in their place; reads "null or a text" and
// `nullable` as "x-nullable", a single allOf as its one part, the boolean exclusive bounds of
// OpenAPI 3.0 as numbers. Errors (invalid): a reference that leads nowhere or in a circle, a schema
// that is too deep.
Result<json::object> in_plain_form(const json::object& schema, const json::object& document);

}  // namespace reeld::catalogue
