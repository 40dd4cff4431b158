#pragma once
// What fal says of a failure: the body of a model error ({"detail":[…]}), of an infrastructure
// error
// ({"detail":"…","error_type":"…"}), or anything else that may come in their place.
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

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

// A provider's text made fit to be shown and kept: no control characters, no query in any URL (it
// may be signed), cut at `limit` bytes.
std::string shown_text(std::string_view text, std::size_t limit = 400);

// The text when it is a code (lower-case letters, digits, '_' and '.', at most 64), otherwise "".
std::string as_code(std::string_view text);

}  // namespace reeld::providers::fal
