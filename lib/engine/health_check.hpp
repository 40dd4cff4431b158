#pragma once
// Looks at what a new installation gets wrong, before a job does: keys, clocks, the outputs folder.
#include "engine/core.hpp"

namespace reeld::engine {

// One cheap authenticated call per provider with a key; fills its health.
awaitable<void> check_keys(Core& core);

// Writes and removes a small file where the outputs go; fills core.outputs_trouble. Says it in the
// log when nothing can be written there, and when that is over.
void watch_outputs(Core& core);

// Whether foreign programs are in the way of reel.db; says it in the log when that begins and ends.
void watch_store(Core& core, const store::StoreFacts& facts);

}  // namespace reeld::engine
