// Goal: an estimate says how much, how sure and why.
#include <doctest/doctest.h>

#include "catalogue/catalogue.hpp"
#include "catalogue/craft.hpp"
#include "catalogue/price.hpp"

using namespace reeld;
using namespace reeld::catalogue;

namespace {

const std::shared_ptr<const Catalogue>& models() {
    static const auto loaded = load();
    return loaded;
}

Estimate cost(const char* model, std::string_view input) {
    return estimate(*models()->find(model), parse_json(input)->as_object());
}

std::vector<std::string> advice(std::string_view input,
                                const char* model = "fal-ai/minimax/video-01") {
    return prompt_advice(*models()->find(model), parse_json(input)->as_object());
}

bool any_says(const std::vector<std::string>& sentences, std::string_view part) {
    for (const auto& sentence : sentences) {
        if (sentence.find(part) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a price by the second uses what is given, else the default") {
    constexpr const char* model = "fal-ai/minimax/hailuo-02/standard/image-to-video";
    CHECK(cost(model, "{}").micro_usd == 270'000);
    CHECK(cost(model, "{}").sure);
    CHECK(cost(model, "{}").basis == "$0.045 a second × 6 s");
    CHECK(cost(model, R"({"duration":"10"})").micro_usd == 450'000);
    const auto small = cost(model, R"({"resolution":"512P"})");
    CHECK(small.micro_usd == 102'000);
    CHECK(!small.sure);
    CHECK(small.basis.find("with resolution 512P; an estimate: ") != std::string::npos);
}

TEST_CASE("a price by length is the one of that length") {
    constexpr const char* model = "fal-ai/minimax/hailuo-2.3/standard/text-to-video";
    CHECK(cost(model, "{}").micro_usd == 280'000);
    CHECK(cost(model, R"({"duration":"10"})").micro_usd == 560'000);
}

TEST_CASE("images and characters are counted") {
    CHECK(cost("fal-ai/minimax/image-01", R"({"num_images":4})").micro_usd == 40'000);
    CHECK(cost("fal-ai/minimax/speech-02-turbo", R"({"text":"zehn Ämter"})").micro_usd == 600);
    CHECK(cost("fal-ai/minimax/speech-02-turbo", "{}").micro_usd == std::nullopt);
    const std::string half(500, 'x');
    CHECK(cost("fal-ai/minimax/voice-design", R"({"preview_text":")" + half + "\"}").micro_usd ==
          3'015'000);
}

TEST_CASE("an unknown price is told as such, an unsure one as an estimate") {
    const auto none = cost("minimax/h3/text-to-video", "{}");
    CHECK(none.micro_usd == std::nullopt);
    CHECK(none.basis == "no document that reeld knows names a price");
    const auto unsure = cost("fal-ai/minimax/video-01", "{}");
    CHECK(unsure.micro_usd == 500'000);
    CHECK(!unsure.sure);
}

TEST_CASE("a price is read in one line, the usual case first") {
    const auto text = [](const char* id) { return price_text(*models()->find(id)); };
    CHECK(text("fal-ai/minimax/hailuo-02/standard/image-to-video") ==
          "$0.045 a second; ~$0.017 a second with resolution 512P");
    CHECK(text("fal-ai/minimax/hailuo-2.3/standard/text-to-video") ==
          "$0.28 a job; $0.56 a job with duration 10");
    CHECK(text("fal-ai/minimax/voice-design") == "$3.00 a job + $0.03 for 1000 characters");
    CHECK(text("minimax/h3/text-to-video") == "not known");
    CHECK(dollars(10'500) == "$0.0105");
    CHECK(dollars(3'000'000) == "$3.00");
}

TEST_CASE("a number that cannot be meant gives no price") {
    CHECK(cost("fal-ai/minimax/image-01", R"({"num_images":-1})").micro_usd == std::nullopt);
    CHECK(cost("fal-ai/minimax/image-01", R"({"num_images":1e300})").micro_usd == std::nullopt);
    CHECK(cost("fal-ai/minimax/image-01", R"({"num_images":"many"})").micro_usd == std::nullopt);
}

TEST_CASE("a good prompt gets no advice") {
    CHECK(advice(R"({"prompt":"a fox runs across the fresh snow at dawn while the camera follows"})")
              .empty());
}

TEST_CASE("a short, still prompt that repeats itself is told all three") {
    const auto told = advice(R"({"prompt":"snow, a red house, snow","prompt_optimizer":false})");
    CHECK(any_says(told, "has 5 words; 10 to 20"));
    CHECK(any_says(told, "no verb of motion"));
    CHECK(any_says(told, "more than once in the prompt: \"snow\""));
    CHECK(any_says(told, "prompt_optimizer is off and the prompt is short"));
    CHECK(!any_says(advice(R"({"prompt":"snow"})"), "prompt_optimizer"));
}

TEST_CASE("no advice on what is no video, or in another script") {
    CHECK(advice(R"({"prompt":"snow"})", "fal-ai/minimax/image-01").empty());
    CHECK(advice(R"({"prompt":"雪の中の狐"})").empty());
    CHECK(advice("{}").empty());
}
