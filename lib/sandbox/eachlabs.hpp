#pragma once
// The parts of the Eachlabs personality; its calls begin at answer_eachlabs().
#include "sandbox/world.hpp"

namespace reeld::sandbox {

// {"error": "…"}, or with a reason {"status": n, "error": "…", "details": "…"}.
Answer eachlabs_error(int status, std::string_view error, std::string_view details = {});

bool is_known_slug(std::string_view slug);
// The names of the inputs that the model cannot do without.
std::vector<std::string_view> required_inputs(std::string_view slug);

Answer create_prediction(World& world, const Call& call);
// How it will end: marks, drawn misfortune, or a video.
Outcome plan_prediction(World& world, const Job& job);

// The prediction's words for where it is. `legacy`: those of older pages.
std::string_view prediction_word(const Job& job, bool legacy);
json::value write_output(const Job& job, Instant now);
std::string write_prediction_hook(const Job& job, const std::string& id, bool legacy);

Answer list_executions(World& world, const Call& call);

}  // namespace reeld::sandbox
