#pragma once
// Looks for the request of a submit whose outcome is not known.
#include "engine/core.hpp"

namespace reeld::engine {

// Adopted, EvidenceSearched, or PollFailed when the provider could not be asked. `evidence` gets
// the decisive answer.
awaitable<domain::Event> search_evidence(Core& core, ProviderSetup setup, domain::Job job,
                                         store::Evidence& evidence);

}  // namespace reeld::engine
