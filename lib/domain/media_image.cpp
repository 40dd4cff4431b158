// Still pictures: PNG, JPEG, GIF.
#include <fmt/format.h>

#include "domain/media_source.hpp"

namespace reeld::domain {
namespace {

constexpr int chunks_max = 65'536;

// Sides of a picture are 32-bit numbers at most, and never negative.
std::optional<int> side(std::uint64_t value) {
    if (value == 0 || value > 0x7FFFFFFF) return std::nullopt;
    return static_cast<int>(value);
}

Error cut(std::string_view what, std::uint64_t size) {
    return broken(fmt::format("cut short: {} is missing, in a file of {} bytes", what, size));
}

bool is_frame_header(unsigned marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// The offset of the picture's own data, behind the segments that may hold a thumbnail.
Result<std::uint64_t> jpeg_scan(MediaSource& source, MediaFacts& facts) {
    std::uint64_t at = 2;
    for (int i = 0; i < chunks_max; ++i) {
        const auto head = source.bytes(at, 4);
        if (!head) return head.error();
        if (static_cast<unsigned char>(head->front()) != 0xFF) {
            return broken(fmt::format("no JPEG marker at byte {}", at));
        }
        const unsigned marker = static_cast<unsigned char>((*head)[1]);
        if (marker == 0xFF) {  // a fill byte
            ++at;
            continue;
        }
        const std::uint64_t length = big_endian(head->substr(2, 2));
        if (length < 2) return broken(fmt::format("no JPEG segment at byte {}", at));
        if (is_frame_header(marker)) {
            const auto frame = source.bytes(at + 5, 4);
            if (!frame) return frame.error();
            facts.height = side(big_endian(frame->substr(0, 2)));
            facts.width = side(big_endian(frame->substr(2, 2)));
        }
        at += 2 + length;
        if (marker == 0xDA) return at;
    }
    return broken("too many JPEG segments");
}

}  // namespace

Result<MediaFacts> probe_png(MediaSource& source) {
    MediaFacts facts;
    facts.content_type = "image/png";
    std::uint64_t at = 8;
    for (int i = 0; i < chunks_max; ++i) {
        if (source.size() - at < 12) return cut("the end chunk 'IEND'", source.size());
        const auto head = source.bytes(at, 8);
        if (!head) return head.error();
        const std::uint64_t length = big_endian(head->substr(0, 4));
        const std::string type(head->substr(4, 4));
        if (length > source.size() - at - 12) {
            return broken(
                fmt::format("cut short: the chunk '{}' at byte {} has {} bytes, in a file of {}",
                            type, at, length, source.size()));
        }
        if (i == 0) {
            if (type != "IHDR" || length < 8) return broken("the PNG file has no header");
            const auto sides = source.bytes(at + 8, 8);
            if (!sides) return sides.error();
            facts.width = side(big_endian(sides->substr(0, 4)));
            facts.height = side(big_endian(sides->substr(4, 4)));
        }
        if (type == "IEND") return facts;
        at += 12 + length;
    }
    return broken("too many PNG chunks");
}

Result<MediaFacts> probe_jpeg(MediaSource& source) {
    constexpr std::uint64_t end_bytes = 4096;
    MediaFacts facts;
    facts.content_type = "image/jpeg";
    const auto scan = jpeg_scan(source, facts);
    if (!scan) return scan.error();
    if (*scan >= source.size()) return cut("the picture itself", source.size());
    // Picture data never hold this mark by chance; what follows it (padding, notes) is short.
    const std::uint64_t from =
        source.size() - *scan > end_bytes ? source.size() - end_bytes : *scan;
    const auto end = source.up_to(from, end_bytes);
    if (!end) return end.error();
    if (end->rfind("\xFF\xD9") == std::string_view::npos) return cut("the end mark", source.size());
    return facts;
}

Result<MediaFacts> probe_gif(MediaSource& source) {
    const auto head = source.bytes(0, 10);
    if (!head) return head.error();
    MediaFacts facts;
    facts.content_type = "image/gif";
    facts.width = side(little_endian(head->substr(6, 2)));
    facts.height = side(little_endian(head->substr(8, 2)));
    const std::uint64_t from = source.size() > 64 ? source.size() - 64 : 0;
    const auto end = source.up_to(from, 64);
    if (!end) return end.error();
    const std::size_t last = end->find_last_not_of('\0');
    if (last == std::string_view::npos || (*end)[last] != ';')
        return cut("the end mark", source.size());
    return facts;
}

}  // namespace reeld::domain
