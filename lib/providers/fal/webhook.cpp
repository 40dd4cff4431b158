#include "providers/fal/webhook.hpp"

#include <algorithm>
#include <charconv>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "providers/fal/failure.hpp"
#include "providers/fal/hosts.hpp"
#include "providers/fal/outputs.hpp"

namespace reeld::providers::fal {
namespace {

using provider_api::Delivery;
using provider_api::KeySet;
using provider_api::Trust;
using provider_api::WebhookReading;

constexpr std::chrono::seconds age_max{300};
constexpr std::size_t signature_bytes = 64;

struct Signed {
    std::string request_id;
    std::string user_id;
    std::string timestamp;
    std::string signature;  // raw
    std::chrono::sys_seconds at;
};

std::optional<std::string> header(const Headers& headers, std::string_view name) {
    const auto* value = headers.find(name);
    if (value == nullptr || value->empty()) return std::nullopt;
    return *value;
}

std::optional<std::chrono::sys_seconds> parse_timestamp(const std::string& text) {
    std::int64_t seconds = 0;
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, seconds);
    // Twelve digits reach past the year 30000 and cannot overflow in milliseconds.
    const bool good = error == std::errc{} && at == end && text.size() <= 12 && seconds >= 0;
    if (!good) return std::nullopt;
    return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

WebhookReading forged(WebhookReading reading, std::string note) {
    reading.trust = Trust::forged;
    reading.note = std::move(note);
    reading.event.reset();
    return reading;
}

// The signed parts; `note` says what is wrong when there is nothing.
std::optional<Signed> read_headers(const Headers& headers, std::string& note) {
    const auto request_id = header(headers, "X-Fal-Webhook-Request-Id");
    const auto user_id = header(headers, "X-Fal-Webhook-User-Id");
    const auto timestamp = header(headers, "X-Fal-Webhook-Timestamp");
    const auto signature = header(headers, "X-Fal-Webhook-Signature");
    if (!request_id || !user_id || !timestamp || !signature) {
        note = "one of the four signature headers is missing";
        return std::nullopt;
    }
    if (!is_request_id(*request_id)) {
        note = "the request id cannot be one";
        return std::nullopt;
    }
    const auto at = parse_timestamp(*timestamp);
    if (!at) {
        note = "the timestamp is not a number of seconds";
        return std::nullopt;
    }
    auto bytes = from_hex(*signature);
    if (!bytes || bytes->size() != signature_bytes) {
        note = "the signature is not 64 bytes in hexadecimal";
        return std::nullopt;
    }
    return Signed{*request_id, *user_id, *timestamp, std::move(*bytes), *at};
}

bool is_signed_by_any(const Signed& parts, std::string_view body, const KeySet& keys) {
    const std::string message =
        parts.request_id + "\n" + parts.user_id + "\n" + parts.timestamp + "\n" + sha256_hex(body);
    return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const std::string& key) {
        return ed25519_verify(key, message, parts.signature);
    });
}

// The number in "Invalid status code: 422".
std::optional<int> status_in(const std::string& error) {
    constexpr std::string_view lead = "Invalid status code: ";
    if (!error.starts_with(lead)) return std::nullopt;
    int status = 0;
    const auto* end = error.data() + error.size();
    const auto [at, failure] = std::from_chars(error.data() + lead.size(), end, status);
    if (failure != std::errc{} || at != end || status < 400 || status > 599) return std::nullopt;
    return status;
}

std::optional<domain::Event> read_failure(const json::object& body, const json::value& payload) {
    const auto status = status_in(find_string(body, "error").value_or(""));
    // A 404 was seen for results that exist and merely could not be put into the delivery.
    if (!status || *status == 404) return std::nullopt;
    if (*status == 499) return domain::event::RemoteCancelled{};
    return failed_end(*status, {}, read_error_value(payload));
}

// What the delivery says for certain; nothing where asking the result call is surer.
std::optional<domain::Event> event_of(const json::object& body) {
    const auto* payload = find(body, "payload");
    const auto* payload_error = find(body, "payload_error");
    const bool broken = payload_error != nullptr && !payload_error->is_null();
    if (payload == nullptr || payload->is_null() || broken) return std::nullopt;
    const auto status = find_string(body, "status");
    if (status == "ERROR") return read_failure(body, *payload);
    const auto* result = payload->if_object();
    if (status != "OK" || result == nullptr) return std::nullopt;
    domain::event::ResultSeen seen = find_result(*result);
    // Files within the delivery are left to the result call, which is kept without them.
    if (!is_whole(seen, *result) || !seen.contents.empty()) return std::nullopt;
    return seen;
}

}  // namespace

WebhookReading read_webhook(const Delivery& delivery, const KeySet& keys,
                            const std::string& user_id, Instant now) {
    WebhookReading reading;
    const auto parts = read_headers(delivery.headers, reading.note);
    if (!parts) return reading;
    reading.request_id = RequestId(parts->request_id);
    reading.user_id = parts->user_id;
    // The key set is fal's, not ours: a good signature alone says only that fal sent it to someone.
    if (!user_id.empty() && user_id != parts->user_id) {
        return forged(std::move(reading), "the delivery is for another user");
    }
    if (!is_signed_by_any(*parts, delivery.body, keys)) {
        reading.trust = Trust::no_key;
        reading.note = "no known key verifies the signature";
        return reading;
    }
    if (now - parts->at > age_max || parts->at - now > age_max) {
        reading.trust = Trust::stale;
        reading.note = "the timestamp is more than 300 s from now";
        return reading;
    }
    const auto value = parse_json(delivery.body);
    const auto* body = value ? value->if_object() : nullptr;
    if (body == nullptr || find_string(*body, "request_id") != parts->request_id) {
        return forged(std::move(reading), "the body is not of the request that its header names");
    }
    reading.trust = Trust::verified;
    reading.event = event_of(*body);
    return reading;
}

}  // namespace reeld::providers::fal
