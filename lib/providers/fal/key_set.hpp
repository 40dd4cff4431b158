#pragma once
#include "provider_api/provider.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

// Public, so without the key.
HttpRequest build_key_set(const Hosts& hosts);

// The raw 32 bytes of every Ed25519 key, at most 32 keys; an error when there is none.
Result<provider_api::KeySet> read_key_set(const Exchange& exchange);

}  // namespace reeld::providers::fal
