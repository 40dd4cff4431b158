#pragma once
#include "provider_api/provider.hpp"

namespace reeld::providers::fal {

// Checks the four headers, then the Ed25519 signature over
// request id "\n" user id "\n" timestamp "\n" lower-case hex of the raw body's SHA-256, then the
// age (300 s either way), then the body. A signature that cannot be one is `forged`; a well-formed
// one that no key verifies is `no_key`, since a new key may exist. `user_id` may be empty: any
// user.
provider_api::WebhookReading read_webhook(const provider_api::Delivery& delivery,
                                          const provider_api::KeySet& keys,
                                          const std::string& user_id, Instant now);

}  // namespace reeld::providers::fal
