#include "providers/fal/webhook.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "providers/fal/fixtures/exchanges.hpp"
#include "providers/fal/key_set.hpp"

using namespace reeld;
using namespace reeld::providers::fal;
using domain::Reason;
using domain::RefusalKind;
using provider_api::KeySet;
using provider_api::Trust;

namespace {

const std::string id = "7f3a1c52-9d0e-4b6a-8c41-2e5d90b7a613";
const std::string user = "github|1234567";
const std::string ok_signature =
    "3227a6fe09449c3aaf4150aec07ba6ef85403bdfd640e57fcde8dce79ea73fc3"
    "c8a8de4e4e75727161e68eddc50b35e7e8070a1c047bc4ab263eb873cf96f501";
const std::string error_signature =
    "89432c9441f5b4fbd948d9e1fedf36da2bda03fa9581a1b4c034abb28dc521a1"
    "fcc65c6bd6de32f5d70e12b6f490a296d3ba9c6a3c08c112d94206f4a11e2b06";
constexpr std::int64_t sent = 1767225600;

KeySet keys_of(const std::string& text) {
    const auto set = read_key_set(answered(200, text));
    REQUIRE(set.has_value());
    return *set;
}
KeySet both_keys() {
    return keys_of(fixture("key_set.json"));
}

provider_api::Delivery delivery(std::string body, std::string signature) {
    provider_api::Delivery made;
    made.headers.add("X-Fal-Webhook-Request-Id", id);
    made.headers.add("X-Fal-Webhook-User-Id", user);
    made.headers.add("X-Fal-Webhook-Timestamp", std::to_string(sent));
    made.headers.add("X-Fal-Webhook-Signature", std::move(signature));
    made.body = std::move(body);
    return made;
}
provider_api::Delivery ok_delivery() {
    return delivery(fixture("webhook_ok.json"), ok_signature);
}

Instant at(std::int64_t seconds) {
    return from_unix_ms(seconds * 1000);
}

auto read(const provider_api::Delivery& made, const KeySet& keys = both_keys(),
          std::int64_t now = sent, const std::string& wanted_user = user) {
    return read_webhook(made, keys, wanted_user, at(now));
}

// A delivery of our own making, signed with the vector's seed.
provider_api::WebhookReading read_signed(const std::string& body) {
    const auto seed = from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const std::string message =
        id + "\n" + user + "\n" + std::to_string(sent) + "\n" + sha256_hex(body);
    return read(delivery(body, to_hex(*ed25519_sign(*seed, message))));
}
std::string body_with(const std::string& members) {
    return R"({"request_id":")" + id + "\"," + members + "}";
}

}  // namespace

TEST_CASE("the vector of a success verifies and gives its result") {
    const auto reading = read(ok_delivery());
    CHECK(reading.trust == Trust::verified);
    CHECK(reading.request_id.str() == id);
    CHECK(reading.user_id == user);
    REQUIRE(reading.event);
    REQUIRE(std::holds_alternative<domain::event::ResultSeen>(*reading.event));
    CHECK(std::get<domain::event::ResultSeen>(*reading.event).outputs.at(0).url ==
          "https://v3b.fal.media/files/b/panda/AbCdEf123_output.mp4");
}

TEST_CASE("the vector of an error verifies and gives its refusal") {
    const auto reading = read(delivery(fixture("webhook_error.json"), error_signature));
    CHECK(reading.trust == Trust::verified);
    REQUIRE(reading.event);
    REQUIRE(std::holds_alternative<domain::event::ResultFailed>(*reading.event));
    const auto& refusal = std::get<domain::event::ResultFailed>(*reading.event).refusal;
    CHECK(refusal.kind == RefusalKind::permanent);
    CHECK(refusal.reason == Reason::content_policy);
}

TEST_CASE("upper-case digits, headers of any case and other key orders still verify") {
    std::string upper = ok_signature;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    CHECK(read(delivery(fixture("webhook_ok.json"), upper)).trust == Trust::verified);
    provider_api::Delivery shouted;
    const auto plain = ok_delivery();
    for (const Header& header : plain.headers.all()) {
        shouted.headers.add(to_lower(header.name), header.value);
    }
    shouted.body = fixture("webhook_ok.json");
    CHECK(read(shouted).trust == Trust::verified);
    KeySet reversed = both_keys();
    std::reverse(reversed.keys.begin(), reversed.keys.end());
    CHECK(read(ok_delivery(), reversed).trust == Trust::verified);
    const auto with_rsa = keys_of(
        R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"X25519","x":"AA"},
            {"kty":"OKP","crv":"Ed25519","kid":"1","use":"sig","alg":"EdDSA",
             "x":"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}]})");
    CHECK(with_rsa.keys.size() == 1);
    CHECK(read(ok_delivery(), with_rsa).trust == Trust::verified);
}

TEST_CASE("any change of the signed parts leaves no key that verifies") {
    std::string spaceless = fixture("webhook_ok.json");
    std::erase(spaceless, ' ');
    CHECK(read(delivery(spaceless, ok_signature)).trust == Trust::no_key);
    const std::string body = fixture("webhook_ok.json");
    for (std::size_t i = 0; i < body.size(); i += 7) {
        std::string flipped = body;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        CHECK(read(delivery(flipped, ok_signature)).trust == Trust::no_key);
    }
    CHECK(read(delivery(body, error_signature)).trust == Trust::no_key);
    CHECK(read(delivery(fixture("webhook_error.json"), ok_signature)).trust == Trust::no_key);
    auto other_id = ok_delivery();
    other_id.headers.set("X-Fal-Webhook-Request-Id", "7f3a1c52-9d0e-4b6a-8c41-2e5d90b7a614");
    CHECK(read(other_id).trust == Trust::no_key);
    auto other_time = ok_delivery();
    other_time.headers.set("X-Fal-Webhook-Timestamp", std::to_string(sent + 1));
    CHECK(read(other_time).trust == Trust::no_key);
}

TEST_CASE("a set without the signer, or without any key, asks for a newer one") {
    KeySet decoy = both_keys();
    decoy.keys.pop_back();
    CHECK(read(ok_delivery(), decoy).trust == Trust::no_key);
    CHECK(read(ok_delivery(), KeySet{}).trust == Trust::no_key);
    CHECK(read(ok_delivery(), KeySet{{"", "short"}}).trust == Trust::no_key);
}

TEST_CASE("a signature that cannot be one is forged") {
    for (const std::string& signature :
         {ok_signature.substr(2), ok_signature.substr(1), ok_signature + "00", std::string("zz"),
          ok_signature.substr(1) + "g", std::string("")}) {
        CHECK(read(delivery(fixture("webhook_ok.json"), signature)).trust == Trust::forged);
    }
}

TEST_CASE("a missing header or an unreadable time is forged") {
    const auto whole = ok_delivery();
    for (const Header& missing : whole.headers.all()) {
        provider_api::Delivery partial;
        partial.body = whole.body;
        for (const Header& header : whole.headers.all()) {
            if (header.name != missing.name) partial.headers.add(header.name, header.value);
        }
        CHECK(read(partial).trust == Trust::forged);
    }
    for (const char* time : {"", "-1", "1e9", " 1767225600", "99999999999999999999"}) {
        auto odd = ok_delivery();
        odd.headers.set("X-Fal-Webhook-Timestamp", time);
        CHECK(read(odd).trust == Trust::forged);
    }
}

TEST_CASE("300 seconds either way are in time, 301 are stale and tell nothing") {
    CHECK(read(ok_delivery(), both_keys(), sent + 300).trust == Trust::verified);
    CHECK(read(ok_delivery(), both_keys(), sent - 300).trust == Trust::verified);
    for (const std::int64_t now : {sent + 301, sent - 301}) {
        const auto reading = read(ok_delivery(), both_keys(), now);
        CHECK(reading.trust == Trust::stale);
        CHECK_FALSE(reading.event);
        CHECK(reading.request_id.str() == id);
    }
}

TEST_CASE("a stale delivery that no key verifies is no hint") {
    auto altered = ok_delivery();
    altered.body += " ";
    CHECK(read(altered, both_keys(), sent + 9999).trust == Trust::no_key);
}

TEST_CASE("a delivery of another fal user is forged, with no user configured any is taken") {
    CHECK(read(ok_delivery(), both_keys(), sent, "github|7").trust == Trust::forged);
    CHECK(read(ok_delivery(), both_keys(), sent, "").trust == Trust::verified);
}

TEST_CASE("a signed body of another request, or none, is forged") {
    CHECK(read_signed(R"({"request_id":"other","status":"OK","payload":{}})").trust ==
          Trust::forged);
    CHECK(read_signed(R"({"status":"OK"})").trust == Trust::forged);
    CHECK(read_signed("not json").trust == Trust::forged);
}

TEST_CASE("a verified delivery that tells too little is a reason to poll") {
    for (
        const char* members :
        {R"("status":"OK","payload":null,"payload_error":"not serializable")",
         R"("status":"OK","payload":{"seed":1})", R"("status":"OK")",
         R"("status":"WAT","payload":{})",
         R"("status":"ERROR","error":"Invalid status code: 500","payload":null)",
         R"("status":"ERROR","error":"boom","payload":{"detail":"x"})",
         R"("status":"ERROR","error":"Invalid status code: 404","payload":{"detail":"x"})",
         R"("status":"ERROR","error":"Invalid status code: 200","payload":{"detail":"x"})",
         R"("status":"ERROR","error":"Invalid status code: 422","payload":{},"payload_error":1)"}) {
        CAPTURE(members);
        const auto reading = read_signed(body_with(members));
        CHECK(reading.trust == Trust::verified);
        CHECK_FALSE(reading.event);
    }
}

TEST_CASE("an error delivery is judged by its code like the result call") {
    const auto event_of = [](const std::string& members) {
        const auto reading = read_signed(body_with(members));
        REQUIRE(reading.event);
        return *reading.event;
    };
    const auto runner = event_of(
        R"("status":"ERROR","error":"Invalid status code: 503",
           "payload":{"detail":"gone","error_type":"runner_disconnected"})");
    REQUIRE(std::holds_alternative<domain::event::ResultFailed>(runner));
    CHECK(std::get<domain::event::ResultFailed>(runner).refusal.kind == RefusalKind::retry);
    CHECK(std::get<domain::event::ResultFailed>(runner).free);
    const auto cancelled =
        event_of(R"("status":"ERROR","error":"Invalid status code: 499","payload":{"detail":"x"})");
    CHECK(std::holds_alternative<domain::event::RemoteCancelled>(cancelled));
}
