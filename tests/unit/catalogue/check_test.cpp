// Goal: each kind of mistake is found before money is spent, named by its place, with what is right.
#include <doctest/doctest.h>

#include <algorithm>

#include "catalogue/catalogue.hpp"
#include "catalogue/input_check.hpp"

using namespace reeld;
using namespace reeld::catalogue;

namespace {

constexpr const char* standard = "fal-ai/minimax/hailuo-02/standard/image-to-video";
constexpr const char* director = "fal-ai/minimax/video-01-director";

std::vector<domain::FieldError> mistakes(const char* model, std::string_view input,
                                         bool unchecked = false) {
    const auto parsed = parse_json(input);
    REQUIRE(parsed.has_value());
    return check(*load(), model, parsed->as_object(), unchecked);
}

// The message about the field; "" when nothing is said about it.
std::string about(const std::vector<domain::FieldError>& errors, std::string_view field) {
    for (const auto& error : errors) {
        if (error.field == field) return error.message;
    }
    return {};
}

bool says(const std::string& message, std::string_view part) {
    CAPTURE(message);
    CAPTURE(part);
    CHECK(message.find(part) != std::string::npos);
    return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an input that is right has no mistakes") {
    CHECK(mistakes(standard, R"({"prompt":"a fox runs","image_url":"https://x.example/a.png",
                                 "duration":"10","resolution":"768P"})")
              .empty());
    CHECK(mistakes(standard,
                   R"({"prompt":"a fox","image_url":"data:image/png;base64,AAAA"})")
              .empty());
}

TEST_CASE("all mistakes are told at once, each with its field") {
    const auto errors = mistakes(
        standard, R"({"image_url":"a.png","duration":7,"resolution":"768p","sed":1})");
    CHECK(errors.size() == 5);
    says(about(errors, "input.prompt"), "is missing; a text of at most 2000 characters is needed");
    says(about(errors, "input.image_url"), "the absolute path of a local file");
    says(about(errors, "input.duration"), "must be \"6\" or \"10\", not 7");
    says(about(errors, "input.resolution"), "did you mean \"768P\"?");
    says(about(errors, "input.sed"), "is unknown; the model takes prompt, image_url");
}

TEST_CASE("a number where a text is wanted, and the other way round, is told how to write it") {
    says(about(mistakes(standard, R"({"prompt":"a","image_url":"https://x/a","duration":6})"),
               "input.duration"),
         "put it in quotes");
    says(about(mistakes("eachlabs/minimax-hailuo-v2-standard-text-to-video",
                        R"({"prompt":"a","duration":"6"})"),
               "input.duration"),
         "leave the quotes away");
    says(about(mistakes("minimax/h3/text-to-video", R"({"prompt":"a","duration":5.5})"),
               "input.duration"),
         "a whole number");
}

TEST_CASE("a misspelt member is told the nearest name") {
    says(about(mistakes(standard, R"({"promt":"a","image_url":"https://x/a"})"), "input.promt"),
         "did you mean \"prompt\"?");
}

TEST_CASE("a member that people expect and the model does not take is explained") {
    says(about(mistakes("fal-ai/minimax/hailuo-02/pro/text-to-video",
                        R"({"prompt":"a","duration":"10"})"),
               "input.duration"),
         "10 s is not available there");
    says(about(mistakes("eachlabs/minimax-i2v-01", R"({"prompt":"a","image_url":"https://x/a"})"),
               "input.image_url"),
         "first_frame_image");
}

TEST_CASE("a combination that the documents forbid is refused with a sentence") {
    const auto errors = mistakes(standard, R"({"prompt":"a","image_url":"https://x/a",
                                               "duration":"10","resolution":"1080P"})");
    says(about(errors, "input.duration"), "10 s is not available at 1080P");
    says(about(errors, "input.resolution"), "\"512P\" or \"768P\"");
    says(about(errors, "input.resolution"), "pro endpoint");
    says(about(mistakes(standard, R"({"prompt":"a","image_url":"https://x/a",
                                      "end_image_url":"https://x/b","resolution":"512P"})"),
               "input.end_image_url"),
         "768P");
    says(about(mistakes("fal-ai/minimax-music/v2.5", R"({"prompt":"a song"})"), "input.lyrics"),
         "is_instrumental");
    CHECK(mistakes("fal-ai/minimax-music/v2.5", R"({"prompt":"a","is_instrumental":true})").empty());
}

TEST_CASE("references are counted together, and a sound is not the only one") {
    constexpr const char* model = "minimax/h3/reference-to-video";
    std::string many = "\"https://x/a\"";
    for (int i = 1; i < 12; ++i) many += ",\"https://x/a\"";
    CHECK(mistakes(model, "{\"prompt\":\"a\",\"reference_image_urls\":[" + many + "]}").empty());
    says(about(mistakes(model, "{\"prompt\":\"a\",\"reference_image_urls\":[" + many +
                                   "],\"reference_video_urls\":[\"https://x/v\"]}"),
               "input.reference_image_urls"),
         "at most 12");
    says(about(mistakes(model, R"({"prompt":"a","reference_audio_urls":["https://x/a"]})"),
               "input.reference_audio_urls"),
         "cannot be the only reference");
    says(about(mistakes(model, R"({"prompt":"a","reference_image_urls":["https://x/a","b.png"]})"),
               "input.reference_image_urls[1]"),
         "is no URL");
}

TEST_CASE("a prompt over the limit is refused with its length, in characters") {
    json::object input;
    input["image_url"] = "https://x/a";
    const auto with = [&](std::size_t count) {
        std::string prompt;
        for (std::size_t i = 0; i < count; ++i) prompt += "ä";
        input["prompt"] = prompt;
        return check(*load(), standard, input, false);
    };
    CHECK(with(2000).empty());
    says(about(with(2001), "input.prompt"), "has 2001 characters; at most 2000 are taken");
    says(about(with(0), "input.prompt"), "must not be empty");
}

TEST_CASE("numbers keep to their range, and members of members are named by their path") {
    constexpr const char* speech = "fal-ai/minimax/speech-02-hd";
    const auto errors = mistakes(
        speech, R"({"text":"a","voice_setting":{"speed":3,"emotion":"hapy","tone":1},
                    "audio_setting":{"channel":3}})");
    says(about(errors, "input.voice_setting.speed"), "must be a number from 0.5 to 2, not 3");
    says(about(errors, "input.voice_setting.emotion"), "did you mean \"happy\"?");
    says(about(errors, "input.voice_setting.tone"), "is unknown");
    says(about(errors, "input.audio_setting.channel"), "must be 1 or 2, not 3");
    says(about(mistakes("fal-ai/minimax/image-01", R"({"prompt":"a","num_images":10})"),
               "input.num_images"),
         "a whole number from 1 to 9, not 10");
}

TEST_CASE("a director knows its camera moves") {
    const auto prompt = [](const std::string& text) {
        json::object input;
        input["prompt"] = text;
        return about(check(*load(), director, input, false), "input.prompt");
    };
    CHECK(prompt("[Pan left, Pedestal up] a street") == "");
    CHECK(prompt("[pan LEFT] a street [Zoom in, Shake, Tilt up] at dusk") == "");
    says(prompt("[Pan lefft] a street"), "did you mean \"Pan left\"?");
    says(prompt("[Dolly] a street"), "is no camera move");
    says(prompt("[Pan left, Tilt up, Zoom in, Shake] a street"), "combines 4 camera moves; at most 3");
    says(prompt("[Pan left a street"), "never closed");
    says(prompt("[] a street"), "is no camera move");
    CHECK(mistakes("fal-ai/minimax/video-01", R"({"prompt":"[anything] goes"})").empty());
}

TEST_CASE("what is no URL says so, and what is may be of three kinds") {
    const auto url = [](const std::string& text) {
        json::object input;
        input["prompt"] = "a";
        input["image_url"] = text;
        return about(check(*load(), standard, input, false), "input.image_url");
    };
    CHECK(url("http://10.0.0.1/a.png") == "");
    CHECK(url("HTTPS://x.example/a.png?b=c") == "");
    CHECK(url("data:image/png;base64,AA==") == "");
    says(url("home/me/a.png"), "the absolute path of a local file");
    says(url("ftp://x/a.png"), "is no URL");
    says(url("https:///a.png"), "names no host");
    says(url("https://x/a b.png"), "%20");
    says(url("data:image/png"), "is no URL");
    says(url(""), "is no URL");
}

TEST_CASE("an unknown model is refused with the nearest names") {
    const auto errors = mistakes("fal-ai/minimax/hailuo-02/standard/image-to-vidio", "{}");
    REQUIRE(errors.size() == 1);
    CHECK(errors.front().field == "model");
    says(errors.front().message, "\"fal-ai/minimax/hailuo-02/standard/image-to-video\"");
    says(errors.front().message, "--unchecked");
    says(about(mistakes("fal-ai/minimax/hailuo-2.3", "{}"), "model"),
         "fal-ai/minimax/hailuo-2.3/");
    says(about(mistakes("fal-ai/flux/dev", "{}"), "model"), "`reel models` lists");
}

TEST_CASE("an unchecked job has no mistakes, whatever it says") {
    CHECK(mistakes("fal-ai/flux/dev", "{}", true).empty());
    CHECK(mistakes(standard, R"({"duration":7})", true).empty());
}

TEST_CASE("null counts as not given only where the schema says so") {
    says(about(mistakes(standard, R"({"prompt":null,"image_url":"https://x/a"})"), "input.prompt"),
         "is missing");
    says(about(mistakes(standard, R"({"prompt":"a","image_url":"https://x/a","duration":null})"),
               "input.duration"),
         "must be \"6\" or \"10\", not null");
}

TEST_CASE("a hostile input is answered with a bounded number of bounded sentences") {
    json::object input;
    for (int i = 0; i < 3000; ++i) input["member" + std::to_string(i)] = i;
    input["duration"] = std::string(200'000, 'x');
    const auto errors = check(*load(), standard, input, false);
    CHECK(errors.size() <= 60);
    for (const auto& error : errors) CHECK(error.message.size() < 2000);
}

TEST_CASE("the members that name files are found where they stand") {
    const auto model = load()->models().at("minimax/h3/reference-to-video");
    const auto input = parse_json(
        R"({"prompt":"https://x/p","reference_image_urls":["a.png","https://x/b"]})");
    const auto files = file_members(model.input, input->as_object());
    REQUIRE(files.size() == 2);
    CHECK(files[0].field == "input.reference_image_urls[0]");
    CHECK(files[0].value == "a.png");
    CHECK(files[1].value == "https://x/b");
}
