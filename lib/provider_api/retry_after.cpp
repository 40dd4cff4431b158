#include "provider_api/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace reeld {
namespace {

constexpr std::chrono::seconds hint_max = std::chrono::hours{1};

std::optional<std::chrono::seconds> parse_seconds(const std::string& text) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
        return std::nullopt;
    }
    std::int64_t seconds = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
    // Only a number that is too long can fail here; it asks for more than the limit.
    if (parsed.ec != std::errc{}) return hint_max;
    return std::min(std::chrono::seconds{seconds}, hint_max);
}

}  // namespace

std::optional<Millis> retry_after_of(const Headers& headers, std::optional<Instant> now) {
    const auto* text = headers.find("Retry-After");
    if (text == nullptr) return std::nullopt;
    if (const auto seconds = parse_seconds(*text)) return *seconds;
    if (const auto* sent = headers.find("Date")) now = parse_http_date(*sent);
    const auto until = parse_http_date(*text);
    if (!until || !now) return std::nullopt;
    return std::clamp<Millis>(*until - *now, Millis{0}, hint_max);
}

}  // namespace reeld
