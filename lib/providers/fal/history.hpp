#pragma once
// The request history of the platform API: how a submit whose answer was lost is found again.
#include "provider_api/provider.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

// The endpoint's requests from 120 s before the intent to 15 min after it, with their inputs: room
// for clocks that differ and for a submit that took its whole time.
HttpRequest build_history(const Hosts& hosts, const Secret& key,
                          const provider_api::SubmitIntent& intent, const std::string& cursor);

// An error for anything but a whole, readable page: a page read in part would prove an absence that
// is none.
Result<provider_api::HistoryPage> read_history(const Hosts& hosts,
                                               const provider_api::SubmitIntent& intent,
                                               const Exchange& exchange);

// One request of the endpoint by its id; nothing when the history does not list it.
HttpRequest build_lookup(const Hosts& hosts, const Secret& key, const std::string& model,
                         const RequestId& request);
Result<std::optional<provider_api::HistoryItem>> read_lookup(const Hosts& hosts,
                                                             const std::string& model,
                                                             const RequestId& request,
                                                             const Exchange& exchange);

}  // namespace reeld::providers::fal
