#include "store/copy.hpp"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "base/crash_point.hpp"
#include "base/crypto.hpp"
#include "store/instance_lock.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr unsigned copy_mode = 0640;
constexpr int busy_timeout_ms = 5'000;
constexpr int pages_at_once = 256;
constexpr int steps_between_looks = 20'000;
constexpr std::size_t read_at_once = 1 << 20;

Error stopped(const std::string& target) {
    return Error(ErrorCode::cancelled, "the copy " + target + " was given up");
}

std::int64_t count(SQLite::Database& database, std::string_view query) {
    return database.execAndGet(std::string(query)).getInt64();
}

int look_for_stop(void* watch) {
    return static_cast<CopyWatch*>(watch)->stop.load() ? 1 : 0;
}

// The file that becomes the copy. Nobody reads it before it is whole and flushed, so it needs no
// journal, and no flush of its own.
SQLite::Database open_target(const std::string& target, CopyWatch& watch) {
    SQLite::Database copy(target, SQLite::OPEN_READWRITE, busy_timeout_ms);
    for (const char* setting : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = OFF",
                                "PRAGMA synchronous = OFF"}) {
        copy.tryExec(setting);
    }
    sqlite3_progress_handler(copy.getHandle(), steps_between_looks, &look_for_stop, &watch);
    return copy;
}

// False: it was stopped.
bool copy_pages(SQLite::Database& from, SQLite::Database& to, int at_once, CopyWatch& watch) {
    SQLite::Backup backup(to, from);
    for (;;) {
        if (watch.stop) return false;
        const int result = backup.executeStep(at_once);
        watch.pages_total = backup.getTotalPageCount();
        watch.pages_done = backup.getTotalPageCount() - backup.getRemainingPageCount();
        crash_point::pass(CrashPoint::copy_pages_written);
        if (result == SQLITE_DONE) return true;
        if (result != SQLITE_OK) throw SQLite::Exception("the database is locked", result);
    }
}

// Both are the plain files of a foreign machine from now on: no log beside them.
void leave_wal(SQLite::Database& copy) {
    SQLite::Statement mode(copy, "PRAGMA journal_mode = DELETE");
    while (mode.executeStep()) {
    }
    crash_point::pass(CrashPoint::copy_log_left);
}

Status check_whole(SQLite::Database& copy, const std::string& target) {
    const std::string finding = copy.execAndGet("PRAGMA integrity_check(1)").getString();
    if (finding == "ok") return ok();
    return Error(ErrorCode::corrupt,
                 fmt::format("the copy {} is damaged ({}), and so may be the database: look at "
                             "the disk, and check reel.db with sqlite3's integrity_check",
                             target, finding));
}

Result<std::string> digest_of(const std::string& path, const CopyWatch& watch) {
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes(read_at_once);
    Sha256 hash;
    while (file && !watch.stop) {
        file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        hash.update({bytes.data(), static_cast<std::size_t>(file.gcount())});
    }
    if (watch.stop) return stopped(path);
    if (!file.eof()) return Error(ErrorCode::io, "cannot read the copy " + path);
    return hash.hex_digest();
}

// Runs f, which throws or answers, and says what went wrong.
template <class F>
auto guarded(const std::string& target, CopyWatch& watch, F&& f) -> decltype(f()) {
    try {
        if (Status made = create_database_file(target, copy_mode); !made) return made.error();
        crash_point::pass(CrashPoint::copy_file_made);
        return f();
    } catch (...) {
        if (watch.stop) return stopped(target);
        return current_error("cannot copy to " + target);
    }
}

Status compare(const CopyFacts& wanted, SQLite::Database& copy, const std::string& target) {
    const std::int64_t jobs = count(copy, sql::count_all_jobs);
    const std::int64_t events = count(copy, sql::count_all_events);
    if (jobs == wanted.jobs && events == wanted.events) return ok();
    return Error(ErrorCode::corrupt,
                 fmt::format("the copy {} has {} jobs and {} events instead of {} and {}", target,
                             jobs, events, wanted.jobs, wanted.events));
}

// A daemon that is started on it must know that more may have happened since.
void mark(SQLite::Database& copy, Instant made_at) {
    SQLite::Statement note(copy, sql::mark_copied.data());
    note.bind(":made_at", to_unix_ms(made_at));
    note.exec();
    crash_point::pass(CrashPoint::copy_marked);
}

Result<CopyFacts> copy_snapshot(const std::string& source, const std::string& target,
                                Instant made_at, CopyWatch& watch) {
    CopyFacts facts;
    {
        SQLite::Database from(source, SQLite::OPEN_READONLY, busy_timeout_ms);
        // One reading transaction over all steps: the writer goes on, the copy does not move.
        from.exec("BEGIN");
        facts.jobs = count(from, sql::count_all_jobs);
        facts.events = count(from, sql::count_all_events);
        SQLite::Database to = open_target(target, watch);
        if (!copy_pages(from, to, pages_at_once, watch)) return stopped(target);
        watch.checking = true;
        leave_wal(to);
        facts.chain_head = to.execAndGet(std::string(sql::chain_head_hex)).getString();
        mark(to, made_at);
        if (Status same = compare(facts, to, target); !same) return same.error();
        if (Status whole = check_whole(to, target); !whole) return whole.error();
    }
    facts.bytes = std::filesystem::file_size(target);
    auto digest = digest_of(target, watch);
    if (!digest) return digest.error();
    facts.sha256 = std::move(*digest);
    return facts;
}

}  // namespace

Result<CopyFacts> copy_store(const std::string& source, const std::string& target,
                             Instant made_at, CopyWatch& watch) {
    return guarded(target, watch, [&] { return copy_snapshot(source, target, made_at, watch); });
}

Result<std::int64_t> copy_inbox(const std::string& source, const std::string& target,
                                CopyWatch& watch) {
    return guarded(target, watch, [&]() -> Result<std::int64_t> {
        SQLite::Database from(source, SQLite::OPEN_READONLY, busy_timeout_ms);
        SQLite::Database to = open_target(target, watch);
        // At once: its droppers wait meanwhile.
        if (!copy_pages(from, to, -1, watch)) return stopped(target);
        leave_wal(to);
        if (Status whole = check_whole(to, target); !whole) return whole.error();
        return count(to, sql::inbox_count);
    });
}

}  // namespace reeld::store
