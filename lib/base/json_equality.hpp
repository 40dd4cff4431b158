#pragma once
// Whether two JSON values are the same, whoever wrote them.
#include <string_view>

#include "base/json.hpp"

namespace reeld {

// However they are written: the order of members, escapes, spaces and the form of numbers (6, 6.0,
// 6e0) mean nothing. False when one of them is no JSON.
bool same_json(std::string_view a, std::string_view b);
bool same_value(const json::value& a, const json::value& b);

}  // namespace reeld
