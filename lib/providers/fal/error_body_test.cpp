#include "providers/fal/error_body.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;

TEST_CASE("every detail is told with its field, without the query of a URL") {
    CHECK(describe(read_error_body(fixture("result_invalid_input.json"))) ==
          "prompt: field required; shots.0.image_url: could not be fetched from "
          "https://example.com/a.png");
}

TEST_CASE("a flat error is told in its own words, whatever member has them") {
    const auto body = read_error_body(fixture("infrastructure_error.json"));
    CHECK(body.error_type == "runner_disconnected");
    CHECK(describe(body) == "the runner went away");
    CHECK(describe(read_error_body(R"({"error":{"message":"no such page"}})")) == "no such page");
    CHECK(describe(read_error_body(R"({"error":"gone"})")) == "gone");
    CHECK(describe(read_error_body(R"("just text")")) == "just text");
    CHECK(describe(read_error_body("<html>")).empty());
}

TEST_CASE("details of odd shapes are read as far as they go") {
    const auto body =
        read_error_body(R"({"detail":["text",7,{"msg":1,"loc":"x"},{"type":"enum"}]})");
    REQUIRE(body.details.size() == 4);
    CHECK(body.details[0].message == "text");
    CHECK(body.details[3].type == "enum");
}

TEST_CASE("a shown text has no control characters and ends at its limit between characters") {
    CHECK(shown_text("a\nb\x1b[31m\x7f") == "a b [31m ");
    const std::string long_text = shown_text(std::string(399, 'x') + "\xC3\xA9\xC3\xA9");
    CHECK(long_text.size() <= 400);
    CHECK(is_utf8(long_text));
    CHECK(long_text.ends_with("x..."));
    CHECK(shown_text("see (https://a.example/b?k=v), https://c.example#d.") ==
          "see (https://a.example/b), https://c.example");
}

TEST_CASE("only a plain word is a code") {
    CHECK(as_code("value_error.missing") == "value_error.missing");
    CHECK(as_code("No Code").empty());
    CHECK(as_code(std::string(65, 'a')).empty());
}
