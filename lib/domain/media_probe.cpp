#include "domain/media_probe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "domain/media_source.hpp"

namespace reeld::domain {
namespace {

constexpr std::size_t window_bytes = 64 * 1024;

bool starts_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// Names a text that a server sent in place of media; empty when the bytes are no text.
std::string_view name_of_text(std::string_view head) {
    if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
    while (!head.empty() &&
           (head.front() == ' ' || (head.front() >= '\t' && head.front() <= '\r'))) {
        head.remove_prefix(1);
    }
    if (starts_ignoring_case(head, "<!doctype html") || starts_ignoring_case(head, "<html") ||
        starts_ignoring_case(head, "<head")) {
        return "an HTML page, not media";
    }
    const bool text = std::all_of(head.begin(), head.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 || (byte >= '\t' && byte <= '\r');
    });
    if (!text) return {};
    if (head.empty()) return "nothing but white space, not media";
    if (head.front() == '<') return "an XML document, not media";
    if (head.front() == '{' || head.front() == '[') return "JSON text, not media";
    if (head.starts_with("#EXTM3U")) return "a playlist, not media";
    return clip_utf8(head, head.size()).size() + 4 > head.size() ? "plain text, not media"
                                                                 : std::string_view{};
}

bool is_mpeg_audio(std::string_view head) {
    const auto second = static_cast<unsigned char>(head[1]);
    return head.starts_with("ID3") ||
           (static_cast<unsigned char>(head[0]) == 0xFF && second >= 0xE0);
}

}  // namespace

Result<std::string_view> MediaSource::up_to(std::uint64_t offset, std::size_t count) {
    if (offset >= size_) return std::string_view{};
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - offset));
    const bool held = offset >= window_at_ && offset - window_at_ <= window_.size() &&
                      window_.size() - (offset - window_at_) >= count;
    if (!held) {
        // Small reads move on by jumps, so a window as large as the largest read would be wasted.
        const std::size_t wanted = std::max<std::size_t>(count, 4096);
        window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - offset)));
        window_at_ = offset;
        const auto got = read_(offset, std::span<char>(window_.data(), window_.size()));
        if (!got) {
            window_.clear();
            return got.error();
        }
        window_.resize(std::min(*got, window_.size()));
    }
    const auto skip = static_cast<std::size_t>(offset - window_at_);
    return std::string_view(window_).substr(skip, count);
}

Result<std::string_view> MediaSource::bytes(std::uint64_t offset, std::size_t count) {
    auto got = up_to(offset, std::min(count, window_bytes));
    if (got && got->size() < count) {
        return broken(fmt::format("cut short: byte {} is needed in a file of {}",
                                  offset > UINT64_MAX - count ? offset : offset + count, size_));
    }
    return got;
}

Status probe_no_text(const ReadAt& read, std::uint64_t size) {
    if (size == 0) return broken("an empty file");
    MediaSource source(read, size);
    const auto head = source.up_to(0, 512);
    if (!head) return head.error();
    const std::string_view text = name_of_text(*head);
    return text.empty() ? ok() : Status(broken(std::string(text)));
}

Result<MediaFacts> probe_media(const ReadAt& read, std::uint64_t size) {
    if (size == 0) return broken("an empty file");
    MediaSource source(read, size);
    const auto first = source.up_to(0, 512);
    if (!first) return first.error();
    const std::string head(*first);
    if (const auto text = name_of_text(head); !text.empty()) return broken(std::string(text));
    if (head.size() < 12) return broken(fmt::format("cut short: {} bytes are no media file", size));
    const std::string_view view(head);
    if (view.substr(4, 4) == "ftyp") return probe_bmff(source);
    if (view.starts_with("\x1A\x45\xDF\xA3")) return probe_matroska(source);
    if (view.starts_with("RIFF")) return probe_riff(source);
    if (view.starts_with("OggS")) return probe_ogg(source);
    if (view.starts_with("fLaC")) return probe_flac(source);
    if (view.starts_with("\x89PNG\r\n\x1A\n")) return probe_png(source);
    if (view.starts_with("GIF87a") || view.starts_with("GIF89a")) return probe_gif(source);
    if (view.starts_with("\xFF\xD8\xFF")) return probe_jpeg(source);
    if (is_mpeg_audio(view)) return probe_mpeg_audio(source);
    return broken("no kind of media that is known");
}

}  // namespace reeld::domain
