#pragma once
// The least of H.264 that every decoder plays: pictures of raw samples, and pictures that repeat
// the one before.
#include <cstdint>
#include <string>
#include <vector>

namespace reeld::sandbox {

// Whole macroblocks of one picture: a flat colour for each, row by row.
struct Colour {
    std::uint8_t y = 16, cb = 128, cr = 128;
};
struct Picture {
    unsigned columns = 4;  // macroblocks of 16 samples
    unsigned rows = 4;
    std::vector<Colour> blocks;  // columns * rows
};

// NAL units without start code or length; `group` numbers the IDR pictures.
std::string h264_sps(unsigned columns, unsigned rows);
std::string h264_pps();
std::string h264_idr(const Picture& picture, unsigned group);
// The n-th picture after an IDR (n from 1): shows the picture before it again.
std::string h264_repeat(unsigned columns, unsigned rows, unsigned n);

// Inserts the emulation prevention bytes: 00 00 0x becomes 00 00 03 0x.
std::string h264_escape(std::string_view payload);

}  // namespace reeld::sandbox
