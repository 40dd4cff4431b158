#pragma once
// The submit: the one call that costs money, and what each of its answers proves.
#include "domain/event.hpp"
#include "provider_api/provider.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

Result<HttpRequest> build_submit(const Hosts& hosts, const Secret& key,
                                 const provider_api::SubmitIntent& intent);

domain::Event read_submit(const Hosts& hosts, const provider_api::SubmitIntent& intent,
                          const Exchange& exchange);

}  // namespace reeld::providers::fal
