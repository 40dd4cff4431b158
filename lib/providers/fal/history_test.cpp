#include "providers/fal/history.hpp"

#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;

TEST_CASE("the history is asked for the endpoint's requests around the intent") {
    const auto first = build_history({}, Secret("k"), sample_intent(), "");
    CHECK(first.url ==
          "https://api.fal.ai/v1/models/requests/by-endpoint"
          "?endpoint_id=fal-ai%2Fminimax%2Fvideo-01%2Fimage-to-video"
          "&start=2025-12-31T23%3A58%3A05.000Z&end=2026-01-01T00%3A15%3A05.000Z"
          "&expand=payloads&limit=100");
    CHECK(*first.headers.find("Authorization") == "Key k");
    CHECK(build_history({}, {}, sample_intent(), "a b").url.ends_with("&limit=100&cursor=a%20b"));
}

TEST_CASE("a page lists what fal kept of each request") {
    const auto page =
        read_history({}, sample_intent(), answered(200, fixture("history_page.json")));
    REQUIRE(page.has_value());
    REQUIRE(page->items.size() == 2);
    CHECK(page->items[0].request_id.str() == sample_id);
    CHECK(page->items[0].input == R"({"image_url":"https://example.com/a.png","prompt":"waves"})");
    CHECK(page->items[0].sent_at == from_unix_ms(1767225605250));
    CHECK(page->items[0].remote.status_url ==
          "https://queue.fal.run/fal-ai/minimax/requests/" + sample_id + "/status");
    CHECK(page->items[1].input.empty());
    CHECK(page->next_cursor == "page 2");
}

TEST_CASE("the last page has no cursor") {
    for (const char* body :
         {R"({"items":[],"next_cursor":null,"has_more":false})",
          R"({"items":[],"next_cursor":"x","has_more":false})", R"({"items":[]})"}) {
        const auto page = read_history({}, sample_intent(), answered(200, body));
        REQUIRE(page.has_value());
        CHECK(page->next_cursor.empty());
    }
}

TEST_CASE("a page that cannot be read whole is an error, never an empty page") {
    for (const char* body : {"", "{", "[]", "{}", R"({"items":{}})", R"({"items":[{}]})",
                             R"({"items":[7]})", R"({"items":[],"has_more":true})"}) {
        CAPTURE(body);
        CHECK(read_history({}, sample_intent(), answered(200, body)).has_error());
    }
    const auto error = [](const Exchange& exchange) {
        return read_history({}, sample_intent(), exchange).error().code();
    };
    CHECK(error(answered(403)) == ErrorCode::refused);
    CHECK(error(answered(429)) == ErrorCode::busy);
    CHECK(error(answered(500)) == ErrorCode::io);
    CHECK(error(unanswered(Delivery::not_sent, ErrorCode::unreachable)) == ErrorCode::unreachable);
}

TEST_CASE("one request is looked up by its id, with its endpoint and input") {
    const auto asked =
        build_lookup({}, Secret("k"), "fal-ai/minimax/video-01", RequestId(sample_id));
    CHECK(asked.url == "https://api.fal.ai/v1/models/requests/by-endpoint"
                       "?endpoint_id=fal-ai%2Fminimax%2Fvideo-01&request_id=" +
                           sample_id + "&expand=payloads");
    CHECK(*asked.headers.find("Authorization") == "Key k");
    const auto answer = [](const std::string& items) {
        return answered(200, R"({"items":[)" + items + R"(],"next_cursor":null,"has_more":false})");
    };
    const auto look = [](const Exchange& exchange) {
        return read_lookup({}, "fal-ai/minimax/video-01", RequestId("r-1"), exchange);
    };
    const auto found = look(answer(
        R"({"request_id":"r-0"},{"request_id":"r-1","endpoint_id":"fal-ai/other","json_input":{"b":1}})"));
    REQUIRE(found.has_value());
    REQUIRE(found->has_value());
    CHECK((*found)->model == "fal-ai/other");
    CHECK((*found)->input == R"({"b":1})");
    const auto none = look(answer(""));
    REQUIRE(none.has_value());
    CHECK_FALSE(none->has_value());
    CHECK(look(answered(500)).has_error());
    CHECK(look(answered(200, "{")).has_error());
}
