#include "providers/fal/inline_file.hpp"

#include "base/encoding.hpp"

namespace reeld::providers::fal {
namespace {

// A hash or an id is a short text of such digits as well.
constexpr std::size_t encoded_min = 32;

std::optional<InlineFile> file_of(std::optional<std::string> bytes, std::string content_type = {}) {
    if (!bytes || bytes->empty()) return std::nullopt;
    return InlineFile{std::move(*bytes), std::move(content_type)};
}

}  // namespace

std::optional<InlineFile> read_data_url(std::string_view text) {
    constexpr std::string_view scheme = "data:";
    constexpr std::size_t head_max = 256;
    if (!equals_ignoring_case(text.substr(0, scheme.size()), scheme)) return std::nullopt;
    text.remove_prefix(scheme.size());
    const auto comma = text.substr(0, head_max).find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    std::string_view head = text.substr(0, comma);
    const std::string_view data = text.substr(comma + 1);
    constexpr std::string_view mark = ";base64";
    const bool encoded = head.size() >= mark.size() &&
                         equals_ignoring_case(head.substr(head.size() - mark.size()), mark);
    std::string type(head.substr(0, head.find(';')));
    return encoded ? file_of(from_base64url(data), std::move(type))
                   : file_of(percent_decode(data), std::move(type));
}

std::optional<InlineFile> read_encoded(std::string_view text, bool base64) {
    if (text.size() < encoded_min) return std::nullopt;
    // Text that is both is hexadecimal: base64 of a whole file without one letter beyond f is not met.
    if (auto file = file_of(from_hex(text))) return file;
    return base64 ? file_of(from_base64url(text)) : std::nullopt;
}

}  // namespace reeld::providers::fal
