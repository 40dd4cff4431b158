#include "domain/account.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::domain {
namespace {

struct Part {
    std::int64_t cost = 0;
    Money money;
};

void add(Part& into, const Attempt& attempt) {
    const bool counts = attempt.billing == Billing::estimated;
    switch (attempt.billing) {
        case Billing::none:
        case Billing::released: break;
        case Billing::reserved:
            into.money.reserved_micro_usd += attempt.reserved_micro_usd.value_or(0);
            break;
        case Billing::settled:
        case Billing::estimated:
            into.cost += attempt.billed_micro_usd.value_or(0);
            into.money.by_estimate_micro_usd += counts ? attempt.billed_micro_usd.value_or(0) : 0;
            into.money.unpriced += counts && !attempt.billed_micro_usd ? 1 : 0;
            break;
        case Billing::possible:
            into.money.possible_micro_usd += attempt.reserved_micro_usd.value_or(0);
            into.money.unpriced += attempt.reserved_micro_usd ? 0 : 1;
            break;
    }
}

Part part_of(const Attempt& attempt) {
    Part part;
    add(part, attempt);
    return part;
}

std::string words(const Attempt& before, const Attempt& after) {
    const auto amount = [](const std::optional<std::int64_t>& micro_usd, std::string_view rest) {
        return micro_usd ? fmt::format("{} {}", dollars(*micro_usd), rest) : std::string();
    };
    switch (after.billing) {
        case Billing::none: return {};
        case Billing::reserved: return amount(after.reserved_micro_usd, "reserved again");
        case Billing::released: return amount(after.reserved_micro_usd, "released");
        case Billing::settled: {
            std::string text = amount(after.billed_micro_usd, "by the provider's figure");
            if (before.billing == Billing::estimated && before.billed_micro_usd) {
                text += fmt::format(", instead of the estimated {}",
                                    dollars(*before.billed_micro_usd));
            }
            return text;
        }
        case Billing::estimated:
            return after.billed_micro_usd ? amount(after.billed_micro_usd, "by the estimate")
                                          : "billed at no known price";
        case Billing::possible:
            return after.reserved_micro_usd ? amount(after.reserved_micro_usd, "may be billed")
                                            : "may be billed, at no known price";
    }
    return {};
}

}  // namespace

std::string reserve(Job& job) {
    if (!job.money) job.money.emplace();
    const auto& estimate = job.money->estimate_micro_usd;
    if (!estimate) return {};
    job.money->reserved_micro_usd += *estimate;
    return dollars(*estimate) + " reserved";
}

std::string enter(Job& job, Attempt& attempt, const Bill& bill) {
    Attempt next = attempt;
    next.billing = bill.billing;
    next.billed_micro_usd.reset();
    if (bill.billing == Billing::settled) next.billed_micro_usd = bill.micro_usd;
    if (bill.billing == Billing::estimated) next.billed_micro_usd = attempt.reserved_micro_usd;
    const bool told = attempt.billing == Billing::settled;
    if (told && bill.billing != Billing::settled && bill.billing != Billing::reserved) return {};
    if (next == attempt) return {};

    const Part old = part_of(attempt);
    const Part now = part_of(next);
    if (!job.money) job.money.emplace();
    Money& money = *job.money;
    money.reserved_micro_usd += now.money.reserved_micro_usd - old.money.reserved_micro_usd;
    money.by_estimate_micro_usd += now.money.by_estimate_micro_usd - old.money.by_estimate_micro_usd;
    money.possible_micro_usd += now.money.possible_micro_usd - old.money.possible_micro_usd;
    money.unpriced += now.money.unpriced - old.money.unpriced;
    if (next.billed_micro_usd || job.cost_micro_usd) {
        job.cost_micro_usd = job.cost_micro_usd.value_or(0) + now.cost - old.cost;
    }
    std::string text = words(attempt, next);
    attempt = std::move(next);
    return text;
}

Money sums_of(std::span<const Attempt> attempts) {
    Part sum;
    for (const Attempt& attempt : attempts) add(sum, attempt);
    return sum.money;
}

std::int64_t cost_of(std::span<const Attempt> attempts) {
    Part sum;
    for (const Attempt& attempt : attempts) add(sum, attempt);
    return sum.cost;
}

bool all_counted(std::span<const Attempt> attempts) {
    return std::none_of(attempts.begin(), attempts.end(),
                        [](const Attempt& a) { return a.billing == Billing::none; });
}

}  // namespace reeld::domain
