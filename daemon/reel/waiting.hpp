#pragma once
// Waiting with something to look at, shared by `wait`, `watch` and `submit --wait`.
#include "reel/follow.hpp"

namespace reeld::reel {

// Live on stderr when that is a terminal; then one line a job on stdout, or the answers with --json.
awaitable<Exit> wait_and_print(Session& session, FollowOptions options);

}  // namespace reeld::reel
