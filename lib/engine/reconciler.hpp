#pragma once
// Looks for the request of a submit whose outcome is not known.
#include "engine/core.hpp"

namespace reeld::engine {

// Adopted, EvidenceSearched, or PollFailed when the search did not come to its end. `evidence` gets
// the decisive answer; its head's member "search" tells of the look:
//   {number, began_at, pages, listed, result: none|candidates|adopted|failed, detail,
//    candidates[{request_id, sent_at}], clock_ahead_ms}
awaitable<domain::Event> search_evidence(Core& core, ProviderSetup setup, domain::Job job,
                                         store::Evidence& evidence);

}  // namespace reeld::engine
