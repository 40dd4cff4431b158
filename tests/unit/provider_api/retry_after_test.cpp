#include "provider_api/retry_after.hpp"

#include <doctest/doctest.h>

using namespace reeld;

namespace {
std::optional<Millis> hint(std::string value, std::string date = "") {
    Headers headers;
    headers.add("retry-after", std::move(value));
    if (!date.empty()) headers.add("Date", std::move(date));
    return retry_after_of(headers);
}
}  // namespace

TEST_CASE("Retry-After in seconds is taken, an absurd one is cut to an hour") {
    CHECK(hint("0") == Millis{0});
    CHECK(hint("30") == Millis{30'000});
    CHECK(hint("86400") == Millis{3'600'000});
    CHECK(hint("99999999999999999999999") == Millis{3'600'000});
    CHECK_FALSE(retry_after_of(Headers{}));
}

TEST_CASE("Retry-After as a date is measured from the answer's own date") {
    const char* now = "Sun, 06 Nov 1994 08:49:37 GMT";
    CHECK(hint("Sun, 06 Nov 1994 08:51:00 GMT", now) == Millis{83'000});
    CHECK(hint("Sun, 06 Nov 1994 08:40:00 GMT", now) == Millis{0});
    CHECK(hint("Mon, 07 Nov 1994 08:49:37 GMT", now) == Millis{3'600'000});
    CHECK_FALSE(hint("Sun, 06 Nov 1994 08:51:00 GMT"));
    CHECK_FALSE(hint("Sun, 06 Nov 1994 08:51:00 GMT", "yesterday"));
}

TEST_CASE("a Retry-After that is neither is no hint") {
    for (const char* text : {"", "-5", "1.5", "soon", "30s", "Sun, 99 Nov 1994 08:51:00 GMT"}) {
        CAPTURE(text);
        CHECK_FALSE(hint(text, "Sun, 06 Nov 1994 08:49:37 GMT"));
    }
}

TEST_CASE("a date without the answer's own is measured from the given time") {
    Headers headers;
    headers.add("Retry-After", "Sat, 21 Nov 2026 08:01:00 GMT");
    CHECK(retry_after_of(headers, parse_rfc3339("2026-11-21T08:00:00Z")) == Millis{60'000});
}
