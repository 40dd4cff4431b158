#pragma once
// Is this file the media it should be? Reads the container's structure, decodes nothing.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"

namespace reeld::domain {

// Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, std::span<char> out)>;

struct MediaFacts {
    std::string content_type;             // from the bytes: video/mp4, audio/mpeg, image/png …
    std::optional<double> duration_s;
    std::optional<int> width;
    std::optional<int> height;
};

// An error of code `corrupt` says what is wrong in words: "an HTML page, not a video", "cut short:
// the box 'mdat' ends at byte 1834211 of a file of 900000".
Result<MediaFacts> probe_media(const ReadAt& read, std::uint64_t size);

}  // namespace reeld::domain
