#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

void begin(Room& room) {
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
}

Exchange no_keys(const HttpRequest&) { return broken(Delivery::not_sent, ErrorCode::unreachable); }

}  // namespace

TEST_CASE("a delivery before any key is kept unprocessed, and understood once the keys are here") {
    Room room;
    const auto keys = room.client.answer["keys"];
    room.client.answer["keys"] = no_keys;
    begin(room);
    CHECK(room.deliver("a") == 200);
    CHECK(room.unprocessed() == 1);
    CHECK(room.is("a", State::submitted));
    // Asked once at the start; the next time not before a minute is over.
    CHECK(room.client.count["keys"] == 1);
    room.pass(Millis{50'000});
    CHECK(room.client.count["keys"] == 1);
    room.client.answer["keys"] = keys;
    REQUIRE(room.until([&] { return room.unprocessed() == 0; }, Millis{200'000}));
    CHECK(room.client.count["keys"] == 2);
    CHECK(room.until([&] { return room.is("a", State::completed); }, Millis{10'000}));
}

TEST_CASE("odd headers beside the signature do not make a kept delivery unreadable") {
    Room room;
    const auto keys = room.client.answer["keys"];
    room.client.answer["keys"] = no_keys;
    begin(room);
    auto request = room.delivery(room.attempt("a").token, {});
    request.headers.add("X-City", "Z\xFCrich");
    request.headers.add("X-Fal-Webhook-Request-Id", "another");
    const Started<int> taken(room.loop, room.status_of(std::move(request)));
    settle(room.loop);
    CHECK(taken.get() == 200);
    CHECK(room.unprocessed() == 1);
    room.client.answer["keys"] = keys;
    REQUIRE(room.until([&] { return room.unprocessed() == 0; }, Millis{200'000}));
    CHECK(room.count_events("a", "webhook_refused") == 0);
    CHECK(room.until([&] { return room.is("a", State::completed); }, Millis{10'000}));
}

TEST_CASE("a delivery while the first key set is on its way is understood when it comes") {
    Room room;
    room.client.delay["keys"] = Millis{5'000};
    begin(room);
    CHECK(room.deliver("a") == 200);
    CHECK(room.unprocessed() == 1);
    room.pass(Millis{6'000});
    CHECK(room.client.count["keys"] == 1);
    CHECK(room.is("a", State::completed));
}

TEST_CASE("while the key set cannot be fetched a delivery waits, asked for once a minute") {
    Room room;
    room.client.answer["keys"] = no_keys;
    room.policy().poll_interval = std::chrono::hours{1};
    begin(room);
    CHECK(room.deliver("a") == 200);
    const int before = room.client.count["keys"];
    room.pass(std::chrono::minutes{10});
    CHECK(room.unprocessed() == 1);
    CHECK(room.client.count["keys"] - before <= 10);
    CHECK(room.client.count["keys"] - before >= 4);
}

TEST_CASE("a changed key is fetched once, and deliveries of that moment are not refused for it") {
    Room room;
    begin(room);
    REQUIRE(room.submit("b"));
    REQUIRE(room.until([&] { return room.is("b", State::submitted); }));
    room.pass(std::chrono::minutes{5});
    const std::string fresh(32, 'n');
    room.client.answer["keys"] = [&](const HttpRequest&) {
        return answered(200, ScriptedProvider::key_set({fresh}));
    };
    room.client.delay["keys"] = Millis{2'000};
    const int before = room.client.count["keys"];
    Delivered first;
    first.seed = fresh;
    Delivered second = first;
    second.request_id = "r-2";
    CHECK(room.deliver("a", first) == 200);
    room.pass(Millis{500});
    CHECK(room.deliver("b", second) == 200);
    REQUIRE(room.until([&] { return room.unprocessed() == 0; }, Millis{130'000}));
    CHECK(room.client.count["keys"] == before + 1);
    CHECK(room.count_events("a", "webhook_refused") == 0);
    CHECK(room.count_events("b", "webhook_refused") == 0);
    CHECK(room.until([&] { return room.is("b", State::completed); }, Millis{10'000}));
}

TEST_CASE("a signature that the newest keys do not verify is refused for good") {
    Room room;
    room.policy().poll_interval = std::chrono::hours{1};
    begin(room);
    room.pass(std::chrono::minutes{5});
    Delivered forged;
    forged.seed = std::string(32, 'f');
    CHECK(room.deliver("a", forged) == 200);
    room.pass(Millis{1'000});
    CHECK(room.unprocessed() == 0);
    CHECK(room.count_events("a", "webhook_refused") == 1);
    CHECK(room.is("a", State::submitted));
}

TEST_CASE("keys older than a day are not used any more") {
    Room room;
    room.policy().poll_interval = std::chrono::hours{1};
    begin(room);
    const std::string fresh(32, 'n');
    room.client.answer["keys"] = [&](const HttpRequest&) {
        return answered(200, ScriptedProvider::key_set({fresh}));
    };
    room.pass(std::chrono::hours{25});
    const int before = room.client.count["keys"];
    CHECK(room.deliver("a") == 200);
    room.pass(Millis{1'000});
    CHECK(room.client.count["keys"] == before + 1);
    CHECK(room.count_events("a", "webhook_refused") == 1);
    CHECK(room.is("a", State::submitted));
}

TEST_CASE("a body too large to be kept waits for its keys at the provider") {
    Room room;
    const auto keys = room.client.answer["keys"];
    room.client.answer["keys"] = no_keys;
    begin(room);
    Delivered large;
    large.body = fmt::format(R"({{"request_id":"r-1","status":"OK","payload":{},"logs":"{}"}})",
                             ScriptedProvider::result_body(1), std::string(70'000, 'x'));
    CHECK(room.deliver("a", large) == 503);
    room.client.answer["keys"] = keys;
    room.pass(std::chrono::minutes{2});
    CHECK(room.deliver("a", large) == 503);
    room.pass(Millis{1'000});
    CHECK(room.deliver("a", large) == 200);
    CHECK(room.until([&] { return room.is("a", State::completed); }));
}
