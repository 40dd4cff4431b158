#pragma once
// Camera moves in brackets inside a prompt: "[Pan left, Pedestal up] a street at dusk".
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace reeld::catalogue {

// `rule` is {"moves": [names], "together_max": n}. One sentence for each mistake.
std::vector<std::string> wrong_moves(const json::object& rule, std::string_view prompt);

}  // namespace reeld::catalogue
