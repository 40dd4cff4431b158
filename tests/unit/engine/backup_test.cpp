// A backup while the engine works, and an engine on a backup.
#include <filesystem>

#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;
using namespace std::chrono_literals;

namespace {

// The disk of the room is simulated, the copies are real files: what the engine asks its disk about
// them is put there by hand.
struct Archive : Room {
    std::string path() const { return folder + "/copy.db"; }

    Result<engine::BackupDone> back_up(std::function<bool()> abandoned = [] { return false; }) {
        const Started<Result<engine::BackupDone>> started(
            loop, engine().backup(path(), std::move(abandoned)));
        while (!started.done()) {
            loop.restart();
            loop.run_for(5ms);
        }
        return started.get();
    }
    void send_one_of_two() {
        limits().concurrency = 1;
        start();
        REQUIRE(submit("sent"));
        REQUIRE(until([&] { return is("sent", State::submitted); }));
        REQUIRE(submit("waiting"));
    }
    // Starts an engine on the copy instead.
    void restore() {
        put_copy();
        start();
    }
    void put_copy() {
        end();
        const std::string part = path() + ".copying";
        std::filesystem::rename(part, database());
        std::filesystem::remove(database() + "-wal");
        std::filesystem::remove(database() + "-shm");
    }
};

}  // namespace

TEST_CASE("a path that is relative, taken or in no folder is refused before anything is done") {
    Archive room;
    room.start();
    for (const char* path : {"copy.db", "", "/", "/a/../b", "/a/", "/a\n"}) {
        CAPTURE(path);
        const auto refused =
            room.run(room.engine().backup(path, [] { return false; }));
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code() == ErrorCode::invalid);
    }
    room.disk.put("/taken.db", "x");
    const auto taken = room.run(room.engine().backup("/taken.db", [] { return false; }));
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code() == ErrorCode::conflict);
    // What a daemon that was killed after the first of its two files has left.
    room.disk.put("/killed.db.inbox", "x");
    room.disk.put("/killed.db.copying", "x");
    const auto killed = room.run(room.engine().backup("/killed.db", [] { return false; }));
    REQUIRE_FALSE(killed.has_value());
    CHECK(killed.error().code() == ErrorCode::conflict);
    CHECK_FALSE(room.disk.exists("/killed.db.copying"));
    CHECK(room.disk.exists("/killed.db.inbox"));
    room.disk.capacity = 1;
    const auto full = room.run(room.engine().backup("/full.db", [] { return false; }));
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().code() == ErrorCode::disk_full);
}

TEST_CASE("a backup nobody waits for any more is given up") {
    Archive room;
    room.start();
    const auto given_up = room.back_up([] { return true; });
    REQUIRE_FALSE(given_up.has_value());
    CHECK(given_up.error().code() == ErrorCode::cancelled);
    CHECK(room.engine().status().backup.running.empty());
}

TEST_CASE("a backup whose second half cannot be published leaves no half") {
    Archive room;
    room.start();
    REQUIRE(drop_row(room.inbox(), "", "no model", "{}"));
    const std::string part = ".copying";
    room.disk.before_publish = [&]() -> Status {
        room.disk.put(room.path() + part, "the database");
        room.disk.put(room.path() + ".inbox" + part, "the inbox");
        return ok();
    };
    room.disk.fail(SimulatedDisk::Op::rename, 2);
    const auto made = room.back_up();
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code() == ErrorCode::io);
    CHECK_FALSE(room.disk.exists(room.path()));
    CHECK_FALSE(room.disk.exists(room.path() + ".inbox"));
}

TEST_CASE("an engine on a copy holds what was pending and follows what was at the provider") {
    Archive room;
    room.send_one_of_two();
    // The simulated disk knows nothing of the copy, so its last step fails; the copy is there.
    static_cast<void>(room.back_up());
    const int submits = room.client.count["submit"];
    room.restore();
    CHECK(room.job("waiting").reason == Reason::restored);
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    REQUIRE(room.until([&] { return room.is("sent", State::completed); }));
    room.pass(1h);
    CHECK(room.is("waiting", State::held));
    CHECK(room.client.count["submit"] == submits);
    REQUIRE(room.act("waiting", engine::Action::release));
    REQUIRE(room.until([&] { return room.client.count["submit"] == submits + 1; }));
}

TEST_CASE("on a copy that somebody holds nothing is begun before what was pending is held") {
    Archive room;
    room.send_one_of_two();
    static_cast<void>(room.back_up());
    room.put_copy();
    room.limits().concurrency = 4;
    const int submits = room.client.count["submit"];
    room.open();
    {
        Foreign holder(room.database());
        holder.exec("BEGIN IMMEDIATE");
        room.engine().start();
        room.pass(3s);
        CHECK(room.job("waiting").reason == Reason::none);
        holder.exec("ROLLBACK");
    }
    room.pass(3s);
    CHECK(room.job("waiting").reason == Reason::restored);
    CHECK(room.client.count["submit"] == submits);
}
