#include "providers/fal/key_set.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;

TEST_CASE("the key set is asked for without the key") {
    const auto request = build_key_set({});
    CHECK(request.url == "https://rest.fal.ai/.well-known/jwks.json");
    CHECK(request.headers.find("Authorization") == nullptr);
}

TEST_CASE("the keys are the raw bytes, in the set's order") {
    const auto set = read_key_set(answered(200, fixture("key_set.json")));
    REQUIRE(set.has_value());
    REQUIRE(set->keys.size() == 2);
    CHECK(to_hex(set->keys[1]) ==
          "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
}

TEST_CASE("a set without a usable key is an error") {
    for (const char* body :
         {"", "{}", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[{"kty":"OKP"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"***"}]})"}) {
        CAPTURE(body);
        CHECK(read_key_set(answered(200, body)).has_error());
    }
    CHECK(read_key_set(answered(500, fixture("key_set.json"))).has_error());
    CHECK(read_key_set(answered(200, std::string(300'000, ' '))).has_error());
}

TEST_CASE("the number of keys is bounded") {
    std::string body = R"({"keys":[)";
    for (int i = 0; i < 100; ++i) {
        body += i ? "," : "";
        body +=
            R"({"kty":"OKP","crv":"Ed25519","x":"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"})";
    }
    CHECK(read_key_set(answered(200, body + "]}"))->keys.size() == 32);
}
