#include "support/memory_vfs.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace reeld::test {
namespace {

using Keeps = PowerCut::Keeps;
using Op = MemoryVfs::Op;

std::vector<PowerCut> all_cuts() {
    std::vector<PowerCut> cuts{
        {Keeps::nothing}, {Keeps::everything}, {Keeps::last_torn}, {Keeps::only_last}};
    for (std::uint64_t seed = 1; seed <= 6; ++seed)
        cuts.push_back({Keeps::mixed, seed});
    return cuts;
}

struct Folder {
    std::string path = (std::filesystem::temp_directory_path() / "reeld-vfs-XXXXXX").string();
    Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
};

struct Room {
    Folder folder;
    MemoryVfs vfs{folder.path};
    std::string mode = "WAL";
    std::string synchronous = "FULL";

    SQLite::Database open() const {
        SQLite::Database database(folder.path + "/a.db",
                                  SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        database.exec("PRAGMA journal_mode = " + mode);
        database.exec("PRAGMA synchronous = " + synchronous);
        return database;
    }
    // Every row large enough for several sectors, so that it can tear.
    static void insert(SQLite::Database& database, int count = 1) {
        for (int i = 0; i < count; ++i) {
            database.exec("INSERT INTO rows (text) VALUES (hex(randomblob(1500)))");
        }
    }
    static int count(SQLite::Database& database) {
        return database.execAndGet("SELECT count(*) FROM rows").getInt();
    }
    static std::string soundness(SQLite::Database& database) {
        return database.execAndGet("PRAGMA integrity_check").getString();
    }
    void prepare() const {
        SQLite::Database database = open();
        database.exec("PRAGMA synchronous = EXTRA");
        database.exec("CREATE TABLE rows (text TEXT)");
        insert(database, 3);
    }
};

int result_of(const std::function<void()>& call) {
    try {
        call();
        return SQLITE_OK;
    } catch (const SQLite::Exception& failure) {
        return failure.getExtendedErrorCode();
    }
}

}  // namespace

TEST_CASE("a database lives in memory in both journal modes, and outlives its connections") {
    for (const std::string mode : {"WAL", "DELETE"}) {
        Room room;
        room.mode = mode;
        room.prepare();
        SQLite::Database database = room.open();
        CHECK(Room::count(database) == 3);
        CHECK(database.execAndGet("PRAGMA journal_mode").getString() ==
              (mode == "WAL" ? "wal" : "delete"));
        CHECK(std::filesystem::is_empty(room.folder.path));
    }
}

TEST_CASE("a file outside of the folder is a file of the disk") {
    Room room;
    const Folder other;
    SQLite::Database database(other.path + "/b.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE rows (text TEXT)");
    CHECK(std::filesystem::file_size(other.path + "/b.db") > 0);
    CHECK(room.vfs.image().files().empty());
}

TEST_CASE("whatever a power cut leaves, synced commits are there and the database is sound") {
    for (const std::string mode : {"WAL", "DELETE"}) {
        for (const PowerCut& cut : all_cuts()) {
            Room room;
            room.mode = mode;
            room.prepare();
            room.vfs.restart_with(room.vfs.after_power_cut(cut));
            SQLite::Database database = room.open();
            INFO(mode, " ", to_string(cut));
            CHECK(Room::count(database) == 3);
            CHECK(Room::soundness(database) == "ok");
        }
    }
}

TEST_CASE("without syncs a power cut loses a commit that the end of a process does not") {
    Room room;
    room.prepare();
    room.synchronous = "OFF";
    std::optional<DiskImage> crashed;
    std::optional<DiskImage> cut;
    {
        SQLite::Database database = room.open();
        Room::insert(database);
        crashed = room.vfs.after_crash();
        cut = room.vfs.after_power_cut({Keeps::nothing});
    }
    const auto rows_in = [&](DiskImage image) {
        room.vfs.restart_with(std::move(image));
        SQLite::Database database = room.open();
        return Room::count(database);
    };
    CHECK(rows_in(std::move(*crashed)) == 4);
    CHECK(rows_in(std::move(*cut)) == 3);
}

TEST_CASE("without syncs a disk that writes in another order breaks the database") {
    int broken = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Room room;
        room.mode = "DELETE";
        room.synchronous = "OFF";
        room.prepare();
        std::optional<DiskImage> left;
        {
            SQLite::Database database = room.open();
            Room::insert(database, 20);
            left = room.vfs.after_power_cut({Keeps::mixed, seed});
        }
        room.vfs.restart_with(std::move(*left));
        const int result = result_of([&] {
            SQLite::Database database = room.open();
            if (Room::soundness(database) != "ok") ++broken;
        });
        if (result != SQLITE_OK) ++broken;
    }
    CHECK(broken > 10);
}

TEST_CASE("a cut before any sync of a transaction leaves all of it or nothing") {
    for (const std::string mode : {"WAL", "DELETE"}) {
        for (const PowerCut& cut : all_cuts()) {
            Room room;
            room.mode = mode;
            room.prepare();
            std::vector<DiskImage> photographs;
            {
                SQLite::Database database = room.open();
                room.vfs.before_sync([&](const std::string&) {
                    photographs.push_back(room.vfs.after_power_cut(cut));
                });
                database.exec("BEGIN IMMEDIATE");
                Room::insert(database, 4);
                database.exec("COMMIT");
                room.vfs.before_sync({});
            }
            REQUIRE(!photographs.empty());
            for (DiskImage& image : photographs) {
                room.vfs.restart_with(std::move(image));
                SQLite::Database database = room.open();
                INFO(mode, " ", to_string(cut));
                const int rows = Room::count(database);
                CHECK((rows == 3 || rows == 7));
                CHECK(Room::soundness(database) == "ok");
            }
        }
    }
}

TEST_CASE("only EXTRA makes the end of a rollback journal durable with the commit") {
    for (const std::string synchronous : {"FULL", "EXTRA"}) {
        Room room;
        room.mode = "DELETE";
        room.prepare();
        room.synchronous = synchronous;
        {
            SQLite::Database database = room.open();
            Room::insert(database);
        }
        // With the name of the journal the transaction comes back to be undone.
        room.vfs.restart_with(room.vfs.after_power_cut({Keeps::nothing}));
        SQLite::Database database = room.open();
        CHECK(Room::count(database) == (synchronous == "EXTRA" ? 4 : 3));
    }
}

TEST_CASE("the locks of two connections clash as between processes") {
    Room room;
    SUBCASE("rollback journal: a reader keeps the writer from committing, a writer other writers") {
        room.mode = "DELETE";
        room.prepare();
        SQLite::Database one = room.open();
        SQLite::Database two = room.open();
        one.exec("BEGIN IMMEDIATE");
        CHECK(result_of([&] { two.exec("BEGIN IMMEDIATE"); }) == SQLITE_BUSY);
        two.exec("BEGIN");
        CHECK(Room::count(two) == 3);
        Room::insert(one);
        CHECK(result_of([&] { one.exec("COMMIT"); }) == SQLITE_BUSY);
        SQLite::Database three(room.folder.path + "/a.db", SQLite::OPEN_READWRITE);
        CHECK(result_of([&] { Room::count(three); }) == SQLITE_BUSY);
        two.exec("COMMIT");
        one.exec("COMMIT");
        CHECK(Room::count(two) == 4);
    }
    SUBCASE("WAL: a reader keeps its snapshot and stops nobody") {
        room.prepare();
        SQLite::Database one = room.open();
        SQLite::Database two = room.open();
        two.exec("BEGIN");
        CHECK(Room::count(two) == 3);
        one.exec("BEGIN IMMEDIATE");
        CHECK(result_of([&] { room.open().exec("BEGIN IMMEDIATE"); }) == SQLITE_BUSY);
        Room::insert(one);
        one.exec("COMMIT");
        CHECK(Room::count(two) == 3);
        two.exec("COMMIT");
        CHECK(Room::count(two) == 4);
    }
}

TEST_CASE("the call that shall fail fails, and only that one") {
    Room room;
    room.prepare();
    SQLite::Database database = room.open();
    const auto insert = [&] { Room::insert(database); };
    SUBCASE("a full disk at the second write to the WAL") {
        room.vfs.fail(Op::write, 2, SQLITE_FULL, 1, "-wal");
        CHECK(result_of(insert) == SQLITE_FULL);
    }
    SUBCASE("a failed sync") {
        room.vfs.fail(Op::sync, 1, SQLITE_IOERR_FSYNC);
        CHECK(result_of(insert) == SQLITE_IOERR_FSYNC);
    }
    SUBCASE("a lock that is taken for a while") {
        room.vfs.fail(Op::shm, 1, SQLITE_BUSY, 1000);
        CHECK(result_of(insert) == SQLITE_PROTOCOL);  // of WAL, when a lock never comes free
        CHECK(result_of(insert) == SQLITE_PROTOCOL);
        room.vfs.heal();
    }
    SUBCASE("a file that cannot be opened") {
        room.vfs.fail(Op::open, 1, SQLITE_CANTOPEN);
        CHECK(result_of([&] { room.open(); }) == SQLITE_CANTOPEN);
    }
    SUBCASE("nothing, beyond the last call") {
        room.vfs.fail(Op::write, 10'000, SQLITE_FULL);
    }
    room.vfs.heal();
    const int before = Room::count(database);
    const int writes = room.vfs.count(Op::write);
    insert();
    CHECK(Room::count(database) == before + 1);
    CHECK(room.vfs.count(Op::write) > writes);
    CHECK(Room::soundness(database) == "ok");
}

TEST_CASE("a machine does not restart while a connection of before is open") {
    Room room;
    room.prepare();
    SQLite::Database database = room.open();
    CHECK(Room::count(database) == 3);
    CHECK_THROWS_AS(room.vfs.restart_with(room.vfs.after_crash()), std::logic_error);
}

}  // namespace reeld::test
