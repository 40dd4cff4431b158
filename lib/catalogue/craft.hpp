#pragma once
// Advice on a prompt, never an error: what tends to make a clip worth its money.
#include <string>
#include <vector>

#include "catalogue/model.hpp"

namespace reeld::catalogue {

// Nothing for models that make no video and for prompts in another script than Latin.
std::vector<std::string> prompt_advice(const Model& model, const json::object& input);

}  // namespace reeld::catalogue
