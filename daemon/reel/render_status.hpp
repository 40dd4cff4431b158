#pragma once
// The daemon's status as text.
#include <string>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

std::string render_status(const json::object& status, const Look& look);

}  // namespace reeld::reel
