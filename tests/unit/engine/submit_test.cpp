#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

TEST_CASE("a submit's intent and token are on disk before the POST leaves") {
    Room room;
    std::string seen_state;
    std::string seen_token;
    const auto accept = room.client.answer["submit"];
    room.client.answer["submit"] = [&](const HttpRequest& request) {
        Foreign reader(room.database(), false);
        seen_state = reader.ask("SELECT state FROM jobs WHERE id = 'a'");
        seen_token = reader.ask("SELECT token FROM attempts");
        CHECK(request.url.find(seen_token) != std::string::npos);
        return accept(request);
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    CHECK(seen_state == "submitting");
    CHECK(seen_token.size() == 32);
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("the answer to a submitter comes after the commit") {
    Room room;
    room.start();
    REQUIRE(room.submit("a"));
    CHECK(Foreign(room.database(), false).ask("SELECT count(*) FROM jobs") == "1");
}

TEST_CASE("while the database refuses nothing is sent, and afterwards it is") {
    Room room;
    room.start();
    REQUIRE(room.submit("later", {{"not_before", to_rfc3339(room.clock.now() + Millis{1'000})}}));
    Foreign blocker(room.database());
    blocker.exec("BEGIN IMMEDIATE");
    CHECK_FALSE(room.submit("b"));
    room.pass(Millis{4'000});
    CHECK(room.client.count["submit"] == 0);
    blocker.exec("ROLLBACK");
    REQUIRE(room.until([&] { return room.is("later", State::submitted); }, Millis{60'000}));
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("an accepted submit is not lost when the database refuses for a while") {
    Room room;
    Foreign* held = nullptr;
    std::unique_ptr<Foreign> blocker;
    const auto accept = room.client.answer["submit"];
    room.client.answer["submit"] = [&](const HttpRequest& request) {
        blocker = std::make_unique<Foreign>(room.database());
        blocker->exec("BEGIN IMMEDIATE");
        held = blocker.get();
        return accept(request);
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return held != nullptr; }));
    room.pass(Millis{2'000});
    blocker->exec("ROLLBACK");
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }, Millis{60'000}));
    CHECK(room.job("a").remote->request_id.str() == "r-1");
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("a job whose provider left the configuration before its POST is not taken for unknown") {
    Room room;
    room.start();
    REQUIRE(room.step_before_post("a"));
    engine::EngineConfig without = room.config;
    without.providers.clear();
    room.engine().reconfigure(std::move(without));
    settle(room.loop);
    CHECK(room.client.count["submit"] == 0);
    CHECK(room.is("a", State::scheduled));
    CHECK(room.attempt("a").outcome == "not_sent");
}

TEST_CASE("a submit whose answer never came is found again after a restart as undecided") {
    Room room;
    room.die_in_submit("a");
    room.start();
    CHECK(room.is("a", State::submit_unknown));
    CHECK(room.job("a").reason == Reason::interrupted);
    room.pass(Millis{60'000});
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("stop waits for a submit in flight and writes its answer down") {
    Room room;
    room.client.delay["submit"] = Millis{3'000};
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.client.count["submit"] == 1; }));
    room.stop();
    CHECK(room.is("a", State::submitted));
    CHECK(room.life->tasks.size() == 0);
    room.end();
    room.start();
    CHECK(room.is("a", State::submitted));
}

TEST_CASE("stop waits for a submit whose intent is only now becoming durable") {
    Room room;
    room.start();
    REQUIRE(room.step_before_post("a"));
    room.stop();
    CHECK(room.is("a", State::submitted));
}
