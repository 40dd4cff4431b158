#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

TEST_CASE("a timer that fires while its job's call is running is pushed, and asks no second time") {
    Room room;
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    room.client.delay["status"] = std::chrono::minutes{20};
    REQUIRE(room.until([&] { return room.client.count["status"] == 1; }));
    room.pass(std::chrono::minutes{12});
    CHECK(room.client.count["status"] == 1);
    room.client.delay["status"] = Millis{10};
    REQUIRE(room.until([&] { return room.client.count["status"] > 2; }));
}

TEST_CASE("a row that cannot be written does not stop the timers of the others") {
    Room room;
    room.limits().concurrency = 10;
    room.start();
    REQUIRE(room.submit("bad"));
    REQUIRE(room.submit("good"));
    REQUIRE(room.until([&] { return room.count(State::submitted) == 2; }));
    Foreign(room.database())
        .exec("CREATE TRIGGER bad BEFORE UPDATE ON jobs WHEN old.id = 'bad' "
              "BEGIN SELECT RAISE(ABORT, 'bad row'); END");
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    room.wakeups = 0;
    room.pass(std::chrono::minutes{10});
    CHECK(room.is("good", State::completed));
    CHECK(room.is("bad", State::submitted));
    CHECK(room.wakeups < 5'000);
}

TEST_CASE("a wall clock set back or forward by a day does not stop what is on its way") {
    for (const Millis jump : {Millis{-24 * 3'600'000}, Millis{24 * 3'600'000}}) {
        Room room;
        room.limits().concurrency = 2;
        room.limits().requests_per_minute = 12;
        room.start();
        room.submit_many("j", 4);
        room.pass(Millis{3'000});
        room.clock.jump(jump);
        room.client.answer["status"] = [](const HttpRequest&) {
            return answered(200, R"({"status":"COMPLETED"})");
        };
        CHECK(room.until([&] { return room.count(State::completed) == 4; },
                         std::chrono::minutes{15}));
    }
}

TEST_CASE("a wall clock set forward does not end the wait for a submit's evidence, nor pay again") {
    Room room;
    room.policy().resubmit_unknown = true;
    room.client.answer["submit"] = [](const HttpRequest&) {
        return broken(Delivery::maybe_sent, ErrorCode::timeout);
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submit_unknown); }));
    room.clock.jump(std::chrono::hours{24});
    room.pass(std::chrono::minutes{10});
    CHECK(room.is("a", State::submit_unknown));
    CHECK(room.client.count["submit"] == 1);
    // What was intended by another clock may stand in the history at another time.
    CHECK(room.until([&] { return room.is("a", State::held); }, std::chrono::minutes{10}));
    CHECK(room.job("a").reason == Reason::submit_unknown);
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("times that people gave follow the wall clock") {
    Room room;
    room.start();
    REQUIRE(room.submit("a", {{"not_before", to_rfc3339(room.clock.now() + Millis{7'200'000})}}));
    room.clock.jump(std::chrono::hours{2});
    CHECK(room.until([&] { return room.is("a", State::submitted); }, std::chrono::minutes{2}));
}
