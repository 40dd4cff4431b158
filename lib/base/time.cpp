#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace reeld {
namespace {

// Reads exactly `width` digits at the front of `text` and drops them.
std::optional<int> take_digits(std::string_view& text, std::size_t width) {
    if (text.size() < width) return std::nullopt;
    int value = 0;
    const auto* end = text.data() + width;
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || at != end || text.front() == '-') return std::nullopt;
    text.remove_prefix(width);
    return value;
}

bool take(std::string_view& text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Millis> take_fraction(std::string_view& text) {
    if (!take(text, '.')) return Millis{0};
    int digits = 0;
    int millis = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        if (digits < 3) millis = millis * 10 + (text.front() - '0');
        ++digits;
        text.remove_prefix(1);
    }
    if (digits == 0 || digits > 9) return std::nullopt;
    for (; digits < 3; ++digits) millis *= 10;
    return Millis{millis};
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
    if (take(text, 'Z') || take(text, 'z')) return std::chrono::minutes{0};
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto hours = take_digits(text, 2);
    if (!hours || !take(text, ':')) return std::nullopt;
    const auto minutes = take_digits(text, 2);
    if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return std::chrono::minutes{sign * (*hours * 60 + *minutes)};
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

std::optional<std::uint64_t> parse_with_unit(std::string_view text, const Unit* first,
                                             const Unit* last) {
    std::uint64_t number = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view name(at, static_cast<std::size_t>(text.data() + text.size() - at));
    for (const Unit* unit = first; unit != last; ++unit) {
        if (unit->name != name) continue;
        constexpr std::uint64_t limit = std::uint64_t{1} << 62;
        if (number > limit / unit->factor) return std::nullopt;
        return number * unit->factor;
    }
    return std::nullopt;
}

constexpr std::array<Unit, 5> duration_units{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 9> size_units{{{"B", 1},
                                          {"KB", 1000},
                                          {"MB", 1000'000},
                                          {"GB", 1000'000'000},
                                          {"TB", 1000'000'000'000},
                                          {"KiB", 1ull << 10},
                                          {"MiB", 1ull << 20},
                                          {"GiB", 1ull << 30},
                                          {"TiB", 1ull << 40}}};

}  // namespace

std::string to_rfc3339(Instant at) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{at - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int{date.year()},
                       unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::string utc_day(Instant at) { return to_rfc3339(at).substr(0, 10); }

std::optional<Instant> parse_rfc3339(std::string_view text) {
    const auto year = take_digits(text, 4);
    if (!year || *year < 1970 || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
    const auto hour = take_digits(text, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || !take(text, ':')) return std::nullopt;
    const auto second = take_digits(text, 2);
    if (!second) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    // A leap second (60) is taken as the next minute's first.
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    const Instant at = Instant{std::chrono::sys_days{date}} + std::chrono::hours{*hour} +
                       std::chrono::minutes{*minute} + std::chrono::seconds{*second} + *fraction -
                       *offset;
    // An offset can lead out of the years that can be written again.
    constexpr Instant end{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1}};
    if (at < Instant{} || at >= end) return std::nullopt;
    return at;
}

std::optional<Instant> parse_http_date(std::string_view text) {
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
    const auto month = months.find(text.substr(8, 3));
    if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
    return parse_rfc3339(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1,
                                     text.substr(5, 2), text.substr(17, 8)));
}

std::optional<Millis> parse_duration(std::string_view text) {
    const auto ms = parse_with_unit(text, duration_units.data(),
                                    duration_units.data() + duration_units.size());
    if (!ms) return std::nullopt;
    return Millis{static_cast<Millis::rep>(*ms)};
}

std::string format_duration(Millis duration) {
    const auto ms = duration.count();
    if (ms < 1000) return fmt::format("{}ms", ms);
    const auto s = ms / 1000;
    if (s < 120) return fmt::format("{}s", s);
    if (s < 2 * 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
    if (s < 48 * 3600) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
    return fmt::format("{}d{:02}h", s / 86400, s / 3600 % 24);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    return parse_with_unit(text, size_units.data(), size_units.data() + size_units.size());
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    std::size_t step = 0;
    while (value >= 1024 && step + 1 < names.size()) {
        value /= 1024;
        ++step;
    }
    return step == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, names[step]);
}

}  // namespace reeld
