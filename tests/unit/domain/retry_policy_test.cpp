// Waiting before another try.
#include <doctest/doctest.h>

#include "domain/retry_policy.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

TEST_CASE("a hint is waited for, but not longer than a day") {
    CHECK(backoff(2s, 10min, 1, Jitter{0.0}, 30s) == 30s);
    CHECK(backoff(2s, 10min, 1, Jitter{0.0}, Millis::max()) == 24h);
    CHECK(backoff(2s, 10min, 1, Jitter{0.999}, 365 * 24h) < 24h + 1s);
}
