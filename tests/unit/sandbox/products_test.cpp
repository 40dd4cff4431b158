// What the endpoints make: shapes of results, and files that are what they say.
#include "base/encoding.hpp"
#include "bench.hpp"
#include "domain/media_probe.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

std::string type_of(const std::string& bytes) {
    const domain::ReadAt read = [&](std::uint64_t offset, std::span<char> out) {
        const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes.size()));
        const std::size_t count = std::min(out.size(), bytes.size() - from);
        std::copy_n(bytes.data() + from, count, out.data());
        return Result<std::size_t>(count);
    };
    const auto facts = domain::probe_media(read, bytes.size());
    return facts ? facts->content_type : facts.error().context();
}

struct Studio : Bench {
    json::object make(const std::string& endpoint, const json::object& input, int status = 200) {
        const Answer accepted = call("POST", "/" + endpoint, json::serialize(input));
        REQUIRE(accepted.status == 200);
        const std::string url = text(read(accepted), "response_url");
        // At once when it is there: an answer that carries the bytes is kept for minutes only.
        Answer answer = call("GET", path_of(url));
        while (answer.status == 400) {
            pass(std::chrono::seconds{10});
            answer = call("GET", path_of(url));
        }
        CHECK(answer.status == status);
        return read(answer);
    }
    std::string fetch(const json::value& file) {
        const Answer answer = call("GET", path_of(text(file.as_object(), "url")));
        CHECK(answer.status == 200);
        CHECK(*answer.headers.find("Content-Type") == text(file.as_object(), "content_type"));
        CHECK(answer.body.size() ==
              static_cast<std::size_t>(file.as_object().at("file_size").to_number<int>()));
        return answer.body;
    }
};

const std::string speech = "fal-ai/minimax/speech-02-hd";

json::object spoken(const std::string& format, const std::string& way) {
    return {{"text", "a short sentence"},
            {"output_format", way},
            {"audio_setting", json::object{{"format", format}}}};
}

}  // namespace

TEST_CASE("as many different images are made as were asked for") {
    Studio studio;
    const json::object result =
        studio.make("fal-ai/minimax/image-01", {{"prompt", "a boat"}, {"num_images", 3}});
    const json::array& images = result.at("images").as_array();
    REQUIRE(images.size() == 3);
    std::set<std::string> different;
    for (const json::value& image : images) {
        const std::string bytes = studio.fetch(image);
        CHECK(type_of(bytes) == "image/png");
        different.insert(bytes);
    }
    CHECK(different.size() == 3);
}

TEST_CASE("speech is given by address in the format that was asked for") {
    Studio studio;
    for (const auto& [format, type] : {std::pair("mp3", "audio/mpeg"), std::pair("flac", "audio/flac")}) {
        const json::object result = studio.make(speech, spoken(format, "url"));
        CHECK(type_of(studio.fetch(result.at("audio"))) == type);
        CHECK(result.at("duration_ms").to_number<int>() > 0);
    }
    const json::object raw = studio.make(speech, spoken("pcm", "url"));
    CHECK(studio.fetch(raw.at("audio")).size() == 960u * 32 * 2);
}

TEST_CASE("speech is given as hexadecimals, which is also the default") {
    Studio studio;
    const json::object result = studio.make(speech, spoken("flac", "hex"));
    CHECK(type_of(from_hex(text(result, "audio")).value()) == "audio/flac");
    const json::object usual = studio.make(speech, {{"text", "hello"}});
    CHECK(type_of(from_hex(text(usual, "audio")).value()) == "audio/mpeg");
}

TEST_CASE("a cloned voice has an id, and a sample only for a text") {
    Studio studio;
    const std::string clone = "fal-ai/minimax/voice-clone";
    const json::object silent = studio.make(clone, {{"audio_url", "https://example.com/a.mp3"}});
    CHECK(text(silent, "custom_voice_id").starts_with("moss_audio_"));
    CHECK_FALSE(silent.contains("audio"));
    const json::object loud = studio.make(
        clone, {{"audio_url", "https://example.com/a.mp3"}, {"text", "good morning"}});
    CHECK(type_of(studio.fetch(loud.at("audio"))) == "audio/mpeg");
    const json::object designed = studio.make(
        "fal-ai/minimax/voice-design", {{"prompt", "a captain"}, {"preview_text", "ahoy"}});
    CHECK(text(designed, "custom_voice_id") != text(silent, "custom_voice_id"));
    CHECK(type_of(studio.fetch(designed.at("audio"))) == "audio/mpeg");
}

TEST_CASE("what an endpoint needs and did not get ends in 422 and names the member") {
    Studio studio;
    const auto missing = [&](const std::string& endpoint, const json::object& input) {
        const json::object error = studio.make(endpoint, input, 422);
        return std::string(error.at("detail").at(0).at("loc").at(1).as_string());
    };
    CHECK(missing(speech, {{"prompt", "x"}}) == "text");
    CHECK(missing("fal-ai/minimax/speech-2.6-hd", {{"text", "x"}}) == "prompt");
    CHECK(missing("fal-ai/minimax/voice-clone", {{"text", "x"}}) == "audio_url");
    CHECK(missing("fal-ai/minimax/voice-design", {{"prompt", "x"}}) == "preview_text");
    CHECK(missing("fal-ai/minimax/image-01", {{"prompt", "x"}, {"num_images", 10}}) ==
          "num_images");
}

TEST_CASE("marks work in the text that an endpoint reads") {
    Studio studio;
    studio.make(speech, {{"text", "no [sandbox:content_policy]"}}, 422);
}
