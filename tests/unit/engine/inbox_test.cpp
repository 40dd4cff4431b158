#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

const std::string input = R"({"prompt":"waves at dusk"})";

std::string rows(Room& room) {
    return Foreign(room.inbox(), false).ask("SELECT count(*) FROM jobs");
}
std::string error_of(Room& room, const std::string& id) {
    return Foreign(room.inbox(), false)
        .ask("SELECT coalesce(error, '') FROM jobs WHERE id = '" + id + "'");
}
bool has(Room& room, const std::string& id) {
    return room.read([&](store::Tx& tx) { return tx.find_job(JobId(id)); }).has_value();
}

}  // namespace

TEST_CASE("a dropped row becomes a job at once, and goes") {
    Room room;
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", model, input));
    room.engine().inbox_changed();
    settle(room.loop);
    CHECK(has(room, "a"));
    CHECK(rows(room) == "0");
}

TEST_CASE("a row stays while the job cannot be made durable") {
    Room room;
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", model, input));
    Foreign blocker(room.database());
    blocker.exec("BEGIN IMMEDIATE");
    room.engine().inbox_changed();
    room.pass(Millis{1'000});
    CHECK(rows(room) == "1");
    blocker.exec("ROLLBACK");
    room.pass(Millis{10'000});
    CHECK(rows(room) == "0");
    CHECK(has(room, "a"));
}

TEST_CASE("a crash between the commit and the row's removal gives the same job once") {
    Room room;
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", model, input));
    {
        // Readers are let in, the removal is not.
        Foreign reader(room.inbox());
        reader.exec("BEGIN; SELECT count(*) FROM jobs");
        room.engine().inbox_changed();
        settle(room.loop);
        CHECK(has(room, "a"));
        CHECK(rows(room) == "1");
        room.end();
    }
    room.start();
    room.pass(Millis{10'000});
    CHECK(rows(room) == "0");
    CHECK(room.read([](store::Tx& tx) { return tx.list_jobs({}); }).size() == 1);
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("while somebody holds the file other work goes on, and the row is taken afterwards") {
    Room room;
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", model, input));
    Foreign holder(room.inbox());
    holder.exec("BEGIN EXCLUSIVE");
    room.engine().inbox_changed();
    REQUIRE(room.submit("b"));
    CHECK(room.until([&] { return room.is("b", State::submitted); }, Millis{1'000}));
    holder.exec("ROLLBACK");
    room.pass(Millis{5'000});
    CHECK(has(room, "a"));
}

TEST_CASE("a row that was edited after it was read keeps its new content, as a conflict") {
    Room room;
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", model, input));
    room.engine().inbox_changed();
    // Between the commit of the job and the removal of its row.
    for (int i = 0; i < 200 && !has(room, "a"); ++i) {
        room.loop.restart();
        room.loop.poll_one();
    }
    REQUIRE(has(room, "a"));
    Foreign(room.inbox()).exec("UPDATE jobs SET input = '{\"prompt\":\"another\"}'");
    room.pass(Millis{10'000});
    CHECK(rows(room) == "1");
    CHECK(error_of(room, "a").find("other content") != std::string::npos);
    CHECK(room.job("a").request.input.find("dusk") != std::string::npos);
}

TEST_CASE("a row that cannot become a job stays with the reason, and its neighbours do not wait") {
    Room room;
    room.start();
    Foreign(room.database())
        .exec("CREATE TRIGGER bad BEFORE INSERT ON jobs WHEN new.id = 'poison' "
              "BEGIN SELECT RAISE(ABORT, 'bad row'); END");
    REQUIRE(drop_row(room.inbox(), "poison", model, input));
    REQUIRE(drop_row(room.inbox(), "broken", "not a model", input));
    REQUIRE(drop_row(room.inbox(), "good", model, input));
    room.pass(Millis{20'000});
    CHECK(has(room, "good"));
    CHECK(rows(room) == "2");
    CHECK(error_of(room, "broken").find("model") != std::string::npos);
    CHECK(error_of(room, "poison").empty());
    Foreign(room.inbox()).exec(std::string("UPDATE jobs SET error = NULL, model = '") + model +
                               "' WHERE id = 'broken'");
    room.pass(Millis{20'000});
    CHECK(has(room, "broken"));
}

TEST_CASE("a thousand rows drain in one go") {
    Room room;
    room.disk.capacity = 0;
    room.start();
    Foreign(room.inbox())
        .exec(std::string("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                          "i < 1000) INSERT INTO jobs (model, input) SELECT '") +
              model + "', '" + input + "' FROM n");
    room.engine().inbox_changed();
    room.pass(Millis{1'000});
    CHECK(rows(room) == "0");
    CHECK(room.count(State::queued) == 1'000);
}
