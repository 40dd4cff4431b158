#pragma once
// The daemon's status and its models as text.
#include <string>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

std::string render_status(const json::object& status, const Look& look);
// From a list of jobs: each model, how many jobs, when last.
std::string render_models(const json::array& jobs, const Look& look);

}  // namespace reeld::reel
