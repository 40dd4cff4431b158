#include "domain/retry_policy.hpp"

#include <algorithm>

namespace reeld::domain {
namespace {

// A wait of nearly nothing would make the jitter a busy loop.
constexpr Millis wait_min{100};
// A hint beyond this is a peer's mistake.
constexpr Millis hint_max{24 * 3'600'000};
// Waiters with the same hint must not come back in one moment.
constexpr Millis hint_spread{1'000};

}  // namespace

Millis backoff(Millis base, Millis max, int failures, Jitter jitter, std::optional<Millis> hint) {
    Millis ceiling = base;
    for (int i = 1; i < failures && ceiling < max; ++i) ceiling *= 2;
    ceiling = std::min(ceiling, max);
    const auto part = [&](Millis whole) {
        return Millis{static_cast<Millis::rep>(jitter.value * static_cast<double>(whole.count()))};
    };
    const Millis wait = std::max(wait_min, part(ceiling));
    return hint ? std::max(wait, std::min(*hint, hint_max) + part(hint_spread)) : wait;
}

}  // namespace reeld::domain
