// Goal: every endpoint that the providers' references name is there, right and usable as it stands.
#include <doctest/doctest.h>

#include <array>

#include "catalogue/catalogue.hpp"
#include "catalogue/input_check.hpp"
#include "catalogue/price.hpp"

using namespace reeld;
using namespace reeld::catalogue;

namespace {

constexpr std::array<std::string_view, 59> named{
    "fal-ai/minimax/video-01",
    "fal-ai/minimax/video-01-live",
    "fal-ai/minimax/video-01-director",
    "fal-ai/minimax/video-01/image-to-video",
    "fal-ai/minimax/video-01-live/image-to-video",
    "fal-ai/minimax/video-01-director/image-to-video",
    "fal-ai/minimax/video-01-subject-reference",
    "fal-ai/minimax/hailuo-02/standard/text-to-video",
    "fal-ai/minimax/hailuo-02/standard/image-to-video",
    "fal-ai/minimax/hailuo-02/pro/text-to-video",
    "fal-ai/minimax/hailuo-02/pro/image-to-video",
    "fal-ai/minimax/hailuo-02-fast/image-to-video",
    "fal-ai/minimax/hailuo-2.3/standard/text-to-video",
    "fal-ai/minimax/hailuo-2.3/standard/image-to-video",
    "fal-ai/minimax/hailuo-2.3/pro/text-to-video",
    "fal-ai/minimax/hailuo-2.3/pro/image-to-video",
    "fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video",
    "fal-ai/minimax/hailuo-2.3-fast/pro/image-to-video",
    "minimax/h3/text-to-video",
    "minimax/h3/image-to-video",
    "minimax/h3/reference-to-video",
    "fal-ai/minimax-video",
    "fal-ai/minimax-video/image-to-video",
    "fal-ai/minimax/image-01",
    "fal-ai/minimax/image-01/subject-reference",
    "fal-ai/minimax/speech-02-hd",
    "fal-ai/minimax/speech-02-turbo",
    "fal-ai/minimax/preview/speech-2.5-hd",
    "fal-ai/minimax/preview/speech-2.5-turbo",
    "fal-ai/minimax/speech-2.6-hd",
    "fal-ai/minimax/speech-2.6-turbo",
    "fal-ai/minimax/speech-2.8-hd",
    "fal-ai/minimax/speech-2.8-turbo",
    "fal-ai/minimax-tts/text-to-speech",
    "fal-ai/minimax-tts/voice-clone",
    "fal-ai/minimax/voice-clone",
    "fal-ai/minimax/voice-design",
    "fal-ai/minimax-music",
    "fal-ai/minimax-music/v1.5",
    "fal-ai/minimax-music/v2",
    "fal-ai/minimax-music/v2.5",
    "fal-ai/minimax-music/v2.6",
    "eachlabs/minimax-i2v-01",
    "eachlabs/minimax-i2v-01-live",
    "eachlabs/minimax-i2v-01-director",
    "eachlabs/hailuo-i2v-live",
    "eachlabs/minimax-t2v-01",
    "eachlabs/minimax-t2v-01-director",
    "eachlabs/minimax-s2v-01",
    "eachlabs/minimax-hailuo-v2-standard-image-to-video",
    "eachlabs/minimax-hailuo-v2-pro-image-to-video",
    "eachlabs/minimax-hailuo-v2-standard-text-to-video",
    "eachlabs/minimax-hailuo-v2-pro-text-to-video",
    "eachlabs/minimax-hailuo-v2-3-standard-text-to-video",
    "eachlabs/minimax-hailuo-v2-3-standard-image-to-video",
    "eachlabs/minimax-hailuo-v2-3-pro-text-to-video",
    "eachlabs/minimax-hailuo-v2-3-pro-image-to-video",
    "eachlabs/minimax-hailuo-v2-3-fast-standard-image-to-video",
    "eachlabs/minimax-hailuo-v2-3-fast-pro-image-to-video",
};

}  // namespace

TEST_CASE("every endpoint of the references is known, and no other") {
    const auto catalogue = load();
    CHECK(catalogue->mistakes().empty());
    for (const auto id : named) {
        CAPTURE(id);
        CHECK(catalogue->find(id) != nullptr);
    }
    CHECK(catalogue->models().size() == named.size());
}

TEST_CASE("every example is an input that is right, with all that has to be given") {
    const auto catalogue = load();
    for (const auto& entry : catalogue->models()) {
        const auto& model = entry.second;
        CAPTURE(model.id);
        CHECK(!model.example.empty());
        CHECK(model.check->mistakes(model.example).empty());
        CHECK(model.title != model.id);
    }
}

TEST_CASE("every price counts a member that the model has") {
    const auto catalogue = load();
    for (const auto& entry : catalogue->models()) {
        const auto& model = entry.second;
        CAPTURE(model.id);
        for (const auto& rule : model.price.rules) {
            for (const auto& part : rule.parts) {
                if (part.unit != PriceUnit::request) {
                    CHECK(member_schema(model.input, part.of) != nullptr);
                }
            }
            for (const auto& condition : rule.when) {
                CHECK(member_schema(model.input, condition.key()) != nullptr);
            }
        }
        // A model without a price says why.
        CHECK((estimate(model, model.example).micro_usd.has_value() || !model.price.note.empty()));
    }
}

TEST_CASE("every default is a value that the model takes") {
    const auto catalogue = load();
    for (const auto& entry : catalogue->models()) {
        const auto& model = entry.second;
        for (const auto& member : *find_object(model.input, "properties")) {
            const auto* value = find(member.value().as_object(), "default");
            if (value == nullptr) continue;
            json::object input = model.example;
            input[member.key()] = *value;
            CAPTURE(model.id);
            CAPTURE(std::string(member.key()));
            CHECK(model.check->mistakes(input).empty());
        }
    }
}
