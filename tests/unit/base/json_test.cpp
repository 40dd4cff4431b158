// Strict reading and canonical writing of JSON.
#include <doctest/doctest.h>

#include "base/json.hpp"

using namespace reeld;

namespace {

std::string error_of(std::string_view text) {
    const auto result = parse_json(text);
    return result.has_value() ? "" : result.error().message();
}

std::string canonical(std::string_view text) {
    return canonical_json(parse_json(text).value());
}

TEST_CASE("a member that stands twice is refused, however it is written and wherever it is") {
    for (const char* text : {R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})",
                             R"([{"b":{"a":1,"c":2,"a":3}}])", R"({"":1,"":2})"}) {
        CAPTURE(text);
        CHECK(error_of(text).find("stands twice") != std::string::npos);
    }
    CHECK(error_of(R"({"a":{"a":1},"b":{"a":1},"c":[{"a":1},{"a":2}]})").empty());
}

TEST_CASE("anything but one whole document is refused") {
    for (const char* text : {"",        " ",           "{",        "{}x",     "{} {}",
                             "[1,]",    "{\"a\":1,}",  "{a:1}",    "'a'",     "01",
                             "+1",      "1.",          ".5",       "NaN",     "nul",
                             "\"\\x\"", "\"\\ud800\"", "\"a\nb\"", "// c\n1", "\xEF\xBB\xBF{}"}) {
        CAPTURE(text);
        CHECK_FALSE(error_of(text).empty());
    }
    CHECK(error_of(" {\"a\" : [1, -2.5e3, true, null, \"\\u20ac\"]}\n").empty());
    CHECK_FALSE(error_of(std::string_view("1\0", 2)).empty());
}

TEST_CASE("bytes that are not UTF-8 are refused") {
    CHECK_FALSE(error_of("\"\xC3\x28\"").empty());
    CHECK_FALSE(error_of("\"\xED\xA0\x80\"").empty());
}

TEST_CASE("nesting ends at 64 levels") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(error_of(nested(64)).empty());
    CHECK_FALSE(error_of(nested(65)).empty());
    CHECK_FALSE(error_of(std::string(200'000, '[')).empty());
}

TEST_CASE("canonical text orders members, drops spaces and is its own canonical text") {
    const std::string text = canonical(R"( {"b":[1, {"z":1,"a":2}],"a":"\u00e9","B":1.50} )");
    CHECK(text == "{\"B\":1.5E0,\"a\":\"\xC3\xA9\",\"b\":[1,{\"a\":2,\"z\":1}]}");
    CHECK(canonical(text) == text);
    CHECK(canonical(R"({"x":1,"y":2})") == canonical(R"({ "y":2, "x":1 })"));
    CHECK(canonical(R"({"x":1})") != canonical(R"({"x":"1"})"));
    CHECK(canonical(R"("a\"\\\/\n")") == R"("a\"\\/\n")");
}

TEST_CASE("a number that no double holds is refused instead of becoming Infinity") {
    for (const char* text : {"1e400", "-1e400", R"({"seed":1E99999})"}) {
        CAPTURE(text);
        const auto value = parse_json(text);
        REQUIRE(value.has_error());
        CHECK(value.error().message().find("larger") != std::string::npos);
    }
    CHECK(canonical("1.7976931348623157e308") == "1.7976931348623157E308");
    CHECK(canonical("1e-400") == "0E0");
    CHECK(canonical("-1e-400") == "-0E0");
}

TEST_CASE("a number is the nearest double, so that its text reads back as itself") {
    for (const char* text : {"1.7976931348623157E308", "2.2250738585072014E-308", "5E-324",
                             "3.0000000000000004E-1", "9.007199254740993E-17", "1.2345678901234567E-200",
                             "8.98846567431158E307"}) {
        CAPTURE(text);
        CHECK(canonical(text) == text);
        CHECK(canonical(std::string("{\"a\":[1,") + text + ",2.5E0]}") ==
              std::string("{\"a\":[1,") + text + ",2.5E0]}");
    }
}

TEST_CASE("readers give nothing for a member that is missing or of another type") {
    const json::value value =
        parse_json(R"({"s":"x","i":-3,"u":18446744073709551615,"d":1.5,"b":true,"o":{},"a":[]})")
            .value();
    const json::object& object = value.get_object();
    CHECK(find_string(object, "s") == "x");
    CHECK_FALSE(find_string(object, "i"));
    CHECK_FALSE(find_string(object, "missing"));
    CHECK(find_int(object, "i") == -3);
    CHECK_FALSE(find_int(object, "u"));
    CHECK_FALSE(find_int(object, "d"));
    CHECK(find_number(object, "d") == 1.5);
    CHECK(find_number(object, "i") == -3.0);
    CHECK(find_bool(object, "b") == true);
    CHECK_FALSE(find_bool(object, "i"));
    CHECK(find_object(object, "o") != nullptr);
    CHECK(find_object(object, "a") == nullptr);
    CHECK(find_array(object, "a") != nullptr);
    CHECK(find_array(object, "o") == nullptr);
}

}  // namespace
