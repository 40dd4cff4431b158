#pragma once
// Models and dry runs as text, from the JSON that the socket answers.
#include <string>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

// On a terminal a table; else id, output, price, typical seconds, provider and title, tab-separated.
std::string render_models(const json::array& models, const Look& look);
// One model: what it takes, gives and costs, and a command to paste.
std::string render_model(const json::object& model, const Look& look);
// What a submit would do.
std::string render_dry_run(const json::object& answer, const Look& look);

// One word for a POSIX shell, quoted only where it has to be.
std::string shell_word(std::string_view text);

}  // namespace reeld::reel
