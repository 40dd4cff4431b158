#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

// Behind the daemon's back: more may be billed than was ever submitted.
void spoil(Room& room, int billable) {
    const auto spoiled = room.life->store->transact([billable](store::Tx& tx) {
        Job job = *tx.find_job(JobId("a"));
        job.billable_attempts = billable;
        return tx.update_job(job);
    });
    REQUIRE(spoiled.has_value());
}

}  // namespace

TEST_CASE("a decision that would break an invariant is counted and leaves the job as it was") {
    Room room;
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.submit("b"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    spoil(room, 5);
    const Job before = room.job("a");
    const auto counters = [&] { return room.engine().counters()["invariant_violations"]; };
    CHECK(counters().empty());
    CHECK_FALSE(room.act("a", engine::Action::cancel));
    CHECK(counters()["invariant=\"billable_within_attempts\""] >= 1);
    CHECK_FALSE(room.job("a").cancel_requested);
    CHECK(room.job("a").state == before.state);
}

TEST_CASE("news that would break an invariant are dropped, and asked for again") {
    Room room;
    bool spoiled = false;
    room.client.answer["status"] = [&](const HttpRequest&) {
        if (!std::exchange(spoiled, true)) spoil(room, 5);
        return answered(200, R"({"status":"IN_PROGRESS"})");
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return spoiled; }));
    room.pass(Millis{1'000});
    CHECK(room.is("a", State::submitted));
    CHECK(room.engine().counters()["store_refusals"][""] == 1);
    spoil(room, 1);
    CHECK(room.until([&] { return room.is("a", State::running); }, std::chrono::hours{1}));
}
