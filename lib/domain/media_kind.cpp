#include "domain/media_kind.hpp"

#include <fmt/format.h>

#include <array>

#include "base/encoding.hpp"
#include "domain/media_source.hpp"

namespace reeld::domain {
namespace {

std::string_view bare(std::string_view content_type) {
    content_type = content_type.substr(0, content_type.find(';'));
    while (content_type.ends_with(' '))
        content_type.remove_suffix(1);
    return content_type;
}

// Containers whose tracks the probes do not read: sound alone looks the same.
bool may_be_sound_alone(std::string_view content_type) {
    return content_type == "video/webm" || content_type == "video/x-matroska";
}

bool keeps(MediaKind promised, std::string_view found) {
    const MediaKind kind = kind_of(found);
    if (promised == MediaKind::any || kind == MediaKind::any || kind == promised) return true;
    return promised == MediaKind::audio && may_be_sound_alone(found);
}

std::string_view with_article(MediaKind kind) {
    switch (kind) {
        case MediaKind::any: return "a file";
        case MediaKind::video: return "a video";
        case MediaKind::audio: return "a sound file";
        case MediaKind::image: return "an image";
    }
    return "";
}

}  // namespace

std::string_view to_string(MediaKind kind) {
    switch (kind) {
        case MediaKind::any: return "";
        case MediaKind::video: return "video";
        case MediaKind::audio: return "audio";
        case MediaKind::image: return "image";
    }
    return "";
}

std::optional<MediaKind> parse_media_kind(std::string_view text) {
    for (const MediaKind kind :
         {MediaKind::any, MediaKind::video, MediaKind::audio, MediaKind::image}) {
        if (to_string(kind) == text) return kind;
    }
    return std::nullopt;
}

MediaKind kind_of(std::string_view content_type) {
    const std::string_view major = content_type.substr(0, content_type.find('/'));
    for (const MediaKind kind : {MediaKind::video, MediaKind::audio, MediaKind::image}) {
        if (equals_ignoring_case(major, to_string(kind))) return kind;
    }
    return MediaKind::any;
}

bool is_raw_sound(std::string_view content_type) {
    static constexpr std::array<std::string_view, 5> raw{"audio/pcm", "audio/x-pcm", "audio/l16",
                                                         "audio/l24", "audio/x-raw"};
    const std::string_view type = bare(content_type);
    for (const std::string_view one : raw) {
        if (equals_ignoring_case(type, one)) return true;
    }
    return false;
}

Result<MediaFacts> probe_promised(const ReadAt& read, std::uint64_t size, MediaKind kind,
                                  std::string_view content_type) {
    auto facts = probe_media(read, size);
    const bool unknown = !facts && facts.error().code() == ErrorCode::corrupt;
    // Samples may begin like any format by chance; only what is whole is believed to be one.
    if (unknown && is_raw_sound(content_type)) {
        if (const auto no_text = probe_no_text(read, size); !no_text) return no_text.error();
        MediaFacts raw;
        raw.content_type = "audio/pcm";
        return raw;
    }
    if (facts && !keeps(kind, facts->content_type)) {
        return broken(fmt::format("{} ({}) where {} was promised",
                                  with_article(kind_of(facts->content_type)), facts->content_type,
                                  with_article(kind)));
    }
    return facts;
}

}  // namespace reeld::domain
