#pragma once
// What a person has to know to decide about a submit whose outcome is not known: from the members
// "unknown" and "also_billed" of a job.
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

// Lines of name and text for render_job; nothing for a job that needs no decision.
std::vector<std::pair<std::string, std::string>> undecided_lines(const json::object& job,
                                                                 const Look& look);

}  // namespace reeld::reel
