#pragma once
// The status object, as the status call and its stream show it.
#include "sandbox/world.hpp"

namespace reeld::sandbox {

json::object write_status(const World& world, const Job& job, bool logs, Instant now);

// The next bytes of a status stream, and when to ask again.
struct StreamStep {
    std::string bytes;
    bool ended = false;
    bool broken = false;  // ended by breaking the connection
    Instant again_at{};
};
StreamStep step_stream(World& world, StatusStream& stream, Instant now);

}  // namespace reeld::sandbox
