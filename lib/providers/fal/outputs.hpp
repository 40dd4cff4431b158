#pragma once
// The files in a model's result.
#include <string>
#include <vector>

#include "base/json.hpp"
#include "domain/job.hpp"

namespace reeld::providers::fal {

// A file is an object with an http(s) "url". Looked for in this order: `video`, `audio`,
// `images[]`, `image`; only when none of these has one, in every other member and its elements, in
// the document's order. Each URL once, at most 64 files.
std::vector<domain::Output> find_outputs(const json::object& result);

// The names of the result's members, for the error of a result without files.
std::string name_members(const json::object& result);

}  // namespace reeld::providers::fal
