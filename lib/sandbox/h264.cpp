#include "sandbox/h264.hpp"

#include <string_view>

namespace reeld::sandbox {

namespace {

constexpr unsigned frame_num_bits = 8;
constexpr std::uint8_t profile_baseline = 66;
constexpr std::uint8_t constrained = 0xC0;
constexpr std::uint8_t level_1_1 = 11;
constexpr unsigned type_pcm = 25;

class BitWriter {
  public:
    void bits(std::uint32_t value, unsigned count) {
        while (count > 0) {
            --count;
            bit(((value >> count) & 1U) != 0);
        }
    }
    // Unsigned Exp-Golomb.
    void ue(std::uint32_t value) {
        const std::uint32_t code = value + 1;
        unsigned length = 0;
        while ((code >> length) > 1) {
            ++length;
        }
        bits(0, length);
        bits(code, length + 1);
    }
    void align() {
        while (used_ != 0) {
            bit(false);
        }
    }
    void byte_run(std::uint8_t value, std::size_t count) {
        bytes_.append(count, static_cast<char>(value));
    }
    std::string finish() {
        bit(true);
        align();
        return std::move(bytes_);
    }

  private:
    void bit(bool one) {
        if (used_ == 0) bytes_.push_back('\0');
        const unsigned mask = one ? 0x80U >> used_ : 0U;
        bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | mask);
        used_ = (used_ + 1) % 8;
    }

    std::string bytes_;
    unsigned used_ = 0;
};

std::string unit(std::uint8_t head, std::string_view payload) {
    return std::string(1, static_cast<char>(head)) + h264_escape(payload);
}

// A row of one colour, so each sample row of a macroblock is the same run.
void write_block(BitWriter& out, const Colour& colour) {
    out.ue(type_pcm);
    out.align();
    out.byte_run(colour.y, 256);
    out.byte_run(colour.cb, 64);
    out.byte_run(colour.cr, 64);
}

}  // namespace

std::string h264_escape(std::string_view payload) {
    std::string out;
    out.reserve(payload.size() + 8);
    int zeros = 0;
    for (const char c : payload) {
        if (zeros >= 2 && static_cast<unsigned char>(c) <= 3) {
            out.push_back('\x03');
            zeros = 0;
        }
        out.push_back(c);
        zeros = c == '\0' ? zeros + 1 : 0;
    }
    return out;
}

std::string h264_sps(unsigned columns, unsigned rows) {
    BitWriter out;
    out.bits(profile_baseline, 8);
    out.bits(constrained, 8);
    out.bits(level_1_1, 8);
    out.ue(0);  // its id
    out.ue(frame_num_bits - 4);
    out.ue(2);       // output order is decoding order
    out.ue(1);       // one reference picture
    out.bits(0, 1);  // no gaps in frame_num
    out.ue(columns - 1);
    out.ue(rows - 1);
    out.bits(0b1100, 4);  // frames only, direct 8x8, no cropping, no VUI
    return unit(0x67, out.finish());
}

std::string h264_pps() {
    BitWriter out;
    out.ue(0);       // its id
    out.ue(0);       // the SPS
    out.bits(0, 2);  // CAVLC, no field order
    out.ue(0);       // one slice group
    out.ue(0);       // one reference in each list
    out.ue(0);
    out.bits(0, 3);  // no weighted prediction
    out.ue(0);       // QP as it comes, three times
    out.ue(0);
    out.ue(0);
    out.bits(0b100, 3);  // slices say whether they deblock
    return unit(0x68, out.finish());
}

std::string h264_idr(const Picture& picture, unsigned group) {
    BitWriter out;
    out.ue(0);  // first macroblock
    out.ue(7);  // every slice is I
    out.ue(0);  // the PPS
    out.bits(0, frame_num_bits);
    out.ue(group % 2);  // neighbours must differ
    out.bits(0, 2);     // keep nothing special
    out.ue(0);          // QP unchanged
    out.ue(1);          // no deblocking: samples stay as written
    for (const Colour& colour : picture.blocks) {
        write_block(out, colour);
    }
    return unit(0x65, out.finish());
}

std::string h264_repeat(unsigned columns, unsigned rows, unsigned n) {
    BitWriter out;
    out.ue(0);  // first macroblock
    out.ue(5);  // every slice is P
    out.ue(0);  // the PPS
    out.bits(n & ((1U << frame_num_bits) - 1), frame_num_bits);
    out.bits(0, 3);          // default references, sliding window
    out.ue(0);               // QP unchanged
    out.ue(1);               // no deblocking
    out.ue(columns * rows);  // skip them all
    return unit(0x41, out.finish());
}

}  // namespace reeld::sandbox
