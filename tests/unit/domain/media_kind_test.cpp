// What a result promised of a file, and what its bytes are.
#include "domain/media_kind.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "sandbox/sound.hpp"
#include "unit/domain/mp4_bytes.hpp"

using namespace reeld;
using namespace reeld::domain;
using reeld::test::Mp4;

namespace {

Result<MediaFacts> probe(const std::string& bytes, MediaKind kind, std::string_view type = {}) {
    const ReadAt read = [&](std::uint64_t offset, std::span<char> out) -> Result<std::size_t> {
        const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes.size()));
        const std::size_t count = std::min(out.size(), bytes.size() - from);
        std::copy_n(bytes.data() + from, count, out.data());
        return count;
    };
    return probe_promised(read, bytes.size(), kind, type);
}

std::string type_of(const std::string& bytes, MediaKind kind, std::string_view type = {}) {
    const auto facts = probe(bytes, kind, type);
    return facts ? facts->content_type : facts.error().context();
}

std::string sound(const std::string& format, unsigned rate = 32'000) {
    sandbox::SoundSpec spec;
    spec.seed = "a";
    spec.format = format;
    spec.sample_rate = rate;
    return sandbox::make_sound(spec);
}

const std::string picture = sandbox::make_png("a", 16, 9);

}  // namespace

TEST_CASE("a file of the promised kind is taken, whatever its format") {
    CHECK(type_of(Mp4{.samples = 3, .sample_bytes = 50}.bytes(), MediaKind::video) == "video/mp4");
    CHECK(type_of(picture, MediaKind::image) == "image/png");
    for (const unsigned rate : {8'000u, 22'050u, 32'000u, 44'100u}) {
        CHECK(type_of(sound("mp3", rate), MediaKind::audio) == "audio/mpeg");
    }
    CHECK(type_of(sound("flac"), MediaKind::audio) == "audio/flac");
    CHECK(type_of(sound("wav"), MediaKind::audio) == "audio/wav");
}

TEST_CASE("whole media of another kind than promised is corrupt, and both kinds are named") {
    CHECK(type_of(picture, MediaKind::video) ==
          "an image (image/png) where a video was promised");
    CHECK(type_of(sound("mp3"), MediaKind::image) ==
          "a sound file (audio/mpeg) where an image was promised");
    CHECK(type_of(Mp4{.samples = 3, .sample_bytes = 50}.bytes(), MediaKind::audio) ==
          "a video (video/mp4) where a sound file was promised");
    CHECK(probe(picture, MediaKind::video).error().code() == ErrorCode::corrupt);
}

TEST_CASE("without a promise every kind will do") {
    CHECK(type_of(picture, MediaKind::any) == "image/png");
    CHECK(type_of(sound("mp3"), MediaKind::any) == "audio/mpeg");
}

TEST_CASE("raw sound is believed only where it was asked for") {
    const std::string raw = sound("pcm");
    CHECK_FALSE(probe(raw, MediaKind::audio, "audio/mpeg").has_value());
    CHECK(type_of(raw, MediaKind::audio, "audio/pcm") == "audio/pcm");
    CHECK(type_of(raw, MediaKind::audio, "audio/L16; rate=32000") == "audio/pcm");
    CHECK(type_of(std::string(4'000, '\0'), MediaKind::audio, "audio/pcm") == "audio/pcm");
}

TEST_CASE("in place of raw sound a page, a text, a picture and nothing are still corrupt") {
    for (const std::string& bytes :
         {std::string("<!DOCTYPE html><title>503</title>"), std::string(R"({"detail":"gone"})"),
          std::string(), picture}) {
        CHECK_FALSE(probe(bytes, MediaKind::audio, "audio/pcm").has_value());
    }
    CHECK(type_of(sound("wav"), MediaKind::audio, "audio/pcm") == "audio/wav");
}

TEST_CASE("kinds read back from their words, and a content type tells its kind") {
    for (const MediaKind kind :
         {MediaKind::any, MediaKind::video, MediaKind::audio, MediaKind::image}) {
        CHECK(parse_media_kind(to_string(kind)) == kind);
    }
    CHECK_FALSE(parse_media_kind("film"));
    CHECK(kind_of("Audio/MPEG") == MediaKind::audio);
    CHECK(kind_of("application/octet-stream") == MediaKind::any);
    CHECK(kind_of("") == MediaKind::any);
}
