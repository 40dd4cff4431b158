// Another program sits in a write transaction of reel.db just when something is to be written.
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

// The account refuses the second job while the first is at the provider.
struct Refused : Room {
    Refused() {
        client.answer["submit"] = [this](const HttpRequest&) {
            if (client.count["submit"] == 1 || mended) return answered(200, R"({"request_id":"r"})");
            return answered(401, R"({"detail":"no such key"})");
        };
        client.answer["status"] = waiting;
        start();
        REQUIRE(submit("a"));
        REQUIRE(until([&] { return is("a", State::submitted); }));
        REQUIRE(submit("b"));
        REQUIRE(until([&] { return is("b", State::held); }));
        REQUIRE(job("b").reason == Reason::credentials);
    }
    static Exchange waiting(const HttpRequest&) {
        return answered(200, R"({"status":"IN_QUEUE","queue_position":3})");
    }
    // The next answer of that kind finds the database held.
    void hold_at(const std::string& kind) {
        auto answer = client.answer.at(kind);
        client.answer[kind] = [this, answer](const HttpRequest& request) {
            if (!holder) {
                holder = std::make_unique<Foreign>(database());
                holder->exec("BEGIN IMMEDIATE");
            }
            return answer(request);
        };
        REQUIRE(until([&] { return holder != nullptr; }, std::chrono::hours{2}));
        pass(Millis{100});
    }
    bool mended = false;
    std::unique_ptr<Foreign> holder;
};

}  // namespace

TEST_CASE("an interrupted submit that cannot be named at the start is named by its timer") {
    Room room;
    room.die_in_submit("a");
    room.open();
    Foreign holder(room.database());
    holder.exec("BEGIN IMMEDIATE");
    room.engine().start();
    settle(room.loop);
    CHECK(room.is("a", State::submitting));
    holder.exec("ROLLBACK");
    CHECK(room.until([&] { return room.is("a", State::submit_unknown); }, std::chrono::hours{1}));
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("that a read went well is learned from the next one when it cannot be written") {
    Refused room;
    room.hold_at("status");
    room.holder->exec("ROLLBACK");
    CHECK(room.is("b", State::held));
    room.mended = true;
    CHECK(room.until([&] { return room.is("b", State::submitted); }, std::chrono::hours{1}));
}

TEST_CASE("an accepted key resumes the account later when that cannot be written") {
    Refused room;
    room.client.answer["status"] = [](const HttpRequest&) {
        return broken(Delivery::not_sent, ErrorCode::unreachable);
    };
    room.hold_at("key check");
    room.holder->exec("ROLLBACK");
    CHECK(room.is("b", State::held));
    room.mended = true;
    CHECK(room.until([&] { return room.is("b", State::submitted); }, std::chrono::hours{2}));
}
