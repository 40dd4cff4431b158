#include "domain/media_probe.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "unit/domain/mp4_bytes.hpp"

using namespace reeld;
using reeld::test::be;
using reeld::test::box;
using reeld::test::Mp4;

namespace {

struct Probed {
    Result<domain::MediaFacts> facts;
    std::uint64_t reads = 0;
};

Probed probe_counting(std::string_view bytes) {
    std::uint64_t reads = 0;
    const domain::ReadAt read = [&](std::uint64_t offset,
                                    std::span<char> out) -> Result<std::size_t> {
        ++reads;
        if (offset >= bytes.size()) return std::size_t{0};
        return bytes.copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    };
    auto facts = domain::probe_media(read, bytes.size());
    return Probed{std::move(facts), reads};
}

Result<domain::MediaFacts> probe(std::string_view bytes) {
    return probe_counting(bytes).facts;
}

std::string refusal(std::string_view bytes) {
    const auto facts = probe(bytes);
    if (facts) return "accepted as " + facts->content_type;
    CHECK(facts.error().code() == ErrorCode::corrupt);
    return facts.error().context();
}

std::string type_of(std::string_view bytes) {
    const auto facts = probe(bytes);
    return facts ? facts->content_type : "refused: " + facts.error().context();
}

std::string le(std::uint64_t value, int bytes) {
    std::string text = be(value, bytes);
    std::reverse(text.begin(), text.end());
    return text;
}

std::string png() {
    const auto chunk = [](std::string_view type, std::string_view data) {
        return be(data.size(), 4) + std::string(type) + std::string(data) + "CRC!";
    };
    return "\x89PNG\r\n\x1A\n" + chunk("IHDR", be(640, 4) + be(480, 4) + "\x08\x02" + be(0, 3)) +
           chunk("IDAT", std::string(300, 'x')) + chunk("IEND", "");
}

std::string jpeg() {
    const std::string thumbnail = "\xFF\xD8 small \xFF\xD9";
    const std::string app = "\xFF\xE1" + be(2 + thumbnail.size(), 2) + thumbnail;
    const std::string frame =
        "\xFF\xC0" + be(11, 2) + "\x08" + be(480, 2) + be(640, 2) + "\x01" + be(0, 3);
    return "\xFF\xD8" + app + frame + "\xFF\xDA" + be(8, 2) + be(0, 6) + std::string(6000, 'z') +
           "\xFF\xD9";
}

std::string riff(std::string_view form, std::string_view chunk) {
    const std::string data = std::string(chunk) + le(200, 4) + std::string(200, 'd');
    const std::string body = std::string(form) + data;
    return "RIFF" + le(body.size(), 4) + body;
}

std::string ogg_page(std::string_view data) {
    return "OggS" + be(0, 22) + be(1, 1) + be(data.size(), 1) + std::string(data);
}

std::string webm() {
    const std::string head = std::string("\x42\x82\x84", 3) + "webm";
    return "\x1A\x45\xDF\xA3" + be(0x80 + head.size(), 1) + head + "\x18\x53\x80\x67" +
           be(0x4000 + 500, 2) + std::string(500, 'w');
}

std::string mp3() {
    std::string frame =
        "\xFF\xFB\x90" + std::string(1, '\0') + std::string(413, 'm');  // 128 kbit/s
    return frame + frame + frame;
}

}  // namespace

TEST_CASE("what a file calls its parts is shown without the bytes that no text has") {
    const std::string png("\x89PNG\r\n\x1a\n\0\0\0\xFF\x1B\xFF\xC3\x80xxxx", 20);
    const domain::ReadAt read = [&](std::uint64_t offset,
                                    std::span<char> out) -> Result<std::size_t> {
        const std::string piece = png.substr(std::min<std::size_t>(offset, png.size()), out.size());
        std::copy(piece.begin(), piece.end(), out.begin());
        return piece.size();
    };
    const auto facts = domain::probe_media(read, png.size());
    REQUIRE(facts.has_error());
    CHECK(facts.error().context().find("'" + std::string(4, '?') + "'") != std::string::npos);
}

TEST_CASE("a whole MP4 is recognised with its sides and its duration") {
    const auto facts = probe(Mp4{}.bytes());
    REQUIRE(facts.has_value());
    CHECK(facts->content_type == "video/mp4");
    CHECK(facts->width == 64);
    CHECK(facts->height == 48);
    CHECK(facts->duration_s == doctest::Approx(2.5));
}

TEST_CASE("the usual shapes of an MP4 are all accepted") {
    CHECK(type_of(Mp4{.index_last = true}.bytes()) == "video/mp4");
    CHECK(type_of(Mp4{.co64 = true, .large_mdat = true}.bytes()) == "video/mp4");
    CHECK(type_of(Mp4{.endless_mdat = true}.bytes()) == "video/mp4");
    CHECK(type_of(Mp4{.same_size = true}.bytes()) == "video/mp4");
    CHECK(type_of(Mp4{.brand = "qt  "}.bytes()) == "video/quicktime");
    CHECK(type_of(Mp4{.handler = "soun"}.bytes()) == "audio/mp4");
    CHECK(type_of(Mp4{}.fragmented()) == "video/mp4");
    CHECK(type_of(Mp4{}.bytes() + box("free", "nothing")) == "video/mp4");
}

TEST_CASE("every cut of a good MP4 is refused, whatever its shape") {
    const std::vector<Mp4> shapes{
        Mp4{.samples = 4, .sample_bytes = 30},
        Mp4{.samples = 4, .sample_bytes = 30, .index_last = true},
        Mp4{.samples = 4, .sample_bytes = 30, .large_mdat = true},
        Mp4{.samples = 4, .sample_bytes = 30, .endless_mdat = true},
        Mp4{.samples = 4, .sample_bytes = 30, .same_size = true, .endless_mdat = true}};
    for (const Mp4& shape : shapes) {
        const std::string whole = shape.bytes();
        for (std::size_t length = 0; length < whole.size(); ++length) {
            CAPTURE(length);
            CHECK_FALSE(probe(std::string_view(whole).substr(0, length)).has_value());
        }
    }
}

TEST_CASE("a cut fragmented MP4 is refused unless the cut falls between two fragments") {
    const std::string whole = Mp4{}.fragmented();
    const std::string head = whole.substr(0, whole.find("moof") - 4);
    const std::size_t fragment = (whole.size() - head.size()) / 2;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK(probe(std::string_view(whole).substr(0, length)).has_value() ==
              (length == head.size() + fragment));
    }
}

TEST_CASE("a cut MP4 is refused with a sentence that says where it ends") {
    const std::string whole = Mp4{}.bytes();
    const std::string cut = whole.substr(0, whole.size() - 10);
    CHECK(refusal(cut) == "cut short: the box 'mdat' ends at byte " + std::to_string(whole.size()) +
                              " of a file of " + std::to_string(cut.size()));
    CHECK(refusal(Mp4{}.ftyp()).find("'moov'") != std::string::npos);
    CHECK(refusal(Mp4{}.ftyp() + Mp4{}.moov(0)).find("'mdat'") != std::string::npos);
    const std::string endless = Mp4{.endless_mdat = true}.bytes();
    CHECK(refusal(endless.substr(0, endless.size() - 1)).find("chunk 2 of track 1") !=
          std::string::npos);
}

TEST_CASE("an MP4 without tracks, samples, a timescale or permission to be fragmented is refused") {
    const std::string mvhd =
        box("mvhd", be(0, 12) + be(1000, 4) + be(1, 4) + std::string(80, '\0'));
    const std::string no_scale = box("mvhd", std::string(100, '\0'));
    const std::string media = box("mdat", "media");
    const std::string ftyp = Mp4{}.ftyp();
    CHECK(refusal(ftyp + box("moov", mvhd) + media).find("no track") != std::string::npos);
    CHECK(refusal(ftyp + box("moov", no_scale) + media).find("timescale") != std::string::npos);
    CHECK(refusal(ftyp + box("moov", mvhd + box("trak", "")) + media).find("sample table") !=
          std::string::npos);
    CHECK(refusal(ftyp + box("moov", box("trak", "")) + media).find("sample table") !=
          std::string::npos);
    CHECK(refusal(Mp4{.samples = 0}.bytes()).find("sample") != std::string::npos);
    const std::string fragment = box("moof", "") + media;
    CHECK(refusal(Mp4{}.bytes() + fragment).find("'mvex'") != std::string::npos);
}

TEST_CASE("hostile sizes neither overflow nor loop") {
    const std::string ftyp = Mp4{}.ftyp();
    CHECK_FALSE(probe(ftyp + be(1, 4) + "moov" + be(UINT64_MAX, 8) + "rest").has_value());
    CHECK_FALSE(probe(ftyp + be(1, 4) + "moov" + be(UINT64_MAX - 20, 8) + "rest").has_value());
    CHECK_FALSE(probe(ftyp + be(1, 4) + "moov" + be(15, 8) + "rest").has_value());
    CHECK_FALSE(probe(ftyp + be(7, 4) + "moov" + "rest").has_value());
    CHECK_FALSE(probe(ftyp + be(UINT32_MAX, 4) + "moov" + "rest").has_value());
    std::string tiny_boxes = ftyp;
    for (int i = 0; i < 100'000; ++i)
        tiny_boxes += box("free", "");
    const auto many = probe_counting(tiny_boxes);
    CHECK_FALSE(many.facts.has_value());
    CHECK(many.reads < 1000);
    std::string promised = Mp4{}.bytes();
    promised.replace(promised.find("stsz") + 12, 4, be(UINT32_MAX, 4));
    CHECK(refusal(promised).find("no room") != std::string::npos);
    std::string one_size = Mp4{.same_size = true}.bytes();
    one_size.replace(one_size.find("stsz") + 8, 8, be(UINT64_MAX, 8));
    one_size.replace(one_size.find("stsc") + 16, 4, be(UINT32_MAX, 4));
    CHECK(refusal(one_size).find("cut short: chunk 1") != std::string::npos);
    std::string far = Mp4{.co64 = true}.bytes();
    far.replace(far.find("co64") + 12, 8, be(UINT64_MAX - 3, 8));
    CHECK(refusal(far).find("cut short: chunk 1") != std::string::npos);
}

TEST_CASE("random damage to any file never does more than to be refused") {
    std::mt19937_64 random(20261121);  // NOLINT: repeatable on purpose
    const std::vector<std::string> files{Mp4{}.bytes(),
                                         Mp4{.co64 = true}.bytes(),
                                         Mp4{}.fragmented(),
                                         png(),
                                         jpeg(),
                                         riff("WAVE", "data"),
                                         webm(),
                                         ogg_page("vorbis") + ogg_page("end"),
                                         mp3()};
    for (const std::string& file : files) {
        for (int round = 0; round < 2000; ++round) {
            std::string damaged = file;
            for (int flip = 0; flip < 1 + round % 8; ++flip) {
                damaged[random() % std::min<std::size_t>(damaged.size(), 700)] =
                    static_cast<char>(random());
            }
            if (round % 3 == 0) damaged.resize(random() % damaged.size());
            const auto probed = probe_counting(damaged);
            CHECK(probed.reads < 1000);
        }
    }
}

TEST_CASE("other media are recognised by their bytes") {
    CHECK(type_of(png()) == "image/png");
    CHECK(probe(png())->width == 640);
    CHECK(type_of(jpeg()) == "image/jpeg");
    CHECK(probe(jpeg())->height == 480);
    CHECK(type_of(riff("WAVE", "data")) == "audio/wav");
    CHECK(type_of(riff("WEBP", "VP8 ")) == "image/webp");
    CHECK(type_of("GIF89a" + le(10, 2) + le(20, 2) + "pixels;") == "image/gif");
    CHECK(type_of(webm()) == "video/webm");
    CHECK(type_of(ogg_page("\x01vorbis") + ogg_page("end")) == "audio/ogg");
    CHECK(type_of(mp3()) == "audio/mpeg");
    CHECK(type_of(std::string("ID3\x04\0\0\0\0\0\x05tag..", 15) + mp3()) == "audio/mpeg");
    const std::string stream_info = be(0, 10) + be((44100ull << 44) | 88200, 8) + be(0, 16);
    const auto flac = probe("fLaC" + be(34, 4) + stream_info + "frames");
    REQUIRE(flac.has_value());
    CHECK(flac->content_type == "audio/flac");
    CHECK(flac->duration_s == doctest::Approx(2.0));
    CHECK(type_of(Mp4{.brand = "avif"}.ftyp() + box("meta", "m") + box("mdat", "p")) ==
          "image/avif");
}

TEST_CASE("cut pictures and sounds are refused") {
    const std::vector<std::string> files{png(), jpeg(), riff("WAVE", "data"), webm(),
                                         ogg_page("\x01vorbis") + ogg_page("the end of it")};
    for (const std::string& file : files) {
        for (const std::size_t lost : {std::size_t{1}, std::size_t{2}, file.size() / 2}) {
            CAPTURE(lost);
            CHECK(refusal(file.substr(0, file.size() - lost)).find("cut short") !=
                  std::string::npos);
        }
    }
    CHECK(refusal("GIF89a" + le(10, 2) + le(20, 2) + "pixels").find("cut short") !=
          std::string::npos);
}

TEST_CASE("text in place of media is named for what it is") {
    CHECK(refusal("") == "an empty file");
    CHECK(refusal("  \n<!DOCTYPE HTML><html>…") == "an HTML page, not media");
    CHECK(refusal("\xEF\xBB\xBF<html>") == "an HTML page, not media");
    CHECK(refusal("<?xml version='1.0'?><Error/>") == "an XML document, not media");
    CHECK(refusal("{\"detail\": \"not found\"}") == "JSON text, not media");
    CHECK(refusal("Service unavailable") == "plain text, not media");
    CHECK(refusal("\n\n") == "nothing but white space, not media");
    CHECK(refusal(std::string(100, '\x07')) == "no kind of media that is known");
    CHECK(refusal(std::string("\0\0\0\x18", 4)) == "cut short: 4 bytes are no media file");
}

TEST_CASE("a disk that cannot be read is not taken for damaged media") {
    const domain::ReadAt read = [](std::uint64_t, std::span<char>) -> Result<std::size_t> {
        return Error(ErrorCode::io, "the disk fails");
    };
    const auto facts = domain::probe_media(read, 5000);
    REQUIRE_FALSE(facts.has_value());
    CHECK(facts.error().code() == ErrorCode::io);
}
