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

TEST_CASE("an instant's text is RFC 3339 in UTC with milliseconds, and reads back") {
    CHECK(to_rfc3339(from_unix_ms(0)) == "1970-01-01T00:00:00.000Z");
    CHECK(to_rfc3339(from_unix_ms(1'709'208'000'007)) == "2024-02-29T12:00:00.007Z");
    for (const std::int64_t ms : {0LL, 1LL, 951'782'399'999LL, 4'102'444'800'000LL}) {
        CHECK(parse_rfc3339(to_rfc3339(from_unix_ms(ms))) == from_unix_ms(ms));
    }
}

TEST_CASE("offsets, fractions, small letters, leap days and leap seconds are understood") {
    const auto noon = parse_rfc3339("2026-11-21T12:00:00Z");
    REQUIRE(noon.has_value());
    for (const char* text :
         {"2026-11-21t12:00:00z", "2026-11-21 12:00:00Z", "2026-11-21T13:30:00+01:30",
          "2026-11-20T22:00:00-14:00", "2026-11-21T12:00:00.000999999Z"}) {
        CAPTURE(text);
        CHECK(parse_rfc3339(text) == noon);
    }
    CHECK(parse_rfc3339("2026-11-21T12:00:00.5Z") == *noon + 500ms);
    CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z"));
    CHECK(parse_rfc3339("2024-02-29T00:00:00Z").has_value());
}

TEST_CASE("what is nearly a time is refused") {
    for (const char* text : {"",
                             "2026",
                             "2026-11-21",
                             "2026-11-21T12:00Z",
                             "2026-11-21T12:00:00",
                             "2026-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-11-31T00:00:00Z",
                             "2026-11-21T24:00:00Z",
                             "2026-11-21T12:60:00Z",
                             "2026-11-21T12:00:61Z",
                             "2026-11-21T12:00:00.Z",
                             "2026-11-21T12:00:00.0000000000Z",
                             "2026-11-21T12:00:00+0100",
                             "2026-11-21T12:00:00+24:00",
                             "2026-11-21T12:00:00Z ",
                             "+026-11-21T12:00:00Z",
                             "2026--1-21T12:00:00Z",
                             "20x6-11-21T12:00:00Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text).has_value());
    }
}

TEST_CASE("durations are a number and one unit") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("30s") == 30s);
    CHECK(parse_duration("15m") == 15min);
    CHECK(parse_duration("2h") == 2h);
    CHECK(parse_duration("7d") == 168h);
    for (const char* text : {"", "s", "30", "-1s", "+1s", " 1s", "1 s", "1S", "1.5s", "1m30s",
                             "99999999999999999999s", "9223372036854775807d"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
    CHECK(format_duration(999ms) == "999ms");
    CHECK(format_duration(90s) == "90s");
    CHECK(format_duration(125s) == "2m05s");
    CHECK(format_duration(26h + 5min) == "26h05m");
    CHECK(format_duration(50h) == "2d02h");
}

TEST_CASE("sizes know decimal and binary units") {
    CHECK(parse_size("512B") == 512u);
    CHECK(parse_size("64KiB") == 65'536u);
    CHECK(parse_size("20MB") == 20'000'000u);
    CHECK(parse_size("2GiB") == 2'147'483'648u);
    for (const char* text : {"", "12", "12 MB", "12mb", "-1B", "1.5GiB", "9999999999TiB"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text).has_value());
    }
    CHECK(format_size(1023) == "1023 B");
    CHECK(format_size(1536) == "1.5 KiB");
    CHECK(format_size(2'147'483'648) == "2.0 GiB");
}

TEST_CASE("an HTTP date is read in its one form") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") ==
          parse_rfc3339("1994-11-06T08:49:37Z"));
    for (const char* text : {"", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT",
                             "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 xNo 1994 08:49:37 GMT"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_http_date(text).has_value());
    }
}
