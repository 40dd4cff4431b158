#pragma once
// Which retry a decision about a job is: the state machine itself observes nothing.
#include <optional>

#include "base/retry_branch.hpp"
#include "domain/transition.hpp"

namespace reeld::engine {

// Nothing when the step neither tries again nor goes on after a failure.
std::optional<RetryBranch> retry_of(const domain::Job& before, const domain::Event& event,
                                    const domain::Step& step);

}  // namespace reeld::engine
