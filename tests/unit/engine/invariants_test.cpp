#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

TEST_CASE("a decision that would break an invariant is counted and leaves the job as it was") {
    Room room;
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.submit("b"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    // Behind the daemon's back: more may be billed than was ever submitted.
    const auto spoiled = room.life->store->transact([](store::Tx& tx) {
        Job job = *tx.find_job(JobId("a"));
        job.billable_attempts = 5;
        return tx.update_job(job);
    });
    REQUIRE(spoiled.has_value());
    const Job before = room.job("a");
    const auto counters = [&] { return room.engine().counters()["invariant_violations"]; };
    CHECK(counters().empty());
    CHECK_FALSE(room.act("a", engine::Action::cancel));
    CHECK(counters()["invariant=\"billable_within_attempts\""] >= 1);
    CHECK_FALSE(room.job("a").cancel_requested);
    CHECK(room.job("a").state == before.state);
}
