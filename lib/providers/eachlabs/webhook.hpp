#pragma once
#include "provider_api/provider.hpp"
#include "providers/eachlabs/account.hpp"

namespace reeld::providers::eachlabs {

// The secret of one submit's webhook: made of key and token, so that nothing needs to be kept. It
// tells nothing of the key.
std::string webhook_secret(const Account& account, const Token& token);

// Proof is the secret itself in X-Webhook-Secret. Where that header is missing, an HMAC-SHA256 of
// the body under the secret proves as much; the pages that describe this older form name no header,
// so every header whose name ends in "signature" is tried, with or without "sha256=". A body that is
// not signed cannot be believed, so a verified delivery carries no event: the poll tells.
provider_api::WebhookReading read_webhook(const provider_api::Delivery& delivery,
                                          const std::string& secret);

}  // namespace reeld::providers::eachlabs
