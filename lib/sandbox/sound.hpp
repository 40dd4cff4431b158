#pragma once
// Small, real, playable sound files and pictures, made without an encoder.
#include <cstdint>
#include <string>
#include <string_view>

namespace reeld::sandbox {

struct SoundSpec {
    std::string_view seed;      // the tone and the file's bytes follow from it
    std::string format = "mp3";  // mp3, flac, wav, pcm (16 bits, little endian)
    unsigned sample_rate = 32'000;
    unsigned bitrate = 128'000;  // of mp3
    unsigned milliseconds = 1'000;
};

// One channel. The MP3 file is silent: whole frames without sound are the only ones that need no
// encoder.
std::string make_sound(const SoundSpec& spec);

// A PNG file of one colour, which follows from the seed.
std::string make_png(std::string_view seed, unsigned width, unsigned height);

}  // namespace reeld::sandbox
