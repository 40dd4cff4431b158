#pragma once
// The request history of the platform API: how a submit whose answer was lost is found again.
#include "provider_api/provider.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

// The endpoint's requests from 120 s before the intent to 5 min after it, with their inputs: room
// for clocks that differ and for a submit that took its whole time.
HttpRequest build_history(const Hosts& hosts, const Secret& key,
                          const provider_api::SubmitIntent& intent, const std::string& cursor);

// An error for anything but a whole, readable page: a page read in part would prove an absence that
// is none.
Result<provider_api::HistoryPage> read_history(const Hosts& hosts,
                                               const provider_api::SubmitIntent& intent,
                                               const Exchange& exchange);

}  // namespace reeld::providers::fal
