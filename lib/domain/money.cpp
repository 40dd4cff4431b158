#include "domain/money.hpp"

#include <fmt/format.h>

#include <array>

namespace reeld::domain {
namespace {

constexpr std::array<std::string_view, 6> names{"",          "reserved", "settled",
                                                "estimated", "released", "possible"};

}  // namespace

std::string_view to_string(Billing billing) { return names[static_cast<std::size_t>(billing)]; }

std::optional<Billing> parse_billing(std::string_view text) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == text) return static_cast<Billing>(i);
    }
    return std::nullopt;
}

MoneySum& MoneySum::operator+=(const MoneySum& other) {
    submits += other.submits;
    unpriced += other.unpriced;
    reserved_micro_usd += other.reserved_micro_usd;
    settled_micro_usd += other.settled_micro_usd;
    estimated_micro_usd += other.estimated_micro_usd;
    possible_micro_usd += other.possible_micro_usd;
    return *this;
}

std::string dollars(std::int64_t micro_usd) {
    std::string text = fmt::format("${}.{:06}", micro_usd / 1'000'000, micro_usd % 1'000'000);
    while (text.ends_with('0') && text.size() - text.find('.') > 3) text.pop_back();
    return text;
}

}  // namespace reeld::domain
