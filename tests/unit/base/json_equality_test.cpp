// JSON values compared as values.
#include "base/json_equality.hpp"

#include <doctest/doctest.h>

using namespace reeld;

namespace {

TEST_CASE("two texts of one JSON value are the same, however they are written") {
    CHECK(same_json(R"({"a":1,"b":[true,null]})", R"( {"b":[true,null], "a":1.0} )"));
    CHECK(same_json(R"({"n":6})", R"({"n":6e0})"));
    CHECK(same_json(R"({"n":600})", R"({"n":6.0E2})"));
    CHECK(same_json(R"({"n":0.1})", R"({"n":1e-1})"));
    CHECK(same_json(R"({"n":0.10})", R"({"n":0.1})"));
    CHECK(same_json(R"({"n":-0})", R"({"n":0.0})"));
    CHECK(same_json(R"({"t":"\u00e9\/"})", "{\"t\":\"\u00e9/\"}"));
    CHECK(same_json("18446744073709551615", "18446744073709551615"));
    CHECK(same_json("9007199254740993", "9007199254740993"));
}

TEST_CASE("another value is another, and no JSON is the same as nothing") {
    CHECK_FALSE(same_json(R"({"a":1})", R"({"a":1,"b":null})"));
    CHECK_FALSE(same_json(R"({"a":[1,2]})", R"({"a":[2,1]})"));
    CHECK_FALSE(same_json(R"({"a":1})", R"({"a":"1"})"));
    CHECK_FALSE(same_json(R"({"a":true})", R"({"a":1})"));
    CHECK_FALSE(same_json("9007199254740993", "9007199254740992"));
    CHECK_FALSE(same_json("6", "6.000001"));
    CHECK_FALSE(same_json(R"({"t":"a"})", R"({"t":"A"})"));
    CHECK_FALSE(same_json("", ""));
    CHECK_FALSE(same_json("{", R"({"a":1})"));
}

}  // namespace
