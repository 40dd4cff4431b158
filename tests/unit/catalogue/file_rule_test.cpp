#include "catalogue/file_rule.hpp"

#include <doctest/doctest.h>

#include "catalogue/catalogue.hpp"
#include "catalogue/input_check.hpp"

namespace reeld::catalogue {
namespace {

json::object object_of(std::string_view text) { return parse_json(text)->as_object(); }

FileRule rule_of(std::string_view text) { return read_file_rule(object_of(text)).value(); }

FileSeen image(int width, int height, std::uint64_t bytes = 1000) {
    FileSeen seen;
    seen.content_type = "image/png";
    seen.bytes = bytes;
    seen.width = width;
    seen.height = height;
    return seen;
}

std::string only(const FileRule& rule, const FileSeen& seen) {
    const auto found = why_wrong_file(rule, seen);
    REQUIRE(found.size() == 1);
    return found.front();
}

}  // namespace

TEST_CASE("every mistake of a file is told with what would be right") {
    const FileRule rule = rule_of(
        R"({"types":["image/jpeg","image/png"],"bytes_max":52428800,"short_side_min":301,
            "aspect_min":0.4,"aspect_max":2.5})");
    CHECK(why_wrong_file(rule, image(512, 301, 52'428'800)).empty());
    CHECK(why_wrong_file(rule, image(301, 752)).empty());
    CHECK(only(rule, image(512, 512, 52'428'801)) ==
          "has 52428801 bytes; at most 52428800 (50 MiB) are taken");
    CHECK(only(rule, image(300, 400)) ==
          "has 300x400 pixels; the shorter side must have at least 301");
    CHECK(only(rule, image(400, 1001)) ==
          "has 400x1001 pixels, width to height 0.4; width to height from 0.4 to 2.5 is taken");
    CHECK(only(rule, image(1001, 400)).find("width to height 2.5") != std::string::npos);
    FileSeen gif = image(512, 512);
    gif.content_type = "image/gif";
    CHECK(only(rule, gif) == "is image/gif by its content; image/jpeg or image/png is taken");
    gif.bytes = 60'000'000;
    CHECK(why_wrong_file(rule, gif).size() == 2);
    // What its bytes do not tell is not compared.
    gif = FileSeen{"image/png", 5, {}, {}, {}};
    CHECK(why_wrong_file(rule, gif).empty());
}

TEST_CASE("a kind of file and its length can be asked for") {
    const FileRule rule = rule_of(R"({"types":["audio/*"],"seconds_min":10,"seconds_max":60.5})");
    FileSeen sound{"audio/mpeg", 5, {}, {}, 10.0};
    CHECK(why_wrong_file(rule, sound).empty());
    sound.seconds = 9.5;
    CHECK(only(rule, sound) == "lasts 9.5 s; 10 to 60.5 s are taken");
    sound.seconds = 61;
    CHECK(only(rule, sound).starts_with("lasts 61 s"));
    CHECK(only(rule, FileSeen{"image/png", 5, {}, {}, {}}) ==
          "is image/png by its content; audio of any kind is taken");
    CHECK(file_text(rule) == "audio of any kind, 10 to 60.5 s");
}

TEST_CASE("a rule that means nothing is refused with what would be right") {
    for (const char* text :
         {R"({"type":["image/png"]})", R"({"types":"image/png"})", R"({"types":[]})",
          R"({"types":["png"]})", R"({"types":[1]})", R"({"bytes_max":0})",
          R"({"bytes_max":"50MB"})", R"({"short_side_min":-1})",
          R"({"aspect_min":2,"aspect_max":1})", R"({"seconds_min":2,"seconds_max":1})"}) {
        CAPTURE(text);
        const auto read = read_file_rule(object_of(text));
        REQUIRE(!read);
        CHECK(read.error().context().starts_with("x-file: \""));
    }
    const auto wrong = [](std::string_view schema) {
        return InputCheck::compile(object_of(schema)).error().context();
    };
    CHECK(wrong(R"({"properties":{"a":{"type":"string","format":"uri","x-file":{"type":1}}}})")
              .find("the member \"a\" x-file: \"type\" is unknown") != std::string::npos);
    CHECK(wrong(R"({"properties":{"a":{"type":"string","x-file":{}}}})").find("format is \"uri\"") !=
          std::string::npos);
    CHECK(wrong(R"({"properties":{"a":{"type":"string","format":"uri","x-data-uri":1}}})")
              .find("x-data-uri") != std::string::npos);
}

TEST_CASE("what the maker alone asks for is advice where the endpoint says something else") {
    const auto catalogue = load();
    const auto* frame = member_schema(catalogue->find("eachlabs/minimax-i2v-01")->input,
                                      "first_frame_image");
    REQUIRE(frame != nullptr);
    CHECK(file_rule_of(frame).bytes_max == 52'428'800);
    CHECK(file_rule_of(frame, "x-file-advice").bytes_max == 20'000'000);
    CHECK(!takes_data_uri(frame));
    const auto* url = member_schema(
        catalogue->find("fal-ai/minimax/hailuo-02/standard/image-to-video")->input, "image_url");
    CHECK(!file_rule_of(url).bytes_max);
    CHECK(takes_data_uri(url));
    CHECK(file_rule_of(nullptr).types.empty());
}

TEST_CASE("files are found in members of members and in lists") {
    const auto schema = object_of(
        R"({"properties":{"subjects":{"type":"array","items":{"type":"object","properties":
            {"image":{"type":"array","items":{"type":"string","format":"uri","x-data-uri":true}},
             "note":{"type":"string"}}}}}})");
    const auto input =
        object_of(R"({"subjects":[{"note":"/a"},{"image":["/b.png",3,"https://x/c"]}]})");
    const auto files = file_members(schema, input);
    REQUIRE(files.size() == 2);
    CHECK(files[0].field == "input.subjects[1].image[0]");
    CHECK(takes_data_uri(files[0].schema));
    CHECK(files[1].value == "https://x/c");
}

}  // namespace reeld::catalogue
