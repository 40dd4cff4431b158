#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"
#include "providers/registry.hpp"

using namespace reeld;
using namespace reeld::providers::fal;

namespace {
std::unique_ptr<provider_api::Provider> make_fal(const provider_api::ProviderConfig& config = {}) {
    for (const auto& entry : providers::registry()) {
        if (entry.name == "fal") return entry.make(config);
    }
    return nullptr;
}
}  // namespace

TEST_CASE("fal serves every endpoint id but those of eachlabs") {
    const auto fal = make_fal();
    CHECK(fal->name() == "fal");
    for (const char* model : {"fal-ai/minimax/video-01", "minimax/h3/text-to-video",
                              "workflows/ann/upscale", "1234-my-app", "eachlabs-fan/app"}) {
        CAPTURE(model);
        CHECK(fal->serves(model));
    }
    for (const char* model :
         {"eachlabs/minimax-i2v-01", "minimax", "", "workflows/ann", "a/../b"}) {
        CAPTURE(model);
        CHECK_FALSE(fal->serves(model));
    }
}

TEST_CASE("configured hosts replace the defaults, with or without a last slash") {
    provider_api::ProviderConfig config;
    config.queue_url = "http://127.0.0.1:8470/";
    config.rest_url = "http://127.0.0.1:8471";
    config.platform_url = "http://127.0.0.1:8472/v1/";
    const auto fal = make_fal(config);
    CHECK(fal->build_submit(sample_intent())->url ==
          "http://127.0.0.1:8470/fal-ai/minimax/video-01/image-to-video");
    CHECK(fal->build_key_set()->url == "http://127.0.0.1:8471/.well-known/jwks.json");
    CHECK(fal->build_history(sample_intent(), "")
              ->url.starts_with("http://127.0.0.1:8472/v1/models/requests/by-endpoint?"));
    CHECK(fal->owns_url("http://127.0.0.1:8470/x"));
    CHECK_FALSE(fal->owns_url("https://queue.fal.run/x"));
}

TEST_CASE("the key check reads the status of a request that cannot exist") {
    const auto fal = make_fal();
    CHECK(fal->build_key_check()->url ==
          "https://queue.fal.run/fal-ai/minimax/requests/"
          "00000000-0000-0000-0000-000000000000/status");
    CHECK(*fal->read_key_check(answered(404)));
    CHECK_FALSE(*fal->read_key_check(answered(401)));
    CHECK(fal->read_key_check(answered(403)).error().code() == ErrorCode::refused);
    CHECK_FALSE(fal->read_key_check(answered(500)).has_value());
    CHECK_FALSE(
        fal->read_key_check(unanswered(Delivery::maybe_sent, ErrorCode::timeout)).has_value());
}
