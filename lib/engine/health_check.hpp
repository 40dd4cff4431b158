#pragma once
// Looks at what a new installation gets wrong, before a job does: keys, clocks, the outputs folder.
#include "engine/core.hpp"

namespace reeld::engine {

// One cheap authenticated call per provider with a key; fills its health.
awaitable<void> check_keys(Core& core);

// Writes and removes a small file; what is wrong, empty when nothing is.
std::string outputs_trouble(Core& core);

// Whether foreign programs are in the way of reel.db; says it in the log when that begins and ends.
void watch_store(Core& core, const store::StoreFacts& facts);

}  // namespace reeld::engine
