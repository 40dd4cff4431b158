#include "sandbox/media.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/crypto.hpp"

namespace reeld::sandbox {

namespace {

struct Range {
    std::size_t first, last;  // both included
};

std::optional<std::size_t> read_number(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

enum class Asked { everything, part, impossible };

// A malformed or multiple range is ignored, as RFC 9110 allows.
Asked read_range(std::string_view text, std::size_t size, Range& range) {
    constexpr std::string_view unit = "bytes=";
    const auto dash = text.find('-');
    if (!text.starts_with(unit) || dash == text.npos || text.find(',') != text.npos) {
        return Asked::everything;
    }
    const std::string_view from = text.substr(unit.size(), dash - unit.size());
    const auto first = read_number(from);
    const auto last = read_number(text.substr(dash + 1));
    if (from.empty()) {
        if (!last) return Asked::everything;
        if (*last == 0 || size == 0) return Asked::impossible;
        range = {size - std::min(*last, size), size - 1};
        return Asked::part;
    }
    if (!first || (!last && dash + 1 != text.size()) || (last && *last < *first)) {
        return Asked::everything;
    }
    if (*first >= size) return Asked::impossible;
    range = {*first, std::min(last.value_or(size - 1), size - 1)};
    return Asked::part;
}

}  // namespace

Answer serve_bytes(std::string bytes, const std::string& content_type, const Headers& request,
                   bool ignore_range) {
    Answer answer;
    const std::string tag = "\"" + sha256_hex(bytes).substr(0, 32) + "\"";
    answer.headers.add("Content-Type", content_type);
    answer.headers.add("ETag", tag);
    if (!ignore_range) answer.headers.add("Accept-Ranges", "bytes");
    const std::string* asked = request.find("range");
    const std::string* condition = request.find("if-range");
    Range range{};
    auto wish = Asked::everything;
    if (asked != nullptr && !ignore_range && (condition == nullptr || *condition == tag)) {
        wish = read_range(*asked, bytes.size(), range);
    }
    if (wish == Asked::everything) {
        answer.body = std::move(bytes);
        return answer;
    }
    if (wish == Asked::impossible) {
        answer.status = 416;
        answer.headers.add("Content-Range", fmt::format("bytes */{}", bytes.size()));
        return answer;
    }
    answer.status = 206;
    answer.headers.add("Content-Range",
                       fmt::format("bytes {}-{}/{}", range.first, range.last, bytes.size()));
    answer.body = bytes.substr(range.first, range.last - range.first + 1);
    return answer;
}

}  // namespace reeld::sandbox
