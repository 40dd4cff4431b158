#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

struct Item {
    std::string id;
    std::string prompt = "waves of a";  // empty: the provider kept no input
    Millis after{0};
    bool dated = true;
    std::string input{};  // as the provider writes it, instead of the prompt
};

// A job whose submit's outcome is unknown, and a history to search.
struct Search : Room {
    explicit Search(bool resubmit = false) {
        policy().submit_unknown_wait = Millis{60'000};
        policy().resubmit_unknown = resubmit;
        config.webhook_public_url.clear();
        client.answer["submit"] = [](const HttpRequest&) {
            return broken(Delivery::maybe_sent, ErrorCode::timeout);
        };
        client.answer["history"] = [this](const HttpRequest& r) { return page(r); };
        disk.capacity = std::uint64_t{1} << 40;
    }
    Exchange page(const HttpRequest& request) {
        if (broken_page && request.url.find("cursor=") != std::string::npos) {
            return answered(500, "{}");
        }
        std::string list;
        for (const Item& item : items) {
            list += list.empty() ? "{" : ",{";
            list += fmt::format(R"("request_id":"{}")", item.id);
            if (!item.input.empty()) {
                list += R"(,"json_input":)" + item.input;
            } else if (!item.prompt.empty()) {
                list += fmt::format(R"(,"json_input":{{"prompt":"{}"}})", item.prompt);
            }
            if (item.dated) {
                list += fmt::format(R"(,"sent_at":"{}")", 
                                    to_rfc3339(began + item.after -
                                               client.clock_ahead.value_or(Millis{0})));
            }
            list += "}";
        }
        return answered(200, fmt::format(R"({{"items":[{}],"has_more":{},"next_cursor":{}}})", list,
                                         endless || broken_page,
                                         endless || broken_page ? "\"more\"" : "null"));
    }
    void begin() {
        start();
        began = clock.now();
        REQUIRE(submit("a"));
        REQUIRE(until([&] { return is("a", State::submit_unknown); }));
    }
    bool adopted(const std::string& id = "r-h") {
        return until([&] { return is("a", State::submitted); }, Millis{300'000}) &&
               job("a").remote->request_id.str() == id;
    }
    bool held() {
        return until([&] { return is("a", State::held); }, Millis{600'000}) &&
               job("a").reason == Reason::submit_unknown;
    }

    std::vector<Item> items;
    bool endless = false;
    bool broken_page = false;  // the second one cannot be read
    Instant began{};
};

}  // namespace

TEST_CASE("the one request of the history that fits is adopted") {
    Search room;
    room.items = {{"r-h"}, {"r-x", "something else"}};
    room.begin();
    CHECK(room.adopted());
    CHECK(room.client.count["submit"] == 1);
    CHECK(room.attempt("a").outcome == "adopted");
}

TEST_CASE("a request that a moving page lists twice is one request") {
    Search room;
    room.items = {{"r-h"}, {"r-h"}};
    room.begin();
    CHECK(room.adopted());
}

TEST_CASE("an id that the answer's header told is adopted when the provider knows it") {
    Search room;
    room.client.answer["submit"] = [](const HttpRequest&) {
        Exchange exchange = answered(500, "{}");
        exchange.response.headers.add("x-fal-request-id", "r-hint");
        return exchange;
    };
    room.begin();
    CHECK(room.adopted("r-hint"));
    CHECK(room.client.count["history"] == 0);
}

TEST_CASE("nothing that fits: a person decides, or the policy submits again") {
    Search held;
    held.begin();
    CHECK(held.held());
    CHECK(held.client.count["submit"] == 1);
    Search again(true);
    again.begin();
    REQUIRE(again.until([&] { return again.client.count["submit"] == 2; }, Millis{600'000}));
    CHECK(again.job("a").billable_attempts <= 2);
}

TEST_CASE("many that fit, or one of which too little is known, are never a reason to pay again") {
    const std::vector<std::vector<Item>> cases{
        {{"r-1"}, {"r-2"}}, {{"r-1", ""}}, {{"r-1", "waves of a", Millis{0}, false}}};
    for (const auto& items : cases) {
        Search room(true);
        room.items = items;
        room.begin();
        CHECK(room.held());
        CHECK(room.client.count["submit"] == 1);
    }
}

TEST_CASE("a request outside the window is somebody else's") {
    Search room;
    room.items = {{"r-h", "waves of a", Millis{200'000}}};
    room.begin();
    CHECK(room.held());
}

TEST_CASE("a request that another job follows is not adopted") {
    Search room;
    room.items = {{"r-h"}};
    room.client.answer["submit"] = [&](const HttpRequest&) {
        if (room.client.count["submit"] == 1) return answered(200, R"({"request_id":"r-h"})");
        return broken(Delivery::maybe_sent, ErrorCode::timeout);
    };
    room.start();
    room.began = room.clock.now();
    REQUIRE(room.submit("owner", {{"input", {{"prompt", "waves of a"}}}}));
    REQUIRE(room.until([&] { return room.is("owner", State::submitted); }));
    REQUIRE(room.submit("a"));
    CHECK(room.held());
}

TEST_CASE("a hinted request that another job follows waits for a person, whatever the policy") {
    Search room(true);
    room.client.answer["submit"] = [&](const HttpRequest&) {
        if (room.client.count["submit"] == 1) return answered(200, R"({"request_id":"r-hint"})");
        Exchange exchange = answered(500, "{}");
        exchange.response.headers.add("x-fal-request-id", "r-hint");
        return exchange;
    };
    room.start();
    room.began = room.clock.now();
    REQUIRE(room.submit("owner", {{"input", {{"prompt", "waves of a"}}}}));
    REQUIRE(room.until([&] { return room.is("owner", State::submitted); }));
    REQUIRE(room.submit("a"));
    CHECK(room.held());
    CHECK(room.client.count["submit"] == 2);
}

TEST_CASE("a request that two undecided jobs may own is adopted by neither") {
    Search room;
    room.items = {{"r-h"}};
    room.begin();
    REQUIRE(room.submit("twin", {{"input", {{"prompt", "waves of a"}}}}));
    CHECK(room.held());
}

TEST_CASE("an endless or unreachable history proves nothing, even where the policy submits again") {
    Search endless(true);
    endless.endless = true;
    endless.begin();
    CHECK(endless.held());
    CHECK(endless.client.count["submit"] == 1);
    Search silent(true);
    silent.client.answer["history"] = [](const HttpRequest&) {
        return broken(Delivery::not_sent, ErrorCode::unreachable);
    };
    silent.begin();
    CHECK(silent.held());
    CHECK(silent.client.count["submit"] == 1);
}

TEST_CASE("the input is compared as a value: order, escapes and the form of numbers mean nothing") {
    Search room;
    room.items = {{"r-h", "", Millis{0}, true, R"({"seconds": 6.0, "prompt": "w\u00e9\/"})"},
                  {"r-x", "", Millis{0}, true, R"({"seconds": 6.5, "prompt": "w\u00e9\/"})"},
                  {"r-y", "", Millis{0}, true, R"({"seconds": 6, "prompt": "w\u00e9\/", "x": 1})"}};
    room.start();
    room.began = room.clock.now();
    const json::object input{{"prompt", "w\u00e9/"}, {"seconds", 6}};
    REQUIRE(room.submit("a", {{"input", input}}));
    CHECK(room.adopted());
}

TEST_CASE("two that fit are both named in the trail, once, and none is adopted") {
    Search room;
    room.items = {{"r-1"}, {"r-2"}};
    room.begin();
    REQUIRE(room.held());
    const std::string told = room.last_note("a", "evidence_searched");
    CHECK(told.find("r-1") != std::string::npos);
    CHECK(told.find("r-2") != std::string::npos);
    CHECK(room.count_events("a", "evidence_searched") == 2);  // when found, and at the end
    CHECK(room.client.count["history"] > 3);
}

TEST_CASE("every look is on record with its pages and what it found") {
    Search room;
    room.begin();
    REQUIRE(room.held());
    int looks = 0;
    const JobId id("a");
    for (const auto& evidence : room.read([&](store::Tx& tx) { return tx.evidence_of(id); })) {
        looks += evidence.head.find("\"search\":") != std::string::npos ? 1 : 0;
    }
    CHECK(looks == room.client.count["history"]);
}

TEST_CASE("a page that cannot be read makes the whole search fail, whatever the others hold") {
    Search room(true);
    room.items = {{"r-h"}};
    room.broken_page = true;
    room.begin();
    CHECK(room.held());
    CHECK(room.client.count["submit"] == 1);
    CHECK(room.last_note("a", "poll_failed").find("could not be asked") != std::string::npos);
}

TEST_CASE("a request is looked for by the provider's clock") {
    for (const auto ahead : {std::chrono::minutes{10}, std::chrono::minutes{-10}}) {
        Search room;
        room.client.clock_ahead = ahead;
        room.items = {{"r-h"}};
        room.begin();
        CHECK(room.adopted());
    }
}

TEST_CASE("the policy does not pay again where the clocks cannot be trusted") {
    SUBCASE("the provider tells no time") {
        Search room(true);
        room.client.clock_ahead.reset();
        room.begin();
        CHECK(room.held());
        CHECK(room.client.count["submit"] == 1);
        CHECK(room.last_note("a", "evidence_searched").find("tells no time") != std::string::npos);
    }
    SUBCASE("they are far apart") {
        Search room(true);
        room.client.clock_ahead = Millis{90'000};
        room.begin();
        CHECK(room.held());
        CHECK(room.client.count["submit"] == 1);
        CHECK(room.last_note("a", "evidence_searched").find("90 s ahead") != std::string::npos);
    }
    SUBCASE("the clock was set since the submit") {
        Search room(true);
        room.begin();
        room.clock.jump(std::chrono::hours{1});
        CHECK(room.held());
        CHECK(room.client.count["submit"] == 1);
    }
}

TEST_CASE("a request that the history shows only after the wait is still followed") {
    Search room;
    room.begin();
    REQUIRE(room.held());
    room.items = {{"r-h"}};
    CHECK(room.until([&] { return room.is("a", State::submitted); }, std::chrono::hours{2}));
    CHECK(room.job("a").remote->request_id.str() == "r-h");
}

TEST_CASE("a submit that a person holds in doubt is a rival like one that still waits") {
    Search room;
    room.begin();
    REQUIRE(room.held());
    room.items = {{"r-h", "waves of a", Millis{100'000}}};
    REQUIRE(room.submit("twin", {{"input", {{"prompt", "waves of a"}}}}));
    const auto decided = [&] {
        return room.is("twin", State::held) || room.is("twin", State::submitted);
    };
    REQUIRE(room.until(decided, Millis{600'000}));
    CHECK(room.is("twin", State::held));
    CHECK(room.last_note("twin", "evidence_searched").find("job a (attempt 1)") !=
          std::string::npos);
}

TEST_CASE("a submit of another time is no rival") {
    Search room;
    room.begin();
    REQUIRE(room.held());
    room.pass(std::chrono::minutes{10});
    room.began = room.clock.now();
    room.items = {{"r-h"}};
    REQUIRE(room.submit("twin", {{"input", {{"prompt", "waves of a"}}}}));
    REQUIRE(room.until([&] { return room.is("twin", State::submitted); }, Millis{600'000}));
    CHECK(room.is("a", State::held));
    room.pass(std::chrono::hours{2});
    CHECK(room.is("a", State::held));
}

TEST_CASE("an id from the answer's header that cannot be asked for is a reason to wait") {
    Search room(true);
    room.client.answer["submit"] = [](const HttpRequest&) {
        Exchange exchange = answered(500, "{}");
        exchange.response.headers.add("x-fal-request-id", "r-hint");
        return exchange;
    };
    room.client.answer["status"] = [](const HttpRequest&) { return answered(503, "{}"); };
    room.begin();
    CHECK(room.held());
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("where the history lists no inputs each request is looked up") {
    Search room;
    room.add_other<InputsApart>();
    room.config.providers.at("acme").policy.submit_unknown_wait = Millis{60'000};
    room.items = {{"r-x", "something else"}, {"r-h"}};
    room.client.answer["lookup"] = [&](const HttpRequest& request) {
        for (const Item& item : room.items) {
            if (request.url.find("request_id=" + item.id) == std::string::npos) continue;
            return answered(200, fmt::format(R"({{"items":[{{"request_id":"{}","json_input":)"
                                             R"({{"prompt":"{}"}}}}],"has_more":false}})",
                                             item.id, item.prompt));
        }
        return answered(404, "{}");
    };
    SUBCASE("and the one that fits is adopted") {}
    SUBCASE("and one that cannot be makes the search fail") {
        room.client.answer["lookup"] = [](const HttpRequest&) { return answered(500, "{}"); };
    }
    const bool readable = room.client.answer["lookup"](HttpRequest{}).response.status != 500;
    room.start();
    room.began = room.clock.now();
    std::vector<domain::JobRequest> one{room.request("a", "acme/video/fast")};
    REQUIRE(room.submit(std::move(one)));
    if (readable) {
        CHECK(room.adopted());
    } else {
        CHECK(room.held());
        CHECK(room.last_note("a", "poll_failed").find("could not be asked") != std::string::npos);
    }
}
