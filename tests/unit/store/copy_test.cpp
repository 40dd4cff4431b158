// Copies of databases that go on being written.
#include "store/copy.hpp"

#include <fstream>
#include <iterator>

#include "base/crypto.hpp"
#include "foreign.hpp"
#include "scratch.hpp"
#include "store/inbox.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<Store> filled(const Scratch& scratch, int jobs) {
    auto store = open_store(scratch.file("reel.db"));
    for (int i = 0; i < jobs; ++i) insert(*store, "job-" + std::to_string(i));
    if (!store->commit()) throw std::runtime_error("no commit");
    return store;
}

}  // namespace

TEST_CASE("a copy is one whole file that opens as a store with the same jobs") {
    Scratch scratch;
    const auto store = filled(scratch, 300);
    CopyWatch watch;
    const auto facts = copy_store(store->path(), scratch.file("copy.db"), noon, watch);
    REQUIRE(facts);
    CHECK(facts->jobs == 300);
    CHECK(facts->events == 0);
    const std::string bytes = bytes_of(scratch.file("copy.db"));
    CHECK(bytes.size() == facts->bytes);
    CHECK(sha256_hex(bytes) == facts->sha256);
    CHECK_FALSE(std::filesystem::exists(scratch.file("copy.db-wal")));
    CHECK_FALSE(std::filesystem::exists(scratch.file("copy.db-shm")));
    const auto copy = open_store(scratch.file("copy.db"));
    CHECK(find(*copy, "job-299").has_value());
    CHECK(in(*copy, [](Tx& tx) { return tx.copied_at(); }) == noon);
    CHECK_FALSE(in(*store, [](Tx& tx) { return tx.copied_at(); }).has_value());
}

TEST_CASE("a copy made in the middle of a group holds what was committed and nothing else") {
    Scratch scratch;
    const auto store = filled(scratch, 3);
    insert(*store, "not-yet-durable");
    CopyWatch watch;
    REQUIRE(copy_store(store->path(), scratch.file("copy.db"), noon, watch));
    REQUIRE(store->commit().has_value());
    CHECK(find(*store, "not-yet-durable").has_value());
    const auto copy = open_store(scratch.file("copy.db"));
    CHECK(find(*copy, "job-2").has_value());
    CHECK_FALSE(find(*copy, "not-yet-durable").has_value());
}

TEST_CASE("the store goes on and its log starts over after a copy") {
    Scratch scratch;
    const auto store = filled(scratch, 50);
    CopyWatch watch;
    REQUIRE(copy_store(store->path(), scratch.file("copy.db"), noon, watch));
    for (int i = 0; i < 2'000; ++i) {
        insert(*store, "later-" + std::to_string(i));
        REQUIRE(store->commit().has_value());
        if (i % 32 == 0) REQUIRE(store->checkpoint().has_value());
    }
    CHECK(store->facts().wal_bytes < 16u << 20);
    CHECK(store->check_integrity().has_value());
}

TEST_CASE("a copy that is to stop ends as cancelled") {
    Scratch scratch;
    const auto store = filled(scratch, 3);
    CopyWatch watch;
    watch.stop = true;
    const auto facts = copy_store(store->path(), scratch.file("copy.db"), noon, watch);
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code() == ErrorCode::cancelled);
}

TEST_CASE("a missing folder and a damaged source are told as what they are") {
    Scratch scratch;
    auto store = filled(scratch, 200);
    CopyWatch watch;
    const auto nowhere = copy_store(store->path(), scratch.file("none/copy.db"), noon, watch);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().cause() == boost::system::errc::no_such_file_or_directory);

    const std::string path = store->path();
    store.reset();
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4096 * 4);
    file << std::string(4096, 'x');
    file.close();
    const auto damaged = copy_store(path, scratch.file("copy.db"), noon, watch);
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code() == ErrorCode::corrupt);
}

TEST_CASE("the inbox is copied with its rows") {
    Scratch scratch;
    REQUIRE(Inbox::open(scratch.file("inbox.db")));
    {
        Foreign dropper(scratch.file("inbox.db"));
        dropper.database().exec("INSERT INTO jobs (id, model, input) VALUES ('a', 'm', '{}')");
    }
    CopyWatch watch;
    const auto rows = copy_inbox(scratch.file("inbox.db"), scratch.file("copy.inbox"), watch);
    REQUIRE(rows);
    CHECK(*rows == 1);
    const auto inbox = Inbox::open(scratch.file("copy.inbox"));
    REQUIRE(inbox);
    const auto pending = (*inbox)->pending(10);
    REQUIRE(pending);
    REQUIRE(pending->size() == 1);
}
