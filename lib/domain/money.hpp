#pragma once
// What submits cost: set aside at the intent, decided at the end. Amounts are micro-dollars.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeld::domain {

// What became of the money that one submit set aside.
enum class Billing : std::uint8_t {
    none,       // older than the account
    reserved,   // set aside: the submit is on its way, or the provider works on it
    settled,    // the provider told the figure
    estimated,  // it has a result, the provider told no figure: counted by the estimate
    released,   // nothing was made, or the provider bills nothing for it
    possible,   // nobody knows whether it is billed
};
std::string_view to_string(Billing billing);  // "" for none
std::optional<Billing> parse_billing(std::string_view text);

// A word about the money of one submit.
struct Bill {
    int attempt = 0;  // its number; 0: the submit that the event speaks of
    Billing billing = Billing::possible;
    std::optional<std::int64_t> micro_usd{};  // the provider's figure, of `settled`
    friend bool operator==(const Bill&, const Bill&) = default;
};

// The money of a job: the sums over its submits. What is settled or estimated is its cost.
struct Money {
    std::optional<std::int64_t> estimate_micro_usd;  // of one submit; nothing: no price is known
    bool sure = false;                       // the provider's own documents name the price
    std::int64_t reserved_micro_usd = 0;
    std::int64_t by_estimate_micro_usd = 0;  // that part of the cost which no provider told
    std::int64_t possible_micro_usd = 0;     // no part of the cost
    int unpriced = 0;                        // submits that (may) have cost what nobody knows
    friend bool operator==(const Money&, const Money&) = default;
};

// Of many submits: a day, a model, a batch.
struct MoneySum {
    std::int64_t submits = 0;   // settled or estimated, and not for nothing
    std::int64_t unpriced = 0;  // (possibly) billed, at no known price
    std::int64_t reserved_micro_usd = 0;
    std::int64_t settled_micro_usd = 0;
    std::int64_t estimated_micro_usd = 0;
    std::int64_t possible_micro_usd = 0;

    std::int64_t spent() const { return settled_micro_usd + estimated_micro_usd; }
    MoneySum& operator+=(const MoneySum& other);
    friend bool operator==(const MoneySum&, const MoneySum&) = default;
};

// "$0.27", "$0.0105": at least two decimals, no trailing zeros beyond.
std::string dollars(std::int64_t micro_usd);

}  // namespace reeld::domain
