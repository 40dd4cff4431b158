#pragma once
// How long to wait before trying again.
#include <optional>

#include "base/time.hpp"

namespace reeld::domain {

// A drawn random number, 0 <= value < 1: randomness arrives as data.
struct Jitter {
    double value = 0.5;
};

// Exponential backoff with full jitter: somewhere below min(max, base * 2^(failures - 1)), and never
// sooner than the peer's own hint, of which a day counts. `failures` counts from 1.
Millis backoff(Millis base, Millis max, int failures, Jitter jitter,
               std::optional<Millis> hint = std::nullopt);

}  // namespace reeld::domain
