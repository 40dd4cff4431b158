#pragma once
// Sentences about one value: what its schema wants, and what is wrong with what was given.
#include <string>

#include "base/json.hpp"

namespace reeld::catalogue {

// "\"6\" or \"10\"", "a whole number from 1 to 9", "a text of at most 500 characters", "a URL".
std::string wanted(const json::object& schema);

// Of a value that the schema does not accept: "must be \"6\" or \"10\", not 6 (a number): …".
std::string why_wrong(const json::object& schema, const json::value& value);

// A value inside a sentence: short, in JSON's form, without control characters.
std::string shown(const json::value& value);

// A text where a URL has to stand; empty when it is one (http, https or data).
std::string why_no_url(std::string_view text);

}  // namespace reeld::catalogue
