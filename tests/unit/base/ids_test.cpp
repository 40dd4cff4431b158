#include <doctest/doctest.h>

#include <string>

#include "base/ids.hpp"

TEST_CASE("a job's id is 1 to 64 letters, digits, dots, underscores and dashes") {
    using reeld::is_job_id;
    for (const char* text : {"a", "A.b_c-9", "...", "-"})
        CHECK(is_job_id(text));
    CHECK(is_job_id(std::string(64, 'x')));
    CHECK_FALSE(is_job_id(std::string(65, 'x')));
    for (const char* text : {"", " ", "a b", "a/b", "a\n", "\xC3\xA9", "a%2e", "a\\b"}) {
        CHECK_FALSE(is_job_id(text));
    }
    CHECK_FALSE(is_job_id(std::string_view("a\0b", 3)));
}
