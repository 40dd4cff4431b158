#pragma once
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

Result<HttpRequest> build_cancel(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote);

// A receipt only: the request may still finish, so its status is to be watched whatever this says.
domain::Event read_cancel(const Exchange& exchange);

}  // namespace reeld::providers::fal
