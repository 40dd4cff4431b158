#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

// One job at the provider as r-1, its files still to come.
struct Hooks : Room {
    Hooks() {
        start();
        REQUIRE(submit("a"));
        REQUIRE(until([&] { return is("a", State::submitted); }));
    }
};

}  // namespace

TEST_CASE("a verified success fetches, and its evidence is on disk before the 200") {
    Hooks room;
    CHECK(room.deliver("a") == 200);
    CHECK(Foreign(room.database(), false)
              .ask("SELECT count(*) FROM evidence WHERE kind = 'webhook'") == "1");
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.client.count["result"] == 0);
}

TEST_CASE("no 200 while the database refuses, and the repeated delivery is taken") {
    Hooks room;
    const Token token = room.attempt("a").token;
    {
        Foreign blocker(room.database());
        blocker.exec("BEGIN IMMEDIATE");
        CHECK(room.deliver(token) == 503);
        blocker.exec("ROLLBACK");
    }
    CHECK(room.deliver(token) == 200);
    CHECK(room.until([&] { return room.is("a", State::completed); }));
}

TEST_CASE("a duplicate and a delivery after the end are recorded and change nothing") {
    Hooks room;
    CHECK(room.deliver("a") == 200);
    CHECK(room.deliver("a") == 200);
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    const Job before = room.job("a");
    const std::size_t trail = room.events("a").size();
    CHECK(room.deliver("a") == 200);
    CHECK(room.job("a") == before);
    CHECK(room.events("a").size() == trail + 1);
    CHECK(room.client.count["file"] == 1);
}

TEST_CASE("a delivery before the submit's answer adopts, and the answer is only recorded") {
    for (const char* late_id : {"r-1", "r-other"}) {
        Room room;
        room.client.delay["submit"] = Millis{5'000};
        room.client.answer["submit"] = [&](const HttpRequest&) {
            return answered(200, fmt::format(R"({{"request_id":"{}"}})", late_id));
        };
        room.start();
        REQUIRE(room.submit("a"));
        room.pass(Millis{100});
        REQUIRE(room.client.count["submit"] == 1);
        CHECK(room.deliver("a") == 200);
        CHECK(room.is("a", State::fetching));
        room.pass(Millis{6'000});
        CHECK(room.job("a").remote->request_id.str() == "r-1");
        CHECK(room.count_events("a", "submit_accepted") == 1);
        REQUIRE(room.until([&] { return room.is("a", State::completed); }));
        CHECK(room.client.count["submit"] == 1);
    }
}

TEST_CASE("a forged delivery is answered 401, recorded, and changes nothing") {
    Hooks room;
    Delivered forged;
    forged.body = R"({"request_id":"r-2","status":"OK","payload":{}})";
    const State before = room.state("a");
    CHECK(room.deliver("a", forged) == 401);
    CHECK(room.state("a") == before);
    CHECK(room.count_events("a", "webhook_refused") == 1);
}

TEST_CASE("a stale delivery makes the engine ask for itself") {
    Hooks room;
    const int polls = room.client.count["status"];
    Delivered old;
    old.age = std::chrono::minutes{30};
    CHECK(room.deliver("a", old) == 200);
    room.pass(Millis{100});
    CHECK(room.client.count["status"] == polls + 1);
    CHECK(room.is("a", State::submitted));
}

TEST_CASE("a delivery for another request than the submit made is a reason to ask, not more") {
    Hooks room;
    const int polls = room.client.count["status"];
    Delivered other;
    other.request_id = "r-77";
    CHECK(room.deliver("a", other) == 200);
    room.pass(Millis{100});
    CHECK(room.is("a", State::submitted));
    CHECK(room.client.count["status"] == polls + 1);
}

TEST_CASE("once a user is learned, signed deliveries of other users are refused") {
    Hooks room;
    CHECK(room.deliver("a") == 200);
    REQUIRE(room.submit("b"));
    REQUIRE(room.until([&] { return room.is("b", State::submitted); }));
    Delivered other;
    other.request_id = "r-2";
    other.user = "user|2";
    CHECK(room.deliver("b", other) == 401);
    CHECK(room.is("b", State::submitted));
}

TEST_CASE("unknown tokens, other providers and other methods get nothing in") {
    Room room;
    room.add_other();
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    CHECK(room.deliver(Token(std::string(32, '0'))) == 404);
    Delivered elsewhere;
    elsewhere.provider = "acme";
    CHECK(room.deliver("a", elsewhere) == 404);
    elsewhere.provider = "nobody";
    CHECK(room.deliver("a", elsewhere) == 404);
    Delivered looked;
    looked.method = "GET";
    CHECK(room.deliver("a", looked) == 405);
    CHECK(Foreign(room.database(), false)
              .ask("SELECT count(*) FROM evidence WHERE kind = 'webhook'") == "0");
}

TEST_CASE("after 64 deliveries for one submit the next is not stored") {
    Hooks room;
    Delivered forged;
    forged.body = "{}";
    for (int i = 0; i < 64; ++i) REQUIRE(room.deliver("a", forged) == 401);
    CHECK(room.deliver("a", forged) == 429);
    CHECK(Foreign(room.database(), false)
              .ask("SELECT count(*) FROM evidence WHERE kind = 'webhook'") == "64");
}

TEST_CASE("a delivery for an older, undecided submit is adopted instead of submitting again") {
    Room room;
    room.policy().resubmit_unknown = true;
    room.policy().submit_unknown_wait = Millis{20'000};
    room.client.answer["submit"] = [](const HttpRequest&) {
        return broken(Delivery::maybe_sent, ErrorCode::timeout);
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submit_unknown); }));
    // Nothing else may start: the job waits in the queue when the delivery comes.
    room.disk.capacity = 0;
    REQUIRE(room.until([&] { return room.is("a", State::queued); }));
    CHECK(room.deliver("a") == 200);
    CHECK(room.is("a", State::fetching));
    room.disk.capacity = std::uint64_t{1} << 40;
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("a delivery adopts a job that is held because its submit stayed unknown") {
    Room room;
    room.policy().submit_unknown_wait = Millis{20'000};
    room.client.answer["submit"] = [](const HttpRequest&) {
        return broken(Delivery::maybe_sent, ErrorCode::reset);
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::held); }));
    CHECK(room.deliver("a") == 200);
    CHECK(room.until([&] { return room.is("a", State::completed); }));
}

TEST_CASE("a delivery for a submit that looked refused is adopted, so that it is not paid twice") {
    Room room;
    room.client.answer["submit"] = [](const HttpRequest&) {
        return answered(408, R"({"detail":"request timeout"})");
    };
    room.policy().retry_base = std::chrono::hours{1};
    room.policy().retry_max = std::chrono::hours{1};
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::scheduled); }));
    CHECK(room.deliver("a") == 200);
    REQUIRE(room.until([&] { return room.is("a", State::completed); }, Millis{60'000}));
    CHECK(room.client.count["submit"] == 1);
    CHECK(room.job("a").billable_attempts == 1);
}
