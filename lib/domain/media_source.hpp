#pragma once
// Bounded reading of a file's bytes for the probes: one small window, big and little endian
// numbers.
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/media_probe.hpp"

namespace reeld::domain {

inline std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes)
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

inline std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) {
        value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    }
    return value;
}

// The names of boxes and chunks come from the file, so they may be any bytes.
inline Error broken(std::string message) {
    for (char& c : message) {
        if (c < 0x20 || c > 0x7E) c = '?';
    }
    return Error(ErrorCode::corrupt, std::move(message));
}

class MediaSource {
  public:
    MediaSource(const ReadAt& read, std::uint64_t size) : read_(read), size_(size) {}

    std::uint64_t size() const { return size_; }

    // Exactly `count` bytes (at most 64 KiB), or `corrupt` when the file ends before. The view is
    // valid until the next call.
    Result<std::string_view> bytes(std::uint64_t offset, std::size_t count);
    // As many as there are.
    Result<std::string_view> up_to(std::uint64_t offset, std::size_t count);

  private:
    const ReadAt& read_;
    std::uint64_t size_;
    std::string window_;
    std::uint64_t window_at_ = 0;
};

// `corrupt` for an empty file and for a text that stands in place of media.
Status probe_no_text(const ReadAt& read, std::uint64_t size);

// The probes of one family each; the caller has recognised the family by its first bytes.
Result<MediaFacts> probe_bmff(MediaSource& source);
Result<MediaFacts> probe_matroska(MediaSource& source);
Result<MediaFacts> probe_riff(MediaSource& source);
Result<MediaFacts> probe_ogg(MediaSource& source);
Result<MediaFacts> probe_flac(MediaSource& source);
Result<MediaFacts> probe_mpeg_audio(MediaSource& source);
Result<MediaFacts> probe_png(MediaSource& source);
Result<MediaFacts> probe_jpeg(MediaSource& source);
Result<MediaFacts> probe_gif(MediaSource& source);

}  // namespace reeld::domain
