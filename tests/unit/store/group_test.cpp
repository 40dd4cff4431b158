#include <signal.h>
#include <sys/resource.h>

#include <stdexcept>

#include "foreign.hpp"
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

// While it lives, no file of this process grows past the bound: a write fails as on a broken disk.
class FileSizeBound {
  public:
    explicit FileSizeBound(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = ::signal(SIGXFSZ, SIG_IGN);
        rlimit bound = before_;
        bound.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &bound);
    }
    ~FileSizeBound() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }
    FileSizeBound(const FileSizeBound&) = delete;
    FileSizeBound& operator=(const FileSizeBound&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

Job large_job(const std::string& id) {
    Job job = make_job(id);
    job.request.input = R"({"image":")" + std::string(100'000, 'x') + "\"}";
    return job;
}

}  // namespace

TEST_CASE("an exception undoes its own transaction alone") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    const auto failed = store->transact([](Tx& tx) {
        Job job = make_job("b");
        tx.insert_job(job);
        throw std::runtime_error("second thoughts");
    });
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code() == ErrorCode::internal);
    CHECK(failed.error().message().find("second thoughts") != std::string::npos);
    insert(*store, "c");
    REQUIRE(store->commit());
    CHECK(find(*store, "a"));
    CHECK_FALSE(find(*store, "b"));
    CHECK(find(*store, "c"));
    CHECK(in(*store, [](Tx& tx) { return tx.count_by_state(); }).at(State::queued) == 2);
}

TEST_CASE("a transaction that only reads leaves nothing to commit") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    find(*store, "a");
    CHECK_FALSE(store->dirty());
    CHECK_FALSE(store->transact([](Tx& tx) {
        Job job = make_job("a");
        tx.insert_job(job);
        throw std::runtime_error("no");
    }));
    CHECK_FALSE(store->dirty());
    CHECK(store->commit());
}

TEST_CASE("others see a group when it is committed, as a whole") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    insert(*store, "first");
    REQUIRE(store->commit());
    Foreign shell(path);
    insert(*store, "a");
    insert(*store, "b");
    CHECK(shell.get("SELECT count(*) FROM jobs") == "1");
    REQUIRE(store->commit());
    CHECK(shell.get("SELECT count(*) FROM jobs") == "3");
}

TEST_CASE("a crash in the middle of a group loses the group and nothing else") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    const std::string copy = scratch.file("copy.db");
    auto store = open_store(path);
    const Job kept = insert(*store, "kept");
    REQUIRE(store->commit());
    // Large enough to make SQLite write pages into the WAL before the commit.
    for (int i = 0; i < 60; ++i) insert(*store, large_job("lost-" + std::to_string(i)));
    std::filesystem::copy_file(path, copy);
    std::filesystem::copy_file(path + "-wal", copy + "-wal");
    CHECK(std::filesystem::file_size(copy + "-wal") > 1'000'000);
    auto after = open_store(copy);
    CHECK(find(*after, "kept") == kept);
    CHECK(in(*after, [](Tx& tx) { return tx.count_by_state(); }) ==
          std::map<State, std::int64_t>{{State::queued, 1}});
    CHECK(after->check_integrity());
}

TEST_CASE("a transaction inside a transaction is a programming error") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    bool thrown = false;
    REQUIRE(store->transact([&](Tx&) {
        try {
            (void)store->transact([](Tx& tx) { tx.last_event_id(); });
        } catch (const std::logic_error&) {
            thrown = true;
        }
        CHECK_THROWS_AS((void)store->commit(), std::logic_error);
    }));
    CHECK(thrown);
    insert(*store, "a");
    CHECK(store->commit());
}

TEST_CASE("a commit that fails rolls all of its group back, and the store goes on") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "before");
    REQUIRE(store->commit());
    insert(*store, "a");
    insert(*store, "b");
    {
        FileSizeBound bound(store->facts().wal_bytes);
        const Status failed = store->commit();
        REQUIRE_FALSE(failed);
        CHECK((failed.error().code() == ErrorCode::io ||
               failed.error().code() == ErrorCode::disk_full));
    }
    CHECK_FALSE(store->dirty());
    CHECK_FALSE(find(*store, "a"));
    CHECK_FALSE(find(*store, "b"));
    insert(*store, "c");
    REQUIRE(store->commit());
    CHECK(find(*store, "before"));
    CHECK(find(*store, "c"));
    CHECK(store->check_integrity());
}

TEST_CASE("when SQLite rolls a group back by itself, everything fails until commit() has told") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "before");
    REQUIRE(store->commit());
    insert(*store, "a");
    {
        FileSizeBound bound(store->facts().wal_bytes);
        // The cache overflows into the WAL, which cannot grow: the statement itself fails.
        Status status = ok();
        for (int i = 0; status && i < 100; ++i) {
            status = store->transact([&](Tx& tx) {
                Job job = large_job("large-" + std::to_string(i));
                tx.insert_job(job);
            });
        }
        REQUIRE_FALSE(status);
    }
    CHECK(store->dirty());
    const auto later = store->transact([](Tx& tx) { return tx.find_job(JobId("before")); });
    REQUIRE_FALSE(later);
    CHECK(later.error().message().find("rolled back") != std::string::npos);
    CHECK_FALSE(store->commit());
    CHECK_FALSE(store->dirty());
    CHECK(store->commit());
    CHECK_FALSE(find(*store, "a"));
    insert(*store, "a");
    REQUIRE(store->commit());
    CHECK(find(*store, "before"));
    CHECK(find(*store, "a"));
}

TEST_CASE("a full disk is told as such and does not take earlier transactions along in silence") {
    Scratch scratch;
    StoreConfig config;
    config.path = scratch.file("reel.db");
    config.durable = false;
    config.pages_max = 80;
    auto opened = Store::open(config);
    REQUIRE(opened);
    Store& store = **opened;
    insert(store, "before");
    REQUIRE(store.commit());
    insert(store, "a");
    const auto full = store.transact([](Tx& tx) {
        for (int i = 0; i < 10; ++i) {
            Job job = large_job("large-" + std::to_string(i));
            tx.insert_job(job);
        }
    });
    REQUIRE_FALSE(full);
    CHECK(full.error().code() == ErrorCode::disk_full);
    // Either the savepoint alone was undone, or the loss is told: never a silent loss.
    if (const Status committed = store.commit()) {
        CHECK(find(store, "a"));
    } else {
        CHECK(committed.error().code() == ErrorCode::disk_full);
        CHECK_FALSE(find(store, "a"));
    }
    CHECK_FALSE(find(store, "large-0"));
    CHECK(find(store, "before"));
    insert(store, "after");
    CHECK(store.commit());
}

TEST_CASE("a foreign writer makes the store busy and harms nothing") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    Foreign shell(path);
    shell.exec("BEGIN IMMEDIATE");
    CHECK(store->transact([](Tx& tx) { return tx.last_event_id(); }).has_value());
    Job job = make_job("early");
    const auto refused = store->transact([&](Tx& tx) { return tx.insert_job(job); });
    const Status kept = refused ? store->commit() : Status(refused.error());
    REQUIRE_FALSE(kept.has_value());
    CHECK(kept.error().code() == ErrorCode::busy);
    shell.exec("ROLLBACK");
    insert(*store, "a");
    CHECK(store->commit());
}

TEST_CASE("the WAL stays bounded, also after a reader held it for long") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    Job job = insert(*store, large_job("a"));
    std::uint64_t largest = 0;
    const auto write = [&](int commits) {
        largest = 0;
        for (int i = 0; i < commits; ++i) {
            job.request.id = JobId("a");
            job.queue_position = i;
            REQUIRE(in(*store, [&](Tx& tx) { return tx.update_job(job); }));
            insert(*store, make_job("job-" + std::to_string(job.version)));
            REQUIRE(store->commit());
            REQUIRE(store->checkpoint());
            largest = std::max(largest, store->facts().wal_bytes);
        }
    };
    write(400);
    CHECK(largest < 5'000'000);

    Foreign reader(path);
    reader.exec("BEGIN");
    reader.get("SELECT count(*) FROM jobs");
    write(800);
    CHECK(largest > 15'000'000);  // the snapshot needs them
    reader.exec("COMMIT");
    write(3);
    CHECK(store->facts().wal_bytes < 5'000'000);
    write(400);
    CHECK(largest < 5'000'000);
    CHECK(store->check_integrity());
}

TEST_CASE("a checkpoint in the middle of a group leaves the group alone") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    for (int i = 0; i < 60; ++i) insert(*store, large_job("job-" + std::to_string(i)));
    REQUIRE(store->commit());
    insert(*store, "a");
    CHECK(store->checkpoint());
    CHECK(store->dirty());
    CHECK(store->commit());
    CHECK(find(*store, "a"));
}
