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

TEST_CASE("waits stay within their bounds and double up to the longest") {
    for (int failures = 1; failures < 80; ++failures) {
        CAPTURE(failures);
        const Millis least = backoff(2s, 10min, failures, Jitter{0.0});
        const Millis most = backoff(2s, 10min, failures, Jitter{0.999999});
        CHECK(least == 100ms);
        CHECK(most < 10min);
        const Millis ceiling = failures < 10 ? Millis{2s} * (1 << (failures - 1)) : Millis{10min};
        CHECK(most >= std::min(ceiling, Millis{10min}) - 2ms);
        CHECK(most <= ceiling);
    }
}

TEST_CASE("a base beyond the longest wait, nothing or nonsense gives a wait all the same") {
    CHECK(backoff(1h, 10min, 1, Jitter{0.5}) == 5min);
    CHECK(backoff(0s, 10min, 60, Jitter{0.9}) == 100ms);
    CHECK(backoff(2s, 10min, 0, Jitter{0.5}) == 1s);
    CHECK(backoff(2s, 10min, -3, Jitter{0.5}) == 1s);
}

TEST_CASE("waiters with one hint come back apart, and none before it") {
    CHECK(backoff(2s, 10min, 1, Jitter{0.0}, 30s) == 30s);
    CHECK(backoff(2s, 10min, 1, Jitter{0.5}, 30s) == 30s + 500ms);
    CHECK(backoff(2s, 10min, 9, Jitter{0.5}, 1s) == backoff(2s, 10min, 9, Jitter{0.5}));
}
