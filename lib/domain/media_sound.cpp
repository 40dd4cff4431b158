// Containers other than MP4 that carry sound or video: Matroska, RIFF, Ogg, FLAC, MPEG audio.
#include <fmt/format.h>

#include <array>
#include <bit>

#include "domain/media_source.hpp"

namespace reeld::domain {
namespace {

unsigned byte_of(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

struct Element {
    std::uint64_t id = 0;
    std::uint64_t payload = 0;
    std::uint64_t size = 0;
    bool unknown_size = false;  // up to the end, as live recorders write it
};

// An EBML element: both numbers carry their own length in the leading zero bits.
Result<Element> element_at(MediaSource& source, std::uint64_t at) {
    const auto head = source.up_to(at, 12);
    if (!head) return head.error();
    if (head->size() < 2) return broken(fmt::format("cut short: no element at byte {}", at));
    const auto id_length =
        static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(head->front()))) + 1;
    if (id_length > 4 || head->size() < id_length + 1) {
        return broken(fmt::format("no element name at byte {}", at));
    }
    const unsigned lead = byte_of(*head, id_length);
    const auto length =
        static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(lead))) + 1;
    if (length > 8 || head->size() < id_length + length) {
        return broken(fmt::format("no element size at byte {}", at));
    }
    const std::uint64_t mask = (std::uint64_t{1} << (7 * length)) - 1;
    Element element;
    element.id = big_endian(head->substr(0, id_length));
    element.size = big_endian(head->substr(id_length, length)) & mask;
    element.unknown_size = element.size == mask;
    element.payload = at + id_length + length;
    return element;
}

Result<std::string> matroska_doc_type(MediaSource& source, const Element& header) {
    std::uint64_t at = header.payload;
    for (int i = 0; i < 16 && at < header.payload + header.size; ++i) {
        const auto element = element_at(source, at);
        if (!element) return element.error();
        if (element->id == 0x4282 && element->size <= 32) {
            const auto text =
                source.bytes(element->payload, static_cast<std::size_t>(element->size));
            if (!text) return text.error();
            return std::string(*text);
        }
        if (element->size > 4096) break;
        at = element->payload + element->size;
    }
    return broken("the EBML header names no document type");
}

// Walks the chunks of a RIFF file to the media of `wanted`.
Result<bool> riff_has(MediaSource& source, std::uint64_t end, std::string_view wanted) {
    std::uint64_t at = 12;
    for (int i = 0; i < 1000 && end >= at + 8; ++i) {
        const auto head = source.bytes(at, 8);
        if (!head) return head.error();
        if (head->starts_with(wanted)) return true;
        const std::uint64_t size = little_endian(head->substr(4, 4));
        const std::uint64_t step = 8 + size + (size & 1);
        if (step > end - at) return false;
        at += step;
    }
    return false;
}

std::string_view sound_or_picture(std::string_view page) {
    return page.find("\x80theora") != std::string_view::npos ? "video/ogg" : "audio/ogg";
}

// Bytes of the frame whose header these four bytes are; 0 when they are none. Layer III only is
// measured, the other layers answer 1.
std::uint64_t mpeg_frame_bytes(std::string_view head) {
    constexpr std::array<unsigned, 15> rates1{0,   32,  40,  48,  56,  64,  80, 96,
                                              112, 128, 160, 192, 224, 256, 320};
    constexpr std::array<unsigned, 15> rates2{0,  8,  16, 24,  32,  40,  48, 56,
                                              64, 80, 96, 112, 128, 144, 160};
    constexpr std::array<unsigned, 3> hertz{44100, 48000, 32000};
    if (byte_of(head, 0) != 0xFF || byte_of(head, 1) < 0xE0) return 0;
    const unsigned version = byte_of(head, 1) >> 3 & 3;  // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
    const unsigned layer = byte_of(head, 1) >> 1 & 3;    // 1: layer III
    const unsigned rate = byte_of(head, 2) >> 4;
    const unsigned frequency = byte_of(head, 2) >> 2 & 3;
    if (version == 1 || layer == 0 || rate == 15 || frequency == 3) return 0;
    if (layer != 1 || rate == 0) return 1;
    const unsigned divide = version == 3 ? 1 : version == 2 ? 2 : 4;
    const unsigned kilobits = version == 3 ? rates1[rate] : rates2[rate];
    const unsigned padding = byte_of(head, 2) >> 1 & 1;
    return (version == 3 ? 144'000u : 72'000u) * kilobits / (hertz[frequency] / divide) + padding;
}

bool is_adts(std::string_view head) {
    return byte_of(head, 0) == 0xFF && (byte_of(head, 1) & 0xF6) == 0xF0;
}

}  // namespace

Result<MediaFacts> probe_matroska(MediaSource& source) {
    const auto header = element_at(source, 0);
    if (!header) return header.error();
    if (header->size > 4096) return broken("the EBML header is too large");
    const auto doc_type = matroska_doc_type(source, *header);
    if (!doc_type) return doc_type.error();
    const auto segment = element_at(source, header->payload + header->size);
    if (!segment) return segment.error();
    if (segment->id != 0x18538067) return broken("no segment follows the EBML header");
    if (segment->payload >= source.size() ||
        (!segment->unknown_size && segment->size > source.size() - segment->payload)) {
        return broken(fmt::format("cut short: the segment has {} bytes, in a file of {}",
                                  segment->size, source.size()));
    }
    MediaFacts facts;
    const bool webm = doc_type->starts_with("webm");
    if (!webm && !doc_type->starts_with("matroska"))
        return broken("no kind of media that is known");
    facts.content_type = webm ? "video/webm" : "video/x-matroska";
    return facts;
}

Result<MediaFacts> probe_riff(MediaSource& source) {
    const auto head = source.bytes(0, 12);
    if (!head) return head.error();
    const std::uint64_t claimed = little_endian(head->substr(4, 4));
    const std::string form(head->substr(8, 4));
    const bool streamed = claimed == 0 || claimed == UINT32_MAX;
    if (!streamed && claimed + 8 > source.size()) {
        return broken(fmt::format("cut short: the RIFF data end at byte {} of a file of {}",
                                  claimed + 8, source.size()));
    }
    MediaFacts facts;
    if (form == "WAVE") facts.content_type = "audio/wav";
    if (form == "WEBP") facts.content_type = "image/webp";
    if (form == "AVI ") facts.content_type = "video/x-msvideo";
    if (facts.content_type.empty()) return broken("no kind of media that is known");
    const std::string_view wanted = form == "WAVE" ? "data" : form == "WEBP" ? "VP8" : "LIST";
    const auto found = riff_has(source, streamed ? source.size() : claimed + 8, wanted);
    if (!found) return found.error();
    if (!*found) return broken(fmt::format("the RIFF file has no chunk '{}'", wanted));
    return facts;
}

Result<MediaFacts> probe_ogg(MediaSource& source) {
    // The largest page: 27 bytes, 255 lengths, 255 segments of 255 bytes.
    constexpr std::uint64_t page_bytes_max = 27 + 255 + 255 * 255;
    const auto head = source.up_to(0, 256);
    if (!head) return head.error();
    MediaFacts facts;
    facts.content_type = sound_or_picture(*head);
    const std::uint64_t from = source.size() > page_bytes_max ? source.size() - page_bytes_max : 0;
    const auto end = source.up_to(from, page_bytes_max);
    if (!end) return end.error();
    // A page's data may hold the four letters by chance: any page that ends with the file will do.
    for (std::size_t at = end->rfind("OggS"); at != std::string_view::npos && at < end->size();
         at = at == 0 ? std::string_view::npos : end->rfind("OggS", at - 1)) {
        if (end->size() - at < 27) continue;
        const std::size_t segments = byte_of(*end, at + 26);
        std::size_t length = 27 + segments;
        if (end->size() - at < length) continue;
        for (std::size_t i = 0; i < segments; ++i)
            length += byte_of(*end, at + 27 + i);
        if (at + length == end->size()) return facts;
    }
    return broken(
        fmt::format("cut short: no Ogg page ends with the file of {} bytes", source.size()));
}

Result<MediaFacts> probe_flac(MediaSource& source) {
    const auto info = source.bytes(0, 42);
    if (!info) return info.error();
    if ((byte_of(*info, 4) & 0x7F) != 0)
        return broken("the FLAC file does not begin with its facts");
    const std::uint64_t packed = big_endian(info->substr(18, 8));
    const std::uint64_t hertz = packed >> 44;
    const std::uint64_t samples = packed & 0xFFFFFFFFFull;
    if (hertz == 0) return broken("the FLAC file has a sample rate of 0");
    MediaFacts facts;
    facts.content_type = "audio/flac";
    if (samples > 0) facts.duration_s = static_cast<double>(samples) / static_cast<double>(hertz);
    return facts;
}

Result<MediaFacts> probe_mpeg_audio(MediaSource& source) {
    std::uint64_t at = 0;
    const auto tag = source.bytes(0, 10);
    if (!tag) return tag.error();
    if (tag->starts_with("ID3")) {
        at = 10;
        for (std::size_t i = 6; i < 10; ++i) {
            if (byte_of(*tag, i) > 0x7F) return broken("the ID3 tag has no proper size");
        }
        at += (byte_of(*tag, 6) << 21) + (byte_of(*tag, 7) << 14) + (byte_of(*tag, 8) << 7) +
              byte_of(*tag, 9);
        if ((byte_of(*tag, 5) & 0x10) != 0) at += 10;
    }
    const auto frame = source.bytes(at, 4);
    if (!frame) return frame.error();
    MediaFacts facts;
    if (is_adts(*frame)) {
        facts.content_type = "audio/aac";
        return facts;
    }
    const std::uint64_t length = mpeg_frame_bytes(*frame);
    if (length == 0) return broken("no MPEG audio frame where one must begin");
    if (length > 1) {
        if (source.size() - at < length) return broken("cut short: the first frame is not whole");
        // Two bytes are a weak mark: the next frame must be where the first one ends.
        const auto next = source.up_to(at + length, 4);
        if (!next) return next.error();
        const bool last = next->size() < 4 || next->starts_with("TAG") || next->starts_with("APE");
        if (!last && mpeg_frame_bytes(*next) == 0) {
            return broken("no MPEG audio frame where one must begin");
        }
    }
    facts.content_type = "audio/mpeg";
    return facts;
}

}  // namespace reeld::domain
