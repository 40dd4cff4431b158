#include "store/store.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "store/connection.hpp"
#include "store/lock_holders.hpp"
#include "store/opening.hpp"
#include "store/sqlite_error.hpp"

namespace reeld::store {
namespace {

// By stat, not by opening: a descriptor of the file must never be closed in this process.
std::uint64_t size_of(const std::string& path) {
    std::error_code failure;
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    return failure ? 0 : static_cast<std::uint64_t>(size);
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const StoreConfig& config) {
    auto connection = open_connection(config);
    if (!connection) return connection.error();
    return std::unique_ptr<Store>(new Store(std::move(*connection)));
}

Store::Store(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Store::~Store() = default;

Status Store::run_work(Work work) {
    return connection_->run("a transaction on " + connection_->path(), work.object, work.call);
}

bool Store::dirty() const { return connection_->dirty(); }
Status Store::commit() { return connection_->commit(); }
Status Store::checkpoint() { return connection_->checkpoint(); }

const std::string& Store::path() const { return connection_->path(); }

StoreFacts Store::facts() {
    StoreFacts facts;
    facts.sqlite_version = sqlite3_libversion();
    facts.schema_version = newest_schema();
    facts.database_bytes = size_of(connection_->path());
    facts.wal_bytes = size_of(connection_->path() + "-wal");
    // The bytes of the shared-memory file that SQLite locks: 120 to write, 123 to 127 to read.
    const std::string shared = connection_->path() + "-shm";
    facts.is_in_place = connection_->is_in_place();
    facts.writes_blocked = connection_->writes_blocked();
    facts.wal_is_stuck = connection_->wal_is_stuck();
    if (facts.writes_blocked) {
        facts.held_by = lock_holders(shared, LockKind::bytes, 120, 120);
    } else if (facts.wal_is_stuck) {
        facts.held_by = lock_holders(shared, LockKind::bytes, 123, 127);
    }
    return facts;
}

Status Store::check_integrity() {
    return quick_check(connection_->database(), connection_->path());
}


}  // namespace reeld::store
