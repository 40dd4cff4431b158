#include "sandbox/mp4.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "sandbox/h264.hpp"

namespace reeld::sandbox {

namespace {

constexpr unsigned pictures_per_second = 24;
constexpr unsigned ticks_per_picture = 512;
constexpr unsigned timescale = pictures_per_second * ticks_per_picture;

std::string be(std::uint64_t value, unsigned bytes) {
    std::string out;
    for (unsigned i = bytes; i > 0; --i) {
        out.push_back(static_cast<char>((value >> (8 * (i - 1))) & 0xFF));
    }
    return out;
}

std::string box(std::string_view type, const std::string& content) {
    return be(content.size() + 8, 4).append(type).append(content);
}

std::string full_box(std::string_view type, unsigned flags, const std::string& content) {
    return box(type, be(flags, 4) + content);
}

std::string zeros(std::size_t count) {
    return std::string(count, '\0');
}

std::string unity_matrix() {
    return be(0x10000, 4) + zeros(12) + be(0x10000, 4) + zeros(12) + be(0x40000000, 4);
}

struct Track {
    Mp4Spec spec;
    std::string sps, pps;
    std::vector<std::string> samples;
    unsigned width() const { return spec.columns * 16; }
    unsigned height() const { return spec.rows * 16; }
    std::uint64_t ticks() const { return samples.size() * ticks_per_picture; }
};

// One picture a second: its ground is drawn from the seed, a bar counts the seconds.
Picture paint(const Mp4Spec& spec, unsigned second) {
    const auto digest = from_hex(sha256_hex(std::string(spec.seed) + "/" + std::to_string(second)));
    const auto byte = [&](std::size_t i) {
        return static_cast<unsigned>(static_cast<unsigned char>((*digest)[i % 32]));
    };
    Picture picture{spec.columns, spec.rows, {}};
    for (unsigned i = 0; i < spec.columns * spec.rows; ++i) {
        Colour colour;
        colour.y = static_cast<std::uint8_t>(60 + byte(0) % 100 + byte(i + 3) % 24);
        colour.cb = static_cast<std::uint8_t>(32 + byte(1) % 192);
        colour.cr = static_cast<std::uint8_t>(32 + byte(2) % 192);
        if (i / spec.columns == spec.rows - 1 && i % spec.columns <= second)
            colour = {230, 128, 128};
        picture.blocks.push_back(colour);
    }
    return picture;
}

Track encode(const Mp4Spec& spec) {
    Track track{spec, h264_sps(spec.columns, spec.rows), h264_pps(), {}};
    const auto add = [&](const std::string& unit) {
        track.samples.push_back(be(unit.size(), 4) + unit);
    };
    for (unsigned second = 0; second < spec.seconds; ++second) {
        add(h264_idr(paint(spec, second), second));
        for (unsigned n = 1; n < pictures_per_second; ++n) {
            add(h264_repeat(spec.columns, spec.rows, n));
        }
    }
    return track;
}

std::string sample_entry(const Track& track) {
    const std::string config = std::string("\x01", 1) + track.sps.substr(1, 3) + "\xFF\xE1" +
                               be(track.sps.size(), 2) + track.sps + "\x01" +
                               be(track.pps.size(), 2) + track.pps;
    return box("avc1", zeros(6) + be(1, 2) + zeros(16) + be(track.width(), 2) +
                           be(track.height(), 2) + be(0x480000, 4) + be(0x480000, 4) + zeros(4) +
                           be(1, 2) + zeros(32) + be(24, 2) + be(0xFFFF, 2) + box("avcC", config));
}

// Every sample lies in one chunk at `offset`.
std::string sample_table(const Track& track, std::uint64_t offset) {
    std::string sync = be(track.spec.seconds, 4);
    for (unsigned second = 0; second < track.spec.seconds; ++second) {
        sync += be(second * pictures_per_second + 1, 4);
    }
    std::string sizes = be(0, 4) + be(track.samples.size(), 4);
    for (const std::string& sample : track.samples) {
        sizes += be(sample.size(), 4);
    }
    const auto count = track.samples.size();
    return box("stbl", full_box("stsd", 0, be(1, 4) + sample_entry(track)) +
                           full_box("stts", 0, be(1, 4) + be(count, 4) + be(ticks_per_picture, 4)) +
                           full_box("stss", 0, sync) +
                           full_box("stsc", 0, be(1, 4) + be(1, 4) + be(count, 4) + be(1, 4)) +
                           full_box("stsz", 0, sizes) +
                           full_box("stco", 0, be(1, 4) + be(offset, 4)));
}

std::string media(const Track& track, std::uint64_t offset) {
    const std::string header = full_box(
        "mdhd", 0, zeros(8) + be(timescale, 4) + be(track.ticks(), 4) + be(0x55C4, 2) + zeros(2));
    const std::string handler =
        full_box("hdlr", 0, zeros(4) + "vide" + zeros(12) + std::string("VideoHandler\0", 13));
    const std::string location =
        box("dinf", full_box("dref", 0, be(1, 4) + full_box("url ", 1, "")));
    const std::string info =
        box("minf", full_box("vmhd", 1, zeros(8)) + location + sample_table(track, offset));
    return box("mdia", header + handler + info);
}

std::string movie(const Track& track, std::uint64_t offset) {
    const std::uint64_t duration_ms = 1000ULL * track.spec.seconds;
    const std::string header =
        full_box("mvhd", 0,
                 zeros(8) + be(1000, 4) + be(duration_ms, 4) + be(0x10000, 4) + be(0x100, 2) +
                     zeros(10) + unity_matrix() + zeros(24) + be(2, 4));
    const std::string track_header = full_box(
        "tkhd", 3,
        zeros(8) + be(1, 4) + zeros(4) + be(duration_ms, 4) + zeros(16) + unity_matrix() +
            be(std::uint64_t{track.width()} << 16, 4) + be(std::uint64_t{track.height()} << 16, 4));
    return box("moov", header + box("trak", track_header + media(track, offset)));
}

}  // namespace

std::string make_mp4(const Mp4Spec& spec) {
    const Track track = encode(spec);
    // Two requests whose colours happen to agree still differ in this box.
    const std::string head = box("ftyp", "isom" + be(0x200, 4) + "isomiso2avc1mp41") +
                             box("free", sha256_hex(spec.seed));
    std::string data;
    for (const std::string& sample : track.samples) {
        data += sample;
    }
    const std::size_t movie_size = movie(track, 0).size();
    const std::size_t offset = head.size() + 8 + (spec.faststart ? movie_size : 0);
    const std::string index = movie(track, offset);
    const std::string body = box("mdat", data);
    return spec.faststart ? head + index + body : head + body + index;
}

}  // namespace reeld::sandbox
