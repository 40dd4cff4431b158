#pragma once
// Points in time and their texts. Wall-clock instants are whole milliseconds since 1970 UTC, in the
// database as integers, in JSON as RFC 3339 text with milliseconds.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeld {

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Millis>;

constexpr std::int64_t to_unix_ms(Instant at) { return at.time_since_epoch().count(); }
constexpr Instant from_unix_ms(std::int64_t ms) { return Instant{Millis{ms}}; }

// 2026-11-21T08:00:00.000Z
std::string to_rfc3339(Instant at);
// 2026-11-21, by UTC.
std::string utc_day(Instant at);
// Accepts any offset and 0 to 9 fractional digits; years 1970 to 9999.
std::optional<Instant> parse_rfc3339(std::string_view text);
// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that HTTP senders may make (RFC 9110 section 5.6.7).
std::optional<Instant> parse_http_date(std::string_view text);

// "250ms", "30s", "15m", "2h", "7d"; a number and one unit, no sign, no space.
std::optional<Millis> parse_duration(std::string_view text);
std::string format_duration(Millis duration);

// "512B", "64KiB", "20MB", "2GiB" and so on, in bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

}  // namespace reeld
