#pragma once
// What a failed prediction says of its failure, and whether another one may fare better.
#include "base/json.hpp"
#include "domain/event.hpp"

namespace reeld::providers::eachlabs {

// By the envelope in `output`, of which every field may be missing: its error code first, then its
// category, then its word on retrying. The sentence comes from the envelope, else from the logs,
// else it is the output as it stands.
domain::Refusal classify_failure(const json::object& prediction);

// A success without a file.
domain::Refusal no_output(const json::object& prediction);

}  // namespace reeld::providers::eachlabs
