#pragma once
// Strict and canonical JSON over Boost.JSON.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace reeld {

namespace json = boost::json;

// One document, at most 64 levels deep, valid UTF-8, no member twice, no number that a double cannot
// hold; the error says where.
Result<json::value> parse_json(std::string_view text);

// Members in the order of their names, no spaces: equal values give equal texts.
std::string canonical_json(const json::value& value);

// Readers that never throw: nothing when the member is missing or of another type.
const json::value* find(const json::object& object, std::string_view key);
std::optional<std::string> find_string(const json::object& object, std::string_view key);
std::optional<std::int64_t> find_int(const json::object& object, std::string_view key);
std::optional<double> find_number(const json::object& object, std::string_view key);
std::optional<bool> find_bool(const json::object& object, std::string_view key);
const json::object* find_object(const json::object& object, std::string_view key);
const json::array* find_array(const json::object& object, std::string_view key);

}  // namespace reeld
