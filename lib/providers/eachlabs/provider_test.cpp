#include <doctest/doctest.h>

#include "providers/eachlabs/fixtures/exchanges.hpp"
#include "providers/registry.hpp"

using namespace reeld;
using namespace reeld::providers;

namespace {

std::unique_ptr<provider_api::Provider> make(provider_api::ProviderConfig config = {}) {
    config.key = Secret("smk_sample");
    for (const Entry& entry : registry()) {
        if (entry.name == "eachlabs") return entry.make(config);
    }
    return nullptr;
}

}  // namespace

TEST_CASE("eachlabs serves its own prefix with one segment behind it, and nothing of fal's") {
    const auto provider = make();
    REQUIRE(provider != nullptr);
    for (const char* model : {"eachlabs/minimax-i2v-01", "eachlabs/hailuo-i2v-live",
                              "eachlabs/minimax-hailuo-v2-3-fast-pro-image-to-video"}) {
        CHECK(provider->serves(model));
    }
    for (const char* model : {"", "eachlabs", "eachlabs/", "eachlabs/a/b", "eachlabs/..",
                              "eachlabs-fan/app", "fal-ai/minimax/video-01", "minimax-i2v-01"}) {
        CAPTURE(model);
        CHECK_FALSE(provider->serves(model));
    }
}

TEST_CASE("each model has one provider at most") {
    for (const char* model : {"eachlabs/minimax-i2v-01", "fal-ai/minimax/video-01", "eachlabs/a/b"}) {
        CAPTURE(model);
        int served = 0;
        for (const Entry& entry : registry()) served += entry.make({})->serves(model) ? 1 : 0;
        CHECK(served <= 1);
    }
}

TEST_CASE("the configured base and header are used for every call") {
    provider_api::ProviderConfig config;
    config.base_url = "http://127.0.0.1:8470/";
    config.auth = "x-api-key";
    const auto provider = make(config);
    domain::Remote remote;
    remote.request_id = RequestId("a b/../c");
    const auto status = provider->build_status("eachlabs/minimax-i2v-01", remote);
    CHECK_FALSE(status.has_value());
    remote.request_id = RequestId("a/../c");
    const auto cancel = provider->build_cancel("eachlabs/minimax-i2v-01", remote);
    REQUIRE(cancel.has_value());
    CHECK(cancel->method == "POST");
    CHECK(cancel->url == "http://127.0.0.1:8470/v1/prediction/a%2F..%2Fc/cancel");
    CHECK(*cancel->headers.find("X-API-Key") == "smk_sample");
    CHECK(provider->build_key_check()->url == "http://127.0.0.1:8470/v1/executions?limit=1");
    CHECK_FALSE(provider->owns_url("https://cdn-us.eachlabs.ai/uploads/a.mp4"));
}
