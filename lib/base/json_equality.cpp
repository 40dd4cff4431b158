#include "base/json_equality.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reeld {
namespace {

// Integers exactly, whole doubles among them; other doubles with the few last bits that parsers of
// decimals differ in.
bool same_number(const json::value& a, const json::value& b) {
    const auto whole = [](const json::value& value) -> std::optional<std::int64_t> {
        if (const auto* number = value.if_int64()) return *number;
        if (const auto* number = value.if_double()) {
            constexpr double limit = 9.2e18;
            if (*number == std::trunc(*number) && std::fabs(*number) < limit) {
                return static_cast<std::int64_t>(*number);
            }
        }
        return std::nullopt;
    };
    if (a.is_uint64() && b.is_uint64()) return a.get_uint64() == b.get_uint64();
    const auto x = whole(a);
    const auto y = whole(b);
    if (x && y) return *x == *y;
    if (x || y) return false;
    const double p = a.to_number<double>();
    const double q = b.to_number<double>();
    constexpr double last_bits = 4 * std::numeric_limits<double>::epsilon();
    return std::fabs(p - q) <= last_bits * std::max(std::fabs(p), std::fabs(q));
}

bool same_members(const json::object& a, const json::object& b) {
    if (a.size() != b.size()) return false;
    return std::all_of(a.begin(), a.end(), [&](const auto& member) {
        const json::value* other = b.if_contains(member.key());
        return other != nullptr && same_value(member.value(), *other);
    });
}

}  // namespace

bool same_value(const json::value& a, const json::value& b) {
    if (a.is_number() && b.is_number()) return same_number(a, b);
    if (a.kind() != b.kind()) return false;
    if (a.is_object()) return same_members(a.get_object(), b.get_object());
    if (a.is_array()) {
        return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(),
                          b.get_array().end(), &same_value);
    }
    return a == b;
}

bool same_json(std::string_view a, std::string_view b) {
    if (a == b) return !a.empty();
    const auto x = parse_json(a);
    const auto y = parse_json(b);
    return x && y && same_value(*x, *y);
}

}  // namespace reeld
