#pragma once
// JSON laid out as Python's json.dumps(sort_keys=True) does, as fal's webhook bodies are.
#include <string>

#include "base/json.hpp"

namespace reeld::sandbox {

std::string python_json(const json::value& value);

}  // namespace reeld::sandbox
