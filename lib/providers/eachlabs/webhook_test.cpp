#include "providers/eachlabs/webhook.hpp"

#include <doctest/doctest.h>

#include "base/crypto.hpp"
#include "providers/eachlabs/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::eachlabs;
using provider_api::Trust;

namespace {

const std::string secret = "test-secret-0001";
constexpr const char* success_hmac =
    "9bba14a5917084848b3cd03eb3f8650702b5bce0a20262e58b858c95e4e13845";
constexpr const char* failure_hmac =
    "01aeba401fb93ddb33fd926dd7d2d11793e9818a480695803188b9579b1e8bc4";

provider_api::Delivery delivery(const std::string& name, const std::string& value,
                                std::string body = fixture("webhook_ok.json")) {
    provider_api::Delivery made;
    if (!name.empty()) made.headers.add(name, value);
    made.body = std::move(body);
    return made;
}

Trust trust_of(const provider_api::Delivery& made) { return read_webhook(made, secret).trust; }

}  // namespace

TEST_CASE("the secret itself proves a delivery, which names its prediction and tells no more") {
    for (const char* name : {"webhook_ok.json", "webhook_failed.json"}) {
        const auto reading =
            read_webhook(delivery("X-Webhook-Secret", secret, fixture(name)), secret);
        CHECK(reading.trust == Trust::verified);
        CHECK(reading.request_id.str() == "abc123-def456-ghi789");
        CHECK_FALSE(reading.event);
    }
    CHECK(trust_of(delivery("x-webhook-secret", secret)) == Trust::verified);
}

TEST_CASE("another secret, none, or one with a space behind it is forged") {
    CHECK(trust_of(delivery("X-Webhook-Secret", "test-secret-0002")) == Trust::forged);
    CHECK(trust_of(delivery("X-Webhook-Secret", secret + " ")) == Trust::forged);
    CHECK(trust_of(delivery("X-Webhook-Secret", "")) == Trust::forged);
    CHECK(trust_of(delivery("", "")) == Trust::forged);
    CHECK(trust_of(delivery("Authorization", secret)) == Trust::forged);
}

TEST_CASE("a signature of the older form proves as much, under whatever name it comes") {
    CHECK(hmac_sha256_hex(secret, fixture("webhook_ok.json")) == success_hmac);
    CHECK(hmac_sha256_hex(secret, fixture("webhook_failed.json")) == failure_hmac);
    for (const char* name : {"X-Webhook-Signature", "x-eachlabs-signature", "Signature"}) {
        CHECK(trust_of(delivery(name, success_hmac)) == Trust::verified);
        CHECK(trust_of(delivery(name, std::string("sha256=") + success_hmac)) == Trust::verified);
        CHECK(trust_of(delivery(name, failure_hmac)) == Trust::forged);
    }
    CHECK(trust_of(delivery("X-Webhook-Signature", failure_hmac,
                            fixture("webhook_failed.json"))) == Trust::verified);
    CHECK(trust_of(delivery("X-Webhook-Hash", success_hmac)) == Trust::forged);
    CHECK(trust_of(delivery("X-Webhook-Signature", success_hmac, "{}")) == Trust::forged);
}

TEST_CASE("a wrong secret is not mended by a right signature") {
    auto both = delivery("X-Webhook-Secret", "test-secret-0002");
    both.headers.add("X-Webhook-Signature", success_hmac);
    CHECK(trust_of(both) == Trust::forged);
}

TEST_CASE("both names of the id are taken, and a body without one is refused") {
    const auto read = [](const std::string& body) {
        return read_webhook(delivery("X-Webhook-Secret", secret, body), secret);
    };
    CHECK(read(R"({"id":"older","status":"success"})").request_id.str() == "older");
    CHECK(read(R"({"exec_id":"new","id":"older"})").request_id.str() == "new");
    for (const char* body : {"", "{", "[]", "{}", R"({"exec_id":""})", R"({"exec_id":7})",
                             R"({"exec_id":".."})"}) {
        CAPTURE(body);
        CHECK(read(body).trust == Trust::forged);
    }
}

TEST_CASE("each submit has a secret of its own, made anew whenever it is needed") {
    const Token one("00112233445566778899aabbccddeeff");
    const Token other("00112233445566778899aabbccddeef0");
    CHECK(webhook_secret(sample_account(), one) == webhook_secret(sample_account(), one));
    CHECK(webhook_secret(sample_account(), one) != webhook_secret(sample_account(), other));
    CHECK(webhook_secret(sample_account(), one).find(one.str()) == std::string::npos);
    Account another = sample_account();
    another.key = Secret("smk_other");
    CHECK(webhook_secret(another, one) != webhook_secret(sample_account(), one));
}
