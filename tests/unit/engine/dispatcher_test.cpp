#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

Exchange locked(const HttpRequest&) {
    return answered(403, R"({"detail":"User is locked. Reason: Exhausted balance."})");
}

std::vector<std::string> posted(const Room& room) {
    std::vector<std::string> prompts;
    for (const HttpRequest& request : room.client.requests) {
        if (ScriptedProvider::kind_of(request) == "submit") prompts.push_back(request.body);
    }
    return prompts;
}

}  // namespace

TEST_CASE("jobs start by priority, then by age") {
    Room room;
    room.limits().concurrency = 1;
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    room.disk.capacity = 0;
    room.start();
    REQUIRE(room.submit("old"));
    REQUIRE(room.submit("young"));
    REQUIRE(room.submit("urgent", {{"priority", 5}}));
    room.disk.capacity = std::uint64_t{1} << 40;
    REQUIRE(room.until([&] { return room.count(State::completed) == 3; }));
    const auto order = posted(room);
    REQUIRE(order.size() == 3);
    CHECK(order[0].find("urgent") != std::string::npos);
    CHECK(order[1].find("old") != std::string::npos);
}

TEST_CASE("no more jobs are in hand than the concurrency allows") {
    Room room;
    room.limits().concurrency = 3;
    room.start();
    room.submit_many("j", 10);
    room.pass(Millis{10'000});
    CHECK(room.client.count["submit"] == 3);
    CHECK(room.count(State::queued) == 7);
}

TEST_CASE("submits are spread over the minute") {
    Room room;
    room.limits().concurrency = 1'000;
    room.limits().requests_per_minute = 60;
    room.start();
    room.submit_many("j", 100);
    room.pass(Millis{60'000});
    CHECK(room.client.count["submit"] >= 58);
    CHECK(room.client.count["submit"] <= 66);
}

TEST_CASE("a provider that is limited, paused or broken does not stop another") {
    Room room;
    room.add_other();
    const auto accept = room.client.answer["submit"];
    room.client.answer["submit"] = [&](const HttpRequest& request) {
        return request.url.find(":8480") != std::string::npos ? accept(request) : locked(request);
    };
    room.start();
    room.submit_many("f", 3);
    room.pass(Millis{1'000});
    room.submit_many("o", 3, "acme/model");
    room.pass(Millis{1'000});
    CHECK(room.count(State::submitted) == 3);
    CHECK(room.count(State::held) == 3);
    // A row that cannot be written concerns its own provider only.
    Foreign(room.database())
        .exec("CREATE TRIGGER bad BEFORE UPDATE ON jobs WHEN new.provider = 'fal' "
              "BEGIN SELECT RAISE(ABORT, 'bad row'); END");
    room.pass(std::chrono::minutes{3});
    room.config.providers.at("acme").limits.concurrency = 100;
    room.engine().reconfigure(room.config);
    room.submit_many("p", 3, "acme/model");
    room.pass(Millis{5'000});
    CHECK(room.count(State::submitted) == 6);
}

TEST_CASE("Retry-After is kept over a restart") {
    Room room;
    const auto accept = room.client.answer["submit"];
    room.client.answer["submit"] = [](const HttpRequest&) {
        Exchange exchange = answered(429, "{}");
        exchange.response.headers.add("Retry-After", "600");
        return exchange;
    };
    room.start();
    REQUIRE(room.submit("a"));
    room.pass(Millis{1'000});
    CHECK(room.job("a").reason == Reason::rate_limit);
    room.end();
    room.client.answer["submit"] = accept;
    room.start();
    room.pass(std::chrono::minutes{9});
    CHECK(room.client.count["submit"] == 1);
    room.pass(std::chrono::minutes{2});
    CHECK(room.is("a", State::submitted));
}

TEST_CASE("a locked account holds every queued job, is tried by one, and gives all back") {
    Room room;
    room.limits().concurrency = 1'000;
    const auto accept = room.client.answer["submit"];
    room.client.answer["submit"] = locked;
    room.disk.capacity = 0;
    room.start();
    room.submit_many("j", 260);
    room.limits().concurrency = 1;
    room.engine().reconfigure(room.config);
    room.disk.capacity = std::uint64_t{1} << 40;
    room.pass(Millis{40'000});
    CHECK(room.count(State::held) == 260);
    const int before = room.client.count["submit"];
    CHECK(before == 1);
    room.pass(Millis{70'000});
    CHECK(room.client.count["submit"] == before + 1);
    CHECK(room.count(State::held) == 260);
    room.client.answer["submit"] = accept;
    room.limits().concurrency = 1'000;
    room.engine().reconfigure(room.config);
    REQUIRE(room.until([&] { return room.count(State::submitted) == 260; },
                       std::chrono::hours{2}));
    CHECK(room.count(State::held) == 0);
}

TEST_CASE("an account whose trouble changes is still tried when the job that tried it is gone") {
    Room room;
    const auto accept = room.client.answer["submit"];
    room.client.answer["submit"] = [](const HttpRequest&) { return answered(401, "{}"); };
    room.start();
    room.limits().concurrency = 1;
    room.engine().reconfigure(room.config);
    room.submit_many("j", 3);
    REQUIRE(room.until([&] { return room.count(State::held) == 3; }, Millis{60'000}));
    room.client.answer["submit"] = locked;
    const auto trier = [&]() -> std::string {
        for (const std::string id : {"j-0", "j-1", "j-2"}) {
            if (room.job(id).reason == domain::Reason::account) return id;
        }
        return {};
    };
    REQUIRE(room.until([&] { return !trier().empty(); }, std::chrono::hours{1}));
    REQUIRE(room.act(trier(), engine::Action::cancel));
    room.client.answer["submit"] = accept;
    CHECK(room.until([&] { return room.count(State::held) == 0; }, std::chrono::hours{6}));
    CHECK(room.count(State::submitted) == 1);
}

TEST_CASE("a full disk closes the gate, and room opens it again") {
    Room room;
    room.disk.capacity = 0;
    room.start();
    REQUIRE(room.submit("a"));
    room.pass(std::chrono::minutes{5});
    CHECK(room.client.count["submit"] == 0);
    CHECK(room.engine().shown_reason(room.job("a")) == Reason::disk);
    CHECK(room.engine().status().disk_low);
    room.disk.capacity = std::uint64_t{1} << 40;
    room.pass(Millis{31'000});
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("jobs past their deadline cost no slot and no token, nor time for those behind them") {
    Room room;
    room.limits().concurrency = 2;
    room.disk.capacity = 0;
    room.start();
    const std::string soon = to_rfc3339(room.clock.now() + Millis{10});
    for (const char* id : {"a", "b", "c"}) REQUIRE(room.submit(id, {{"deadline", soon}}));
    REQUIRE(room.submit("good"));
    room.disk.capacity = std::uint64_t{1} << 40;
    // The dispatcher is faster than the owner timers here.
    room.clock.jump(Millis{1'000});
    room.engine().reconfigure(room.config);
    settle(room.loop);
    CHECK(room.client.count["submit"] == 1);
    CHECK(room.count(State::failed) == 3);
}

TEST_CASE("the better part of an hour behind a closed gate is spent asleep") {
    Room room;
    room.config.inbox_interval = Millis{60'000};
    room.client.answer["submit"] = [](const HttpRequest&) {
        Exchange exchange = answered(429, "{}");
        exchange.response.headers.add("Retry-After", "7200");
        return exchange;
    };
    room.limits().concurrency = 1;
    room.start();
    room.submit_many("j", 1'000);
    room.pass(Millis{5'000});
    const auto commits = room.engine().counters().at("commits").at("");
    room.wakeups = 0;
    room.pass(std::chrono::minutes{55});
    CHECK(room.wakeups < 500);
    CHECK(room.engine().counters().at("commits").at("") - commits < 70);
    CHECK(room.client.count["submit"] == 1);
}
