#pragma once
// A small but whole MP4, box by box, for tests that cut it and break it.
#include <cstdint>
#include <string>
#include <string_view>

namespace reeld::test {

inline std::string be(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i)
        out.push_back(i < 8 ? static_cast<char>(value >> (8 * i) & 0xFF) : '\0');
    return out;
}

inline std::string box(std::string_view type, std::string_view payload) {
    return be(8 + payload.size(), 4) + std::string(type) + std::string(payload);
}

// The box with a 64-bit size.
inline std::string large_box(std::string_view type, std::string_view payload) {
    return be(1, 4) + std::string(type) + be(16 + payload.size(), 8) + std::string(payload);
}

struct Mp4 {
    std::string brand = "isom";
    std::string handler = "vide";
    int width = 64;
    int height = 48;
    int samples = 8;
    int sample_bytes = 100;
    bool same_size = false;  // one size for all samples in place of a table
    bool co64 = false;
    bool index_last = false;  // mdat before moov
    bool large_mdat = false;
    bool endless_mdat = false;  // size 0: to the end of the file; implies index first

    std::string ftyp() const { return box("ftyp", brand + be(0, 4) + "isom"); }

    std::string mdat() const {
        std::string media;
        for (int i = 0; i < samples * sample_bytes; ++i)
            media.push_back(static_cast<char>(i * 7));
        if (endless_mdat) return be(0, 4) + "mdat" + media;
        return large_mdat ? large_box("mdat", media) : box("mdat", media);
    }

    std::string stbl(std::uint64_t media_at) const {
        std::string sizes;
        for (int i = 0; !same_size && i < samples; ++i) {
            sizes += be(static_cast<std::uint64_t>(sample_bytes), 4);
        }
        const auto one = static_cast<std::uint64_t>(same_size ? sample_bytes : 0);
        const auto half = static_cast<std::uint64_t>(samples / 2);
        const auto chunk_bytes = half * static_cast<std::uint64_t>(sample_bytes);
        const int width_of_offset = co64 ? 8 : 4;
        return box(
            "stbl",
            box("stsz",
                be(0, 4) + be(one, 4) + be(static_cast<std::uint64_t>(samples), 4) + sizes) +
                box("stsc", be(0, 4) + be(1, 4) + be(1, 4) + be(half, 4) + be(1, 4)) +
                box(co64 ? "co64" : "stco", be(0, 4) + be(2, 4) + be(media_at, width_of_offset) +
                                                be(media_at + chunk_bytes, width_of_offset)));
    }

    std::string moov(std::uint64_t media_at) const {
        const std::string mvhd =
            box("mvhd", be(0, 12) + be(1000, 4) + be(2500, 4) + std::string(80, '\0'));
        const std::string tkhd =
            box("tkhd", std::string(76, '\0') + be(static_cast<std::uint64_t>(width), 2) +
                            be(0, 2) + be(static_cast<std::uint64_t>(height), 2) + be(0, 2));
        const std::string mdia =
            box("mdia", box("hdlr", be(0, 8) + handler + be(0, 12)) + box("minf", stbl(media_at)));
        return box("moov", mvhd + box("trak", tkhd + mdia));
    }

    std::string bytes() const {
        const std::uint64_t head = large_mdat ? 16 : 8;
        if (index_last) return ftyp() + mdat() + moov(ftyp().size() + head);
        const std::uint64_t index = moov(0).size();
        return ftyp() + moov(ftyp().size() + index + head) + mdat();
    }

    std::string fragmented() const {
        const std::string mvhd =
            box("mvhd", be(0, 12) + be(1000, 4) + be(0, 4) + std::string(80, '\0'));
        Mp4 none = *this;
        none.samples = 0;
        const std::string empty = box(
            "trak",
            box("mdia", box("hdlr", be(0, 8) + handler + be(0, 12)) + box("minf", none.stbl(0))));
        const std::string fragment = box("moof", box("mfhd", be(0, 8))) + mdat();
        return ftyp() + box("moov", mvhd + empty + box("mvex", "")) + fragment + fragment;
    }
};

}  // namespace reeld::test
