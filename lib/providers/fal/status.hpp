#pragma once
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

Result<HttpRequest> build_status(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote);

// Decided by the body's `status`. A request that ended badly is COMPLETED too; its `error` text is
// not read, since the result call is what tells the outcome.
domain::Event read_status(const Exchange& exchange);

// {status_url}/stream: the same status objects as events. Whether an event's logs are all so far or
// what is new is told nowhere, so no reader may depend on it.
std::optional<HttpRequest> build_status_stream(const Hosts& hosts, const Secret& key,
                                               const std::string& model,
                                               const domain::Remote& remote);
std::optional<domain::event::StatusSeen> read_stream_event(std::string_view data);

}  // namespace reeld::providers::fal
