#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

struct Item {
    std::string id;
    std::string prompt = "waves of a";  // empty: the provider kept no input
    Millis after{0};
    bool dated = true;
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
    Exchange page(const HttpRequest&) {
        std::string list;
        for (const Item& item : items) {
            list += list.empty() ? "{" : ",{";
            list += fmt::format(R"("request_id":"{}")", item.id);
            if (!item.prompt.empty()) {
                list += fmt::format(R"(,"json_input":{{"prompt":"{}"}})", item.prompt);
            }
            if (item.dated) {
                list += fmt::format(R"(,"sent_at":"{}")", to_rfc3339(began + item.after));
            }
            list += "}";
        }
        return answered(200, fmt::format(R"({{"items":[{}],"has_more":{},"next_cursor":{}}})", list,
                                         endless, endless ? "\"more\"" : "null"));
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
