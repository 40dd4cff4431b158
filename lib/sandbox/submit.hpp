#pragma once
// The submit call, the one that costs money.
#include "sandbox/world.hpp"

namespace reeld::sandbox {

Answer submit(World& world, const Call& call, const std::string& endpoint);

// The three URLs that belong to a job, and its id.
json::object describe(const World& world, const Job& job);

}  // namespace reeld::sandbox
