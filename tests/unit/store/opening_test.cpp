#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "foreign.hpp"
#include "scratch.hpp"
#include "store/sqlite_error.hpp"
#include "support/memory_vfs.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

Error refusal(const std::string& path) {
    StoreConfig config;
    config.path = path;
    auto store = Store::open(config);
    REQUIRE_FALSE(store);
    return store.error();
}

bool says(const Error& error, const std::string& words) {
    return error.message().find(words) != std::string::npos;
}

unsigned mode_of(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
}

}  // namespace

TEST_CASE("what a dead process wrote is durable before anybody is told of it") {
    Scratch scratch;
    test::MemoryVfs vfs(scratch.file("."));
    StoreConfig config;
    config.path = scratch.file("reel.db");
    test::DiskImage left;
    {
        auto store = Store::open(config);
        REQUIRE(store);
        insert(**store, "job-1");
        vfs.before_sync([&](const std::string&) { left = vfs.after_crash(); });
        REQUIRE((*store)->commit().has_value());
        vfs.before_sync({});
    }
    vfs.restart_with(std::move(left));
    {
        auto store = Store::open(config);
        REQUIRE(store);
        // A client that asks again for this job hears "it is there" without a commit.
        REQUIRE(find(**store, "job-1"));
        left = vfs.after_power_cut({});
    }
    vfs.restart_with(std::move(left));
    auto store = Store::open(config);
    REQUIRE(store);
    CHECK(find(**store, "job-1"));
}

TEST_CASE("a new store is durable, versioned and private to its group") {
    Scratch scratch;
    StoreConfig config;
    config.path = scratch.file("reel.db");
    auto opened = Store::open(config);
    REQUIRE(opened);
    Store& store = **opened;
    insert(store, "a");
    CHECK(store.dirty());
    REQUIRE(store.commit());
    CHECK_FALSE(store.dirty());
    CHECK(mode_of(config.path) == 0640);
    CHECK(mode_of(config.path + "-wal") == 0640);
    const StoreFacts facts = store.facts();
    CHECK(facts.schema_version == 6);
    CHECK(facts.sqlite_version.starts_with("3."));
    CHECK(facts.database_bytes > 0);
    CHECK(facts.wal_bytes > 0);
    CHECK(store.check_integrity());
    Foreign shell(config.path);
    CHECK(shell.get("PRAGMA journal_mode") == "wal");
    CHECK(shell.get("PRAGMA user_version") == "6");
    CHECK(shell.get("PRAGMA application_id") == std::to_string(0x7265656c));
}

TEST_CASE("what was committed is there after the store was opened again") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    Job kept;
    {
        auto store = open_store(path);
        kept = insert(*store, "kept");
        REQUIRE(store->commit());
        insert(*store, "forgotten");
    }
    auto store = open_store(path);
    CHECK(find(*store, "kept") == kept);
    CHECK_FALSE(find(*store, "forgotten"));
    CHECK(insert(*store, "next").seq > kept.seq);
}

TEST_CASE("a second store on the same database is refused, with the holder's pid") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto first = open_store(path);
    const Error error = refusal(path);
    CHECK(error.code() == ErrorCode::busy);
    CHECK(says(error, "pid " + std::to_string(::getpid())));
    first.reset();
    open_store(path);
}

TEST_CASE("a newer schema is refused and left as it is") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    open_store(path);
    Foreign(path).exec("PRAGMA user_version = 7");
    const Error error = refusal(path);
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(says(error, "newer reeld (schema 7, this one knows 6)"));
    CHECK(says(error, "upgrade reeld"));
    CHECK(Foreign(path).get("PRAGMA user_version") == "7");
}

TEST_CASE("another program's database is refused and left as it is") {
    Scratch scratch;
    const std::string tables = scratch.file("tables.db");
    Foreign(tables).exec("CREATE TABLE songs (name TEXT)");
    CHECK(refusal(tables).code() == ErrorCode::invalid);
    CHECK(Foreign(tables).get("PRAGMA journal_mode") == "delete");

    const std::string marked = scratch.file("marked.db");
    Foreign(marked).exec("PRAGMA application_id = 77");
    const Error error = refusal(marked);
    CHECK(error.code() == ErrorCode::invalid);
    CHECK(says(error, "database of another program"));
}

TEST_CASE("a file that is no database and a damaged one are refused as corrupt") {
    Scratch scratch;
    const std::string text = scratch.file("text.db");
    std::ofstream(text) << std::string(9000, 'x');
    CHECK(refusal(text).code() == ErrorCode::corrupt);

    const std::string damaged = scratch.file("damaged.db");
    {
        auto store = open_store(damaged);
        for (int i = 0; i < 50; ++i) insert(*store, "job-" + std::to_string(i));
        REQUIRE(store->commit());
    }
    std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(4096 * 12, '\x5a');
    file.close();
    const Error error = refusal(damaged);
    CHECK(error.code() == ErrorCode::corrupt);
    CHECK(says(error, damaged));
}

TEST_CASE("an empty file, left by a crash before the first migration, becomes a store") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    std::ofstream(path).flush();
    auto store = open_store(path);
    insert(*store, "a");
    CHECK(store->commit());
}

TEST_CASE("a folder that is not there is an error of its own") {
    Scratch scratch;
    CHECK(refusal(scratch.file("missing/reel.db")).code() == ErrorCode::io);
}

TEST_CASE("the trail can be neither changed nor shortened, by a foreign program either") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    insert(*store, "a");
    in(*store, [](Tx& tx) {
        AuditEntry entry;
        entry.job = JobId("a");
        entry.event = "created";
        tx.append_event(entry);
    });
    REQUIRE(store->commit());
    Foreign shell(path);
    CHECK_FALSE(shell.allowed("UPDATE events SET note = 'forged'"));
    CHECK_FALSE(shell.allowed("DELETE FROM events"));
    CHECK(shell.get("SELECT count(*) FROM events WHERE note IS NULL") == "1");
    CHECK(shell.get("SELECT job || ' ' || happened FROM job_events") ==
          "a 1970-01-01T00:00:00.000Z");
}

TEST_CASE("the schema refuses rows that the program could not read") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    Job job = insert(*store, "a");
    REQUIRE(store->commit());
    Foreign shell(path);
    for (const char* change :
         {"state = 'lost'", "due_at = NULL", "state = 'failed'", "attempt = -1", "labels = '{'",
          "input = 'x'", "priority = 'high'", "cancel_requested = 2", "max_attempts = 0"}) {
        CAPTURE(change);
        CHECK_FALSE(shell.allowed(std::string("UPDATE jobs SET ") + change));
    }
    CHECK(find(*store, "a") == job);
}

TEST_CASE("SQLite's failures become the codes that callers decide by") {
    CHECK(code_of_sqlite(13) == ErrorCode::disk_full);
    CHECK(code_of_sqlite(5) == ErrorCode::busy);
    CHECK(code_of_sqlite(10 | (3 << 8)) == ErrorCode::io);
    CHECK(code_of_sqlite(11) == ErrorCode::corrupt);
    CHECK(code_of_sqlite(26) == ErrorCode::corrupt);
    CHECK(code_of_sqlite(19 | (8 << 8)) == ErrorCode::internal);
}
