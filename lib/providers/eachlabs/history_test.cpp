#include "providers/eachlabs/history.hpp"

#include <doctest/doctest.h>

#include "providers/eachlabs/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::eachlabs;

namespace {

Result<provider_api::HistoryPage> read(const std::string& body) {
    return read_history(sample_account(), sample_intent(), answered(200, body));
}

}  // namespace

TEST_CASE("the list is asked for the model and the time around the intent, page by page") {
    const auto first = build_history(sample_account(), sample_intent(), "");
    CHECK(first.url ==
          "https://api.eachlabs.ai/v1/executions?model=minimax-i2v-01"
          "&from=2025-12-31T23%3A58%3A05.000Z&to=2026-01-01T00%3A15%3A05.000Z&limit=100&offset=0");
    const auto next = build_history(sample_account(), sample_intent(), "200");
    CHECK(next.url.ends_with("&limit=100&offset=200"));
}

TEST_CASE("a row has a time but no input, and says whose model it is") {
    const auto page = read(fixture("executions.json"));
    REQUIRE(page.has_value());
    CHECK(page->inputs_apart);
    REQUIRE(page->items.size() == 2);
    CHECK(page->items[0].sent_at == parse_rfc3339("2026-01-01T00:00:02Z"));
    CHECK(page->items[0].input.empty());
    CHECK(page->items[0].model == "eachlabs/minimax-i2v-01");
    CHECK(page->items[1].remote.request_id.str() == "1e44fdd0-a565-4f59-908c-c4625dfe5395");
}

TEST_CASE("a page as long as the limit that was granted is not the last, whatever the total says") {
    const std::string rows =
        R"([{"id":"a","model":"m","created_at":"2026-01-01T00:00:02Z"},{"id":"b","model":"m"}])";
    const auto page = [&](const std::string& rest) {
        const auto read_page = read(R"({"executions":)" + rows + "," + rest + "}");
        REQUIRE(read_page.has_value());
        return read_page->next_cursor;
    };
    CHECK(page(R"("offset":0,"limit":2,"total_count":2)") == "2");
    CHECK(page(R"("offset":98,"limit":2,"total_count":0)") == "100");
    CHECK(page(R"("offset":0,"limit":3,"total_count":500)").empty());
    const auto none = read(R"({"executions":[],"offset":4,"limit":1})");
    REQUIRE(none.has_value());
    CHECK(none->next_cursor.empty());
}

TEST_CASE("what is not a whole list is an error, not an absence") {
    for (const char* body : {"", "{}", "[]", R"({"executions":null,"offset":0,"limit":1})",
                             R"({"executions":[]})", R"({"executions":[],"offset":0,"limit":0})",
                             R"({"executions":[{"id":""}],"offset":0,"limit":9})",
                             R"({"executions":[7],"offset":0,"limit":9})"}) {
        CAPTURE(body);
        CHECK_FALSE(read(body).has_value());
    }
}

TEST_CASE("a prediction gives its input, and one that is not there gives nothing") {
    const RequestId id("764cabcf-b745-4b3e-ae38-1200304cf45b");
    const auto found = read_lookup(sample_account(), id, answered(200, fixture("success.json")));
    REQUIRE(found.has_value());
    REQUIRE(*found);
    CHECK((*found)->input ==
          R"({"first_frame_image":"https://example.com/a.png","prompt":"waves","prompt_optimizer":true})");
    const auto none = read_lookup(sample_account(), id, answered(404, "{}"));
    REQUIRE(none.has_value());
    CHECK_FALSE(*none);
    CHECK_FALSE(read_lookup(sample_account(), RequestId("other"),
                            answered(200, fixture("success.json"))).has_value());
    CHECK_FALSE(read_lookup(sample_account(), id, answered(500, "{}")).has_value());
}
