#include "providers/fal/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

namespace reeld::providers::fal {
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

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that senders may make.
std::optional<std::chrono::sys_seconds> parse_http_date(const std::string& text) {
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    std::tm read{};
    in >> std::get_time(&read, "%a, %d %b %Y %H:%M:%S GMT");
    if (in.fail() || !text.ends_with("GMT")) return std::nullopt;
    using namespace std::chrono;
    const year_month_day date{year{read.tm_year + 1900},
                              month{static_cast<unsigned>(read.tm_mon + 1)},
                              day{static_cast<unsigned>(read.tm_mday)}};
    if (!date.ok()) return std::nullopt;
    return sys_days{date} + hours{read.tm_hour} + minutes{read.tm_min} + seconds{read.tm_sec};
}

}  // namespace

std::optional<Millis> retry_after_of(const Headers& headers) {
    const auto* text = headers.find("Retry-After");
    if (text == nullptr) return std::nullopt;
    if (const auto seconds = parse_seconds(*text)) return *seconds;
    const auto* sent = headers.find("Date");
    const auto until = parse_http_date(*text);
    const auto now = sent == nullptr ? std::nullopt : parse_http_date(*sent);
    if (!until || !now) return std::nullopt;
    return std::clamp(*until - *now, std::chrono::seconds{0}, hint_max);
}

}  // namespace reeld::providers::fal
