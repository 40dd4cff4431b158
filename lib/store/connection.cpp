#include "store/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <stdexcept>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "store/sqlite_error.hpp"

namespace reeld::store {
namespace {

constexpr std::string_view begin_group = "BEGIN IMMEDIATE";
constexpr std::string_view begin_reading = "BEGIN";
constexpr std::string_view commit_group = "COMMIT";
constexpr std::string_view roll_back_all = "ROLLBACK";
constexpr std::string_view open_savepoint = "SAVEPOINT change";
constexpr std::string_view keep_savepoint = "RELEASE change";
constexpr std::string_view undo_changes = "ROLLBACK TO change";

// For foreign readers' moments only; the event loop stands still meanwhile.
constexpr int busy_timeout_ms = 50;

// So many times the bound, and a restart of the WAL is not awaited any longer: its file is cut.
constexpr int wal_large = 4;

int on_wal_commit(void* frames, sqlite3*, const char*, int count) {
    *static_cast<int*>(frames) = count;
    return SQLITE_OK;
}

}  // namespace

Connection::Connection(const std::string& path, std::unique_ptr<InstanceLock> lock)
    : path_(path),
      lock_(std::move(lock)),
      database_(path, SQLite::OPEN_READWRITE, busy_timeout_ms) {}

Connection::~Connection() {
    // Without commit() nothing was promised to anybody.
    roll_back_group();
}

Connection::Prepared& Connection::prepared(std::string_view sql) {
    const auto found = statements_.find(sql.data());
    if (found != statements_.end()) return found->second;
    Prepared fresh{SQLite::Statement(database_, sql.data()), false};
    return statements_.emplace(sql.data(), std::move(fresh)).first->second;
}

void Connection::execute(std::string_view sql) { Query(*this, sql).run(); }

Status Connection::begin() {
    if (group_open_) return ok();
    try {
        begin_writing();
        // What only reads can go on beside a foreign writer; what writes fails where it does.
        if (writes_blocked_) execute(begin_reading);
    } catch (...) {
        return current_error("cannot begin a transaction on " + path_);
    }
    group_open_ = true;
    return ok();
}

void Connection::begin_writing() {
    try {
        execute(begin_group);
    } catch (const SQLite::Exception& cause) {
        if (code_of_sqlite(cause.getErrorCode()) != ErrorCode::busy) throw;
        // Waited for once; the loop must not stand still again in each transaction.
        if (!writes_blocked_) sqlite3_busy_timeout(database_.getHandle(), 0);
        writes_blocked_ = true;
        retry_branch::taken(RetryBranch::store_goes_on_reading);
        return;
    }
    if (!writes_blocked_) return;
    retry_branch::taken(RetryBranch::store_writes_again);
    sqlite3_busy_timeout(database_.getHandle(), busy_timeout_ms);
    writes_blocked_ = false;
}

Status Connection::run(const std::string& doing, void* object, void (*call)(void*, Tx&)) {
    if (running_) throw std::logic_error("transact() called inside a transaction");
    if (lost_) return *lost_;
    if (Status begun = begin(); !begun) return begun;
    const std::int64_t before = sqlite3_total_changes64(database_.getHandle());
    running_ = true;
    std::optional<Error> failure;
    try {
        execute(open_savepoint);
        Tx tx(*this);
        call(object, tx);
        execute(keep_savepoint);
    } catch (...) {
        failure = current_error(doing);
    }
    running_ = false;
    if (failure) {
        undo_savepoint(*failure);
    } else if (sqlite3_total_changes64(database_.getHandle()) != before) {
        dirty_ = true;
    }
    if (!dirty_) end_clean_group();
    if (failure) return *failure;
    return ok();
}

void Connection::undo_savepoint(const Error& cause) {
    // A full disk or an I/O error may have made SQLite roll back the whole group.
    if (sqlite3_get_autocommit(database_.getHandle()) == 0) {
        try {
            execute(undo_changes);
            execute(keep_savepoint);
            retry_branch::taken(RetryBranch::store_change_undone);
            return;
        } catch (...) {
            roll_back_group();
        }
    }
    group_open_ = false;
    if (dirty_) {
        retry_branch::taken(RetryBranch::store_group_lost);
        lost_ = Error(cause.code(),
                      "earlier changes of the same group were rolled back: " + cause.context());
    }
}

void Connection::end_clean_group() {
    // Nothing was written, so this costs no sync; an open group would only pin a snapshot.
    roll_back_group();
}

void Connection::roll_back_group() {
    if (sqlite3_get_autocommit(database_.getHandle()) == 0) {
        try {
            execute(roll_back_all);
        } catch (const SQLite::Exception& cause) {
            log::error("store", fmt::format("cannot roll back: {}", cause.what()));
        }
    }
    group_open_ = false;
}

Status Connection::commit() {
    if (running_) throw std::logic_error("commit() called inside a transaction");
    dirty_ = false;
    if (lost_) {
        Error error = std::move(*lost_);
        lost_.reset();
        roll_back_group();
        return error;
    }
    if (!group_open_) return ok();
    crash_point::pass(CrashPoint::store_commit_begins);
    try {
        execute(commit_group);
        group_open_ = false;
        crash_point::pass(CrashPoint::store_committed);
        return ok();
    } catch (...) {
        Error error = current_error("cannot commit to " + path_);
        retry_branch::taken(RetryBranch::store_commit_failed);
        roll_back_group();
        return error;
    }
}

void Connection::watch_wal(int checkpoint_frames) {
    checkpoint_frames_ = checkpoint_frames;
    sqlite3_wal_hook(database_.getHandle(), &on_wal_commit, &wal_frames_);
}

Status Connection::checkpoint() {
    if (group_open_ || wal_frames_ <= checkpoint_frames_) return ok();
    sqlite3* handle = database_.getHandle();
    int frames = 0;
    int moved = 0;
    // Passive never waits; when all pages are moved, the next commit starts the WAL over.
    int result =
        sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
    if (result == SQLITE_OK && moved > 0) crash_point::pass(CrashPoint::store_pages_moved);
    wal_is_stuck_ = false;
    if (result == SQLITE_OK && frames > wal_large * checkpoint_frames_) {
        // A reader kept the WAL from starting over for long: cut it as soon as the reader is gone,
        // without waiting for it here.
        sqlite3_busy_timeout(handle, 0);
        result = sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_TRUNCATE, &frames,
                                           &moved);
        sqlite3_busy_timeout(handle, writes_blocked_ ? 0 : busy_timeout_ms);
        if (result == SQLITE_OK) crash_point::pass(CrashPoint::store_wal_cut);
        wal_is_stuck_ = result == SQLITE_BUSY;
        if (wal_is_stuck_) retry_branch::taken(RetryBranch::store_log_stuck);
    }
    if (result == SQLITE_OK && moved == frames) wal_frames_ = 0;
    if (result == SQLITE_OK || result == SQLITE_BUSY) return ok();
    retry_branch::taken(RetryBranch::store_checkpoint_failed);
    return sqlite_error("cannot checkpoint " + path_, SQLite::Exception(handle, result));
}

}  // namespace reeld::store
