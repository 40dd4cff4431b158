#include "providers/fal/outputs.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/encoding.hpp"

using namespace reeld;
using namespace reeld::providers::fal;

namespace {
std::vector<std::string> urls(const char* text) {
    std::vector<std::string> found;
    const auto value = parse_json(text);
    REQUIRE(value.has_value());
    for (const auto& output : find_result(value->get_object()).outputs) {
        CHECK(output.index == static_cast<int>(found.size()));
        found.push_back(output.url);
    }
    return found;
}
using Urls = std::vector<std::string>;

struct Found {
    domain::event::ResultSeen seen;
    bool whole = false;
};
Found found(const std::string& text) {
    const auto value = parse_json(text);
    REQUIRE(value.has_value());
    Found result;
    result.seen = find_result(value->get_object());
    result.whole = is_whole(result.seen, value->get_object());
    return result;
}
const std::string sound = "ID3\x04" + std::string(60, 'm');
const std::string hex = to_hex(sound);
const std::string base64 = to_base64(sound);
// The bytes of the one file that the text holds, and nothing when it holds none or another number.
std::string bytes_in(const std::string& text) {
    const auto seen = found(text).seen;
    if (seen.contents.size() != 1 || seen.outputs.size() != 1) return {};
    CHECK(seen.outputs[0].inlined);
    CHECK(seen.outputs[0].url.empty());
    CHECK(seen.outputs[0].bytes == seen.contents[0].bytes->size());
    CHECK(seen.contents[0].index == 0);
    return *seen.contents[0].bytes;
}
}  // namespace

TEST_CASE("a file's description is taken as far as it is told") {
    const auto value = parse_json(
        R"({"video":{"url":"https://a.example/v","content_type":"video/mp4","file_name":"o.mp4",
            "file_size":7},"image":{"url":"https://a.example/i","content_type":null,
            "file_size":-1}})");
    const auto outputs = find_result(value->get_object()).outputs;
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
    CHECK(urls(R"({"video":{"url":"data:video/mp4;base64"}})").empty());
    CHECK(urls(R"({"video":{"url":"ftp://a.example/v"}})").empty());
    CHECK(urls(R"({"video":{"url":""},"audio":{"url":7},"image":"https://a/i"})").empty());
}

TEST_CASE("the number of files is bounded") {
    std::string text = R"({"images":[)";
    for (int i = 0; i < 100; ++i) {
        text += (i ? "," : "") + std::string(R"({"url":"https://a/)") + std::to_string(i) + "\"}";
    }
    CHECK(urls((text + "]}").c_str()).size() == 64);
}

TEST_CASE("what a file is to be is read off its type, else off the member that holds it") {
    using domain::MediaKind;
    const auto outputs = found(
        R"({"video":{"url":"https://a/v"},"audio":{"url":"https://a/s","content_type":"audio/wav"},
            "images":[{"url":"https://a/i","content_type":"application/octet-stream"},
                      {"url":"https://a/g","content_type":"video/mp4"}]})").seen.outputs;
    REQUIRE(outputs.size() == 4);
    CHECK(outputs[0].kind == MediaKind::video);
    CHECK(outputs[1].kind == MediaKind::audio);
    CHECK(outputs[2].kind == MediaKind::image);
    CHECK(outputs[3].kind == MediaKind::video);
    CHECK(found(R"({"mesh":{"url":"https://a/m"}})").seen.outputs.at(0).kind == MediaKind::any);
}

TEST_CASE("bytes within the answer are found in every shape that they may come in") {
    CHECK(bytes_in(R"({"audio":")" + hex + R"(","duration_ms":9})") == sound);
    CHECK(bytes_in(R"({"audio":{"file_data":")" + hex + "\"}}") == sound);
    CHECK(bytes_in(R"({"audio":{"url":null,"file_data":")" + base64 + "\"}}") == sound);
    CHECK(bytes_in(R"({"audio":{"url":"data:audio/mpeg;base64,)" + base64 + "\"}}") == sound);
    CHECK(bytes_in(R"({"audio":"data:audio/mpeg;base64,)" + base64 + "\"}") == sound);
    CHECK(bytes_in(R"({"images":["data:image/png,%89PNG"]})") == "\x89PNG");
    CHECK(bytes_in(R"({"clip":{"file_data":")" + hex + "\"}}") == sound);
}

TEST_CASE("a file with an address is fetched from there, though its bytes came as well") {
    const auto seen =
        found(R"({"audio":{"url":"https://a/s","file_data":")" + hex + "\"}}").seen;
    REQUIRE(seen.outputs.size() == 1);
    CHECK(seen.outputs[0].url == "https://a/s");
    CHECK(seen.contents.empty());
}

TEST_CASE("a text that is no whole encoding, or too short for a file, is none") {
    for (const std::string& text :
         {R"({"audio":")" + hex + R"(0"})", R"({"audio":")" + hex + R"(zz"})",
          std::string(R"({"audio":"00ff"})"), std::string(R"({"audio":"data:,"})"),
          R"({"voice":")" + hex + "\"}", R"({"audio":")" + base64 + "!\"}"}) {
        CAPTURE(text);
        CHECK(found(text).seen.contents.empty());
    }
}

TEST_CASE("a type that the answer tells stays, and only without one the bytes are asked") {
    CHECK(found(R"({"audio":"data:audio/flac;base64,)" + base64 + "\"}").seen.outputs.at(0)
              .content_type == "audio/flac");
    const std::string png = "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
                            "3a7e9b550000000a49444154789c636800000082008177cd72b6"
                            "0000000049454e44ae426082";
    const auto seen = found(R"({"audio":")" + png + "\"}").seen;
    CHECK(seen.outputs.at(0).content_type == "image/png");
    // … and they promise nothing.
    CHECK(seen.outputs.at(0).kind == domain::MediaKind::audio);
}

TEST_CASE("what is no file is a value, null is nothing") {
    CHECK(found(R"({"video":{"url":"https://a/v"},"seed":7,"timings":{"b":1,"a":2},"x":null,
                    "thumbnail":{"url":"https://a/t?sig=1"},"has_nsfw":[false]})").seen.values ==
          R"({"has_nsfw":[false],"seed":7,"timings":{"a":2,"b":1}})");
    CHECK(found(R"({"audio":")" + hex + "\"}").seen.values.empty());
    CHECK(found(R"({"mesh":{"url":"https://a/m"},"seed":1})").seen.values == R"({"seed":1})");
}

TEST_CASE("values are bounded, a member that does not fit is left out") {
    const std::string large(values_bytes_max, 'x');
    const auto seen = found(R"({"text":")" + large + R"(","seed":7})").seen;
    CHECK(seen.values == R"({"seed":7})");
    std::string many = "{";
    for (int i = 0; i < 20'000; ++i) many += fmt::format("{}\"m{}\":{}", i ? "," : "", i, i);
    CHECK(found(many + "}").seen.values.size() <= values_bytes_max);
}

TEST_CASE("a result is whole with a file or with a voice, not with other values alone") {
    CHECK(found(R"({"video":{"url":"https://a/v"}})").whole);
    CHECK(found(R"({"custom_voice_id":"moss_1"})").whole);
    CHECK(found(R"({"custom_voice_id":"moss_1","audio":null})").whole);
    CHECK_FALSE(found(R"({"deleted":true})").whole);
    CHECK_FALSE(found(R"({"vWdeo":{"url":"hGtps://a/v"}})").whole);
    CHECK_FALSE(found(R"({"video":null,"seed":7})").whole);
    CHECK_FALSE(found(R"({"images":[],"request_id":"r"})").whole);
    CHECK_FALSE(found(R"({"error":"oops","seed":7})").whole);
    CHECK_FALSE(found(R"({"detail":"oops"})").whole);
    CHECK_FALSE(found("{}").whole);
    CHECK_FALSE(found(R"({"custom_voice_id":"","audio":null})").whole);
}

TEST_CASE("the format that the input asked for names the type of a sound without one") {
    const auto type = [](const std::string& input, std::string told, bool inlined) {
        std::vector<domain::Output> outputs(1);
        outputs[0].kind = domain::MediaKind::audio;
        outputs[0].content_type = std::move(told);
        outputs[0].inlined = inlined;
        describe_outputs(input, outputs);
        return outputs[0].content_type;
    };
    const auto asked = [](const char* format) {
        return fmt::format(R"({{"audio_setting":{{"format":"{}"}}}})", format);
    };
    CHECK(type(asked("pcm"), "", true) == "audio/pcm");
    CHECK(type(asked("pcm"), "audio/mpeg", false) == "audio/pcm");
    CHECK(type(asked("flac"), "application/octet-stream", false) == "audio/flac");
    CHECK(type(asked("flac"), "audio/wav", false) == "audio/wav");
    CHECK(type("{}", "", true) == "audio/mpeg");
    CHECK(type("{}", "", false).empty());
    std::vector<domain::Output> video(1);
    video[0].kind = domain::MediaKind::video;
    describe_outputs(asked("pcm"), video);
    CHECK(video[0].content_type.empty());
}
