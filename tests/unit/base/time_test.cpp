// Times, durations and sizes as texts.
#include <doctest/doctest.h>

#include "base/time.hpp"

using namespace reeld;
using namespace std::chrono_literals;

TEST_CASE("a time outside the years 1970 to 9999 is refused, also by its offset") {
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == Instant{});
    CHECK(parse_rfc3339("9999-12-31T23:59:59.999Z").has_value());
    CHECK_FALSE(parse_rfc3339("1969-12-31T23:59:59Z"));
    CHECK_FALSE(parse_rfc3339("1970-01-01T00:00:00+01:00"));
    CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:60Z"));
    CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:59-00:01"));
}
