#pragma once
// Follows jobs until they have ended, over cuts and restarts of the daemon.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reel/session.hpp"

namespace reeld::reel {

struct FollowOptions {
    std::vector<std::string> ids;   // or
    std::string batch;              // all jobs of a batch, or
    bool active = false;            // all jobs that are not over, for ever
    bool any = false;               // until one has ended
    std::optional<Millis> timeout;
};

struct Followed {
    std::vector<json::object> jobs;  // as last seen
    std::vector<std::string> bodies;  // the answers they came in, as they came
    std::string total;  // one line about the money of a batch; empty: no batch is followed
};

// Called after every look; also once a second while `ticking`, for what shows passing time.
using Show = std::function<void(const Followed&)>;

struct FollowEnd {
    Exit exit = Exit::ok;  // ok, some_failed, timed_out
    std::optional<Failure> failure;
    Followed last;
};

awaitable<FollowEnd> follow(Session& session, FollowOptions options, Show show, bool ticking);

// ok, or some_failed when a job has ended otherwise than completed.
Exit outcome_of(const std::vector<json::object>& jobs);

}  // namespace reeld::reel
