#include <doctest/doctest.h>

#include "base/secret.hpp"

using reeld::redact_url;

TEST_CASE("a URL is shown without its query, fragment and user info") {
    CHECK(redact_url("https://h.test/a/b?sig=1#f") == "https://h.test/a/b");
    CHECK(redact_url("https://u:p@h.test:8443/a") == "https://h.test:8443/a");
    CHECK(redact_url("https://u:p@h.test") == "https://h.test");
    CHECK(redact_url("https://u:p@x@h.test/a") == "https://h.test/a");
    CHECK(redact_url("https://h.test/a@b") == "https://h.test/a@b");
    CHECK(redact_url("https://u@h.test?token=1") == "https://h.test");
    CHECK(redact_url("/path?token=1") == "/path");
    CHECK(redact_url("").empty());
}
