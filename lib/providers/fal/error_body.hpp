#pragma once
// What fal says of a failure: the body of a model error ({"detail":[…]}), of an infrastructure
// error
// ({"detail":"…","error_type":"…"}), or anything else that may come in their place.
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "provider_api/shown_text.hpp"

namespace reeld::providers::fal {

struct ErrorDetail {
    std::string type;   // "content_policy_violation"; empty when not told
    std::string field;  // "prompt", "items.0.name"; the leading "body" is dropped
    std::string message;
};

struct ErrorBody {
    bool is_json = false;
    std::vector<ErrorDetail> details;  // of a model error
    std::string text;                  // of a flat one
    std::string error_type;            // of a flat one
};

ErrorBody read_error_body(std::string_view body);
ErrorBody read_error_value(const json::value& value);

// One line for people: every field with its message, at most 400 bytes; "" when the body says
// nothing.
std::string describe(const ErrorBody& body);

}  // namespace reeld::providers::fal
