#pragma once
// JSON as people and scripts read it: numbers as plain decimals (0.27, not 2.7E-1), members in the
// order they were put in.
#include <string>

#include "base/json.hpp"

namespace reeld::api {

std::string json_text(const json::value& value);

}  // namespace reeld::api
