#include "sandbox/sound.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace reeld::sandbox {

namespace {

using Samples = std::vector<std::int16_t>;

std::string little(std::uint64_t value, unsigned bytes) {
    std::string out;
    for (unsigned i = 0; i < bytes; ++i)
        out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
    return out;
}

std::string big(std::uint64_t value, unsigned bytes) {
    std::string out;
    for (unsigned i = bytes; i > 0; --i)
        out.push_back(static_cast<char>(value >> (8 * (i - 1)) & 0xFF));
    return out;
}

unsigned byte_of(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

std::string digest_of(std::string_view seed) {
    return from_hex(sha256_hex(seed)).value();
}

Samples tone(const SoundSpec& spec) {
    const double hertz = 200.0 + 4.0 * byte_of(digest_of(spec.seed), 0);
    const auto count = static_cast<std::size_t>(std::uint64_t{spec.sample_rate} *
                                                spec.milliseconds / 1000);
    Samples samples(count);
    for (std::size_t i = 0; i < count; ++i) {
        const double turn = static_cast<double>(i) * hertz / spec.sample_rate;
        samples[i] = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * turn));
    }
    return samples;
}

std::string make_pcm(const Samples& samples) {
    std::string out;
    out.reserve(samples.size() * 2);
    for (const std::int16_t sample : samples)
        out += little(static_cast<std::uint16_t>(sample), 2);
    return out;
}

std::string make_wav(const SoundSpec& spec) {
    const std::string data = make_pcm(tone(spec));
    const std::string format = little(1, 2) + little(1, 2) + little(spec.sample_rate, 4) +
                               little(spec.sample_rate * 2, 4) + little(2, 2) + little(16, 2);
    return "RIFF" + little(36 + data.size(), 4) + "WAVEfmt " + little(16, 4) + format + "data" +
           little(data.size(), 4) + data;
}

unsigned crc8(std::string_view bytes) {
    unsigned crc = 0;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int i = 0; i < 8; ++i)
            crc = (crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1) & 0xFF;
    }
    return crc;
}

unsigned crc16(std::string_view bytes) {
    unsigned crc = 0;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
        for (int i = 0; i < 8; ++i)
            crc = (crc & 0x8000 ? crc << 1 ^ 0x8005 : crc << 1) & 0xFFFF;
    }
    return crc;
}

// A frame's number, in the bytes of UTF-8.
std::string flac_number(unsigned number) {
    if (number < 0x80) return std::string(1, static_cast<char>(number));
    if (number < 0x800) return big(0xC080 | (number & 0x7C0) << 2 | (number & 0x3F), 2);
    return big(0xE08080 | (number & 0xF000) << 4 | (number & 0xFC0) << 2 | (number & 0x3F), 3);
}

// Verbatim samples: larger than need be, and right.
std::string make_flac(const SoundSpec& spec) {
    constexpr std::size_t block = 4096;
    const Samples samples = tone(spec);
    const std::uint64_t facts = std::uint64_t{spec.sample_rate} << 44 | std::uint64_t{15} << 36 |
                                samples.size();
    std::string out = "fLaC" + big(0x80, 1) + big(34, 3) + big(block, 2) + big(block, 2) +
                      big(0, 3) + big(0, 3) + big(facts, 8) + std::string(16, '\0');
    unsigned number = 0;
    for (std::size_t at = 0; at < samples.size(); at += block) {
        const std::size_t count = std::min(block, samples.size() - at);
        std::string frame = big(0xFFF8, 2) + big(0x70, 1) + big(0x08, 1) + flac_number(number++) +
                            big(count - 1, 2);
        frame += big(crc8(frame), 1) + big(0x02, 1);
        for (std::size_t i = at; i < at + count; ++i)
            frame += big(static_cast<std::uint16_t>(samples[i]), 2);
        out += frame + big(crc16(frame), 2);
    }
    return out;
}

// Frames whose side information says that nothing sounds; what follows it is not looked at, and holds
// the seed.
std::string make_mp3(const SoundSpec& spec) {
    static constexpr std::array<std::array<unsigned, 3>, 3> hertz{
        {{44'100, 48'000, 32'000}, {22'050, 24'000, 16'000}, {11'025, 12'000, 8'000}}};
    static constexpr std::array<unsigned, 3> versions{0xFB, 0xF3, 0xE3};
    unsigned family = 0;
    unsigned rate = 2;
    for (unsigned i = 0; i < 9; ++i) {
        if (hertz[i / 3][i % 3] == spec.sample_rate) family = i / 3, rate = i % 3;
    }
    const bool first = family == 0;
    const unsigned sample_rate = hertz[family][rate];
    const unsigned asked = spec.bitrate;
    const unsigned bitrate = asked == 32'000 || asked == 64'000 || asked == 128'000 ? asked
                             : first && asked == 256'000                          ? asked
                                                                                  : 128'000;
    const unsigned index = bitrate == 32'000   ? (first ? 1u : 4u)
                           : bitrate == 64'000 ? (first ? 5u : 8u)
                           : bitrate == 256'000 ? 13u
                                                : (first ? 9u : 12u);
    const std::size_t length = (first ? 144u : 72u) * bitrate / sample_rate;
    const std::size_t side = first ? 17 : 9;
    std::string frame = big(0xFF, 1) + big(versions[family], 1) + big(index << 4 | rate << 2, 1) +
                        big(0xC0, 1) + std::string(side, '\0');
    const std::string mark = sha256_hex(spec.seed);
    while (frame.size() < length)
        frame += mark;
    frame.resize(length);
    const std::uint64_t samples = std::uint64_t{sample_rate} * spec.milliseconds / 1000;
    const std::uint64_t frames = samples / (first ? 1152 : 576) + 1;
    std::string out;
    for (std::uint64_t i = 0; i < frames; ++i)
        out += frame;
    return out;
}

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int i = 0; i < 8; ++i)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    return ~crc;
}

std::uint32_t adler32(std::string_view bytes) {
    std::uint32_t low = 1;
    std::uint32_t high = 0;
    for (const char c : bytes) {
        low = (low + static_cast<unsigned char>(c)) % 65'521;
        high = (high + low) % 65'521;
    }
    return high << 16 | low;
}

std::string chunk(const std::string& type, const std::string& content) {
    return big(content.size(), 4) + type + content + big(crc32(type + content), 4);
}

// zlib's frame around blocks that are not compressed.
std::string deflate_stored(const std::string& bytes) {
    constexpr std::size_t block = 65'535;
    std::string out = "\x78\x01";
    for (std::size_t at = 0; at < bytes.size(); at += block) {
        const std::string part = bytes.substr(at, block);
        const bool last = at + block >= bytes.size();
        out += big(last ? 1 : 0, 1) + little(part.size(), 2) + little(~part.size() & 0xFFFF, 2) + part;
    }
    return out + big(adler32(bytes), 4);
}

}  // namespace

std::string make_sound(const SoundSpec& spec) {
    if (spec.format == "pcm") return make_pcm(tone(spec));
    if (spec.format == "wav") return make_wav(spec);
    if (spec.format == "flac") return make_flac(spec);
    return make_mp3(spec);
}

std::string make_png(std::string_view seed, unsigned width, unsigned height) {
    const std::string colour = digest_of(seed).substr(0, 3);
    std::string row(1, '\0');
    for (unsigned i = 0; i < width; ++i)
        row += colour;
    std::string picture;
    for (unsigned i = 0; i < height; ++i)
        picture += row;
    const std::string header = big(width, 4) + big(height, 4) + std::string("\x08\x02\0\0\0", 5);
    return "\x89PNG\r\n\x1A\n" + chunk("IHDR", header) + chunk("IDAT", deflate_stored(picture)) +
           chunk("IEND", {});
}

}  // namespace reeld::sandbox
