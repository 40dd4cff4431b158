#pragma once
// What a file was promised to be, and whether its bytes keep the promise.
#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/media_probe.hpp"

namespace reeld::domain {

enum class MediaKind : std::uint8_t {
    any,  // nothing was promised
    video,
    audio,
    image,
};

std::string_view to_string(MediaKind kind);  // "" for any
std::optional<MediaKind> parse_media_kind(std::string_view text);

// Of a content type; any for application/…, text/… and nothing.
MediaKind kind_of(std::string_view content_type);

// Sound without a container: samples one after the other, recognisable by nothing.
bool is_raw_sound(std::string_view content_type);

// As probe_media(), and `corrupt` as well for whole media of another kind. Raw sound, when promised,
// is everything but nothing and text; its type is audio/pcm then.
Result<MediaFacts> probe_promised(const ReadAt& read, std::uint64_t size, MediaKind kind,
                                  std::string_view content_type);

}  // namespace reeld::domain
