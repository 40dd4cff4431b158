#include "providers/fal/endpoint_id.hpp"

#include <doctest/doctest.h>

using reeld::providers::fal::parse_endpoint_id;

TEST_CASE("the app root is the owner and the alias of a long endpoint id") {
    const auto id = parse_endpoint_id("fal-ai/minimax/video-01/image-to-video");
    REQUIRE(id.has_value());
    CHECK(id->full == "fal-ai/minimax/video-01/image-to-video");
    CHECK(id->root == "fal-ai/minimax");
    CHECK(parse_endpoint_id("minimax/h3/text-to-video")->root == "minimax/h3");
    CHECK(parse_endpoint_id("fal-ai/minimax-video")->root == "fal-ai/minimax-video");
}

TEST_CASE("the namespaces workflows and comfy shift the root by one segment") {
    CHECK(parse_endpoint_id("workflows/ann/upscale/fast")->root == "workflows/ann/upscale");
    CHECK(parse_endpoint_id("comfy/ann/upscale")->root == "comfy/ann/upscale");
    CHECK_FALSE(parse_endpoint_id("workflows/ann"));
    CHECK(parse_endpoint_id("other/ann/upscale")->root == "other/ann");
}

TEST_CASE("a legacy id of one segment is split at its first dash") {
    const auto id = parse_endpoint_id("1234-my-app");
    REQUIRE(id.has_value());
    CHECK(id->full == "1234/my-app");
    CHECK(id->root == "1234/my-app");
    CHECK_FALSE(parse_endpoint_id("1234-"));
    CHECK_FALSE(parse_endpoint_id("-my-app"));
    CHECK_FALSE(parse_endpoint_id("my-app"));
    CHECK_FALSE(parse_endpoint_id("1234"));
}

TEST_CASE("a text that could leave its place in a URL is no endpoint id") {
    for (const char* text : {"", "/", "a/", "/b", "a//b", "a/../b", "a/.", "a/b?x=1", "a/b#c",
                             "a/b c", "a/b%2e", "https://a/b", "a\\b/c", "a/b\n"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_endpoint_id(text));
    }
    CHECK_FALSE(parse_endpoint_id("a/" + std::string(300, 'b')));
}
