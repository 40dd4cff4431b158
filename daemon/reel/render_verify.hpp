#pragma once
// What a verification has found, for people and for pipes.
#include <string>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

// "trail 1200 of 5000", "jobs 40 of 300, 1.2 GiB of files read"
std::string progress_line(const json::object& progress);
std::string render_report(const json::object& report, const Look& look);

}  // namespace reeld::reel
