#include "providers/eachlabs/webhook.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"

namespace reeld::providers::eachlabs {
namespace {

using provider_api::Delivery;
using provider_api::Trust;
using provider_api::WebhookReading;

bool is_signature(const Header& header, const std::string& expected) {
    if (!to_lower(header.name).ends_with("signature")) return false;
    constexpr std::string_view scheme = "sha256=";
    std::string value = to_lower(header.value);
    if (value.starts_with(scheme)) value.erase(0, scheme.size());
    return equals_constant_time(value, expected);
}

// What is wrong with the proof; empty: nothing.
std::string wrong_proof(const Delivery& delivery, const std::string& secret) {
    if (const auto* shown = delivery.headers.find("X-Webhook-Secret")) {
        return equals_constant_time(*shown, secret) ? "" : "the secret is not that of this submit";
    }
    const std::string expected = hmac_sha256_hex(secret, delivery.body);
    const auto& all = delivery.headers.all();
    const bool proven = std::any_of(all.begin(), all.end(), [&](const Header& header) {
        return is_signature(header, expected);
    });
    return proven ? "" : "neither the secret nor a signature made with it came along";
}

}  // namespace

std::string webhook_secret(const Account& account, const Token& token) {
    return hmac_sha256_hex(account.key.reveal(), "reeld webhook " + token.str());
}

WebhookReading read_webhook(const Delivery& delivery, const std::string& secret) {
    WebhookReading reading;
    reading.note = wrong_proof(delivery, secret);
    if (!reading.note.empty()) return reading;
    const auto value = parse_json(delivery.body);
    const auto* body = value ? value->if_object() : nullptr;
    auto id = body == nullptr ? std::nullopt : find_string(*body, "exec_id");
    if (body != nullptr && !id) id = find_string(*body, "id");
    if (!id || !is_prediction_id(*id)) {
        // Refused, so that it is sent again: whole, perhaps.
        reading.note = "the body names no prediction";
        return reading;
    }
    reading.trust = Trust::verified;
    reading.request_id = RequestId(std::move(*id));
    return reading;
}

}  // namespace reeld::providers::eachlabs
