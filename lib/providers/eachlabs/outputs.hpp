#pragma once
// The files in a prediction's output.
#include <vector>

#include "base/json.hpp"
#include "domain/job.hpp"

namespace reeld::providers::eachlabs {

// A text is a URL; of a list every element counts; an object has it in `url`, `video`, `video.url`
// or `output`, the first of these that holds one. Only http and https, each URL once, at most 64.
std::vector<domain::Output> find_outputs(const json::value& output);

}  // namespace reeld::providers::eachlabs
