#include "providers/fal/outputs.hpp"

#include <doctest/doctest.h>

using namespace reeld;
using namespace reeld::providers::fal;

namespace {
std::vector<std::string> urls(const char* text) {
    std::vector<std::string> found;
    const auto value = parse_json(text);
    REQUIRE(value.has_value());
    for (const auto& output : find_outputs(value->get_object())) {
        CHECK(output.index == static_cast<int>(found.size()));
        found.push_back(output.url);
    }
    return found;
}
using Urls = std::vector<std::string>;
}  // namespace

TEST_CASE("a file's description is taken as far as it is told") {
    const auto value = parse_json(
        R"({"video":{"url":"https://a.example/v","content_type":"video/mp4","file_name":"o.mp4",
            "file_size":7},"image":{"url":"https://a.example/i","content_type":null,
            "file_size":-1}})");
    const auto outputs = find_outputs(value->get_object());
    REQUIRE(outputs.size() == 2);
    CHECK(outputs[0].content_type == "video/mp4");
    CHECK(outputs[0].file_name == "o.mp4");
    CHECK(outputs[0].bytes == 7u);
    CHECK(outputs[1].content_type.empty());
    CHECK_FALSE(outputs[1].bytes);
}

TEST_CASE("the named members come in their own order and silence the others") {
    CHECK(urls(R"({"x":{"url":"https://a/x"},"image":{"url":"https://a/4"},
                   "images":[{"url":"https://a/2"},{"url":"https://a/3"}],
                   "audio":{"url":"https://a/1"},"video":{"url":"https://a/0"}})") ==
          Urls{"https://a/0", "https://a/1", "https://a/2", "https://a/3", "https://a/4"});
}

TEST_CASE("without a named file every member with a URL counts, each URL once") {
    CHECK(urls(R"({"seed":1,"mesh":{"url":"https://a/m"},"frames":[{"url":"https://a/f"},7],
                   "again":{"url":"https://a/m"},"video":null})") ==
          Urls{"https://a/m", "https://a/f"});
}

TEST_CASE("an address that cannot be fetched is no file") {
    CHECK(urls(R"({"video":{"url":"data:video/mp4;base64,AAAA"}})").empty());
    CHECK(urls(R"({"video":{"url":""},"audio":{"url":7},"image":"https://a/i"})").empty());
}

TEST_CASE("the number of files is bounded") {
    std::string text = R"({"images":[)";
    for (int i = 0; i < 100; ++i) {
        text += (i ? "," : "") + std::string(R"({"url":"https://a/)") + std::to_string(i) + "\"}";
    }
    CHECK(urls((text + "]}").c_str()).size() == 64);
}
