#include "store/opening.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <array>

#include "base/crash_point.hpp"
#include "store/connection.hpp"
#include "store/instance_lock.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr int reel_application_id = 0x7265656c;
constexpr unsigned database_mode = 0640;

// Defaults differ between builds of SQLite and some settings fail in silence: each is set and then
// read back.
struct Pragma {
    std::string_view name;
    std::string_view value;
    std::string_view expected;
};
constexpr std::array common_pragmas{
    Pragma{"journal_mode", "WAL", "wal"},
    Pragma{"foreign_keys", "ON", "1"},
    // Checkpoints run when the daemon says so, never in the middle of a commit.
    Pragma{"wal_autocheckpoint", "0", "0"},
    Pragma{"journal_size_limit", "4194304", "4194304"},
    Pragma{"temp_store", "MEMORY", "2"},
    Pragma{"cell_size_check", "ON", "1"},
};
constexpr Pragma durable_pragma{"synchronous", "FULL", "2"};
constexpr Pragma volatile_pragma{"synchronous", "OFF", "0"};

Status apply(SQLite::Database& database, const std::string& path, const Pragma& pragma) {
    const std::string set = fmt::format("PRAGMA {} = {}", pragma.name, pragma.value);
    SQLite::Statement statement(database, set);
    while (statement.executeStep()) {
    }
    const std::string got =
        database.execAndGet(fmt::format("PRAGMA {}", pragma.name)).getString();
    if (got == pragma.expected) return ok();
    return Error(ErrorCode::unsupported,
                 fmt::format("{}: PRAGMA {} reads back as '{}' instead of '{}'; the file system or "
                             "this build of SQLite does not support it",
                             path, pragma.name, got, pragma.expected));
}

Status apply_pragmas(SQLite::Database& database, const StoreConfig& config) {
    for (const Pragma& pragma : common_pragmas) {
        if (Status done = apply(database, config.path, pragma); !done) return done;
    }
    if (config.pages_max > 0) {
        database.exec(fmt::format("PRAGMA max_page_count = {}", config.pages_max));
    }
    return apply(database, config.path, config.durable ? durable_pragma : volatile_pragma);
}

// Before anything is written: is this ours, and not of the future?
Status check_identity(SQLite::Database& database, const std::string& path) {
    const int id = database.execAndGet("PRAGMA application_id").getInt();
    const int version = schema_version(database);
    const int tables = database.execAndGet(std::string(sql::count_tables)).getInt();
    const bool empty = id == 0 && version == 0 && tables == 0;
    if (!empty && id != reel_application_id) {
        return Error(ErrorCode::invalid,
                     fmt::format("{} is a database of another program (application id {:#x}): name "
                                 "another state folder, or move that file away",
                                 path, id));
    }
    if (version > newest_schema()) {
        return Error(ErrorCode::unsupported,
                     fmt::format("{} was made by a newer reeld (schema {}, this one knows {}): "
                                 "upgrade reeld, or restore a copy that is as old as this reeld",
                                 path, version, newest_schema()));
    }
    return ok();
}

// What a process wrote and did not live to sync is read back from the system's memory, and looks
// committed. Nobody may be told of it before it is: an answer about it needs no commit of its own.
Status sync_log(SQLite::Database& database, const std::string& path) {
    sqlite3_file* log = nullptr;
    const int asked = sqlite3_file_control(database.getHandle(), "main",
                                           SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (asked != SQLITE_OK || log == nullptr || log->pMethods == nullptr) return ok();
    const int result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    if (result == SQLITE_OK) return ok();
    return Error(code_of_sqlite(result), fmt::format("cannot sync {}-wal: {} (SQLite {})", path,
                                                     sqlite3_errstr(result), result));
}

Status prepare(Connection& connection, const StoreConfig& config) {
    SQLite::Database& database = connection.database();
    if (Status known = check_identity(database, config.path); !known) return known;
    if (Status sound = quick_check(database, config.path); !sound) return sound;
    if (Status set = apply_pragmas(database, config); !set) return set;
    crash_point::pass(CrashPoint::opening_wal_mode_set);
    if (Status migrated = migrate(connection); !migrated) return migrated;
    connection.watch_wal(config.checkpoint_frames);
    return config.durable ? sync_log(database, config.path) : ok();
}

}  // namespace

Status quick_check(SQLite::Database& database, std::string_view path) {
    try {
        const std::string finding = database.execAndGet("PRAGMA quick_check(1)").getString();
        if (finding == "ok") return ok();
        return Error(ErrorCode::corrupt,
                     fmt::format("{} is damaged ({}): stop reeld, keep a copy of the file and its "
                                 "-wal, and restore a backup or run sqlite3's .recover",
                                 path, finding));
    } catch (...) {
        return current_error(fmt::format("cannot check {}", path));
    }
}

Result<std::unique_ptr<Connection>> open_connection(const StoreConfig& config) {
    auto lock = InstanceLock::acquire(config.path + ".lock");
    if (!lock) return lock.error();
    crash_point::pass(CrashPoint::opening_locked);
    if (Status made = create_database_file(config.path, database_mode); !made) return made.error();
    crash_point::pass(CrashPoint::opening_file_made);
    if (Status held = (*lock)->hold_database(config.path); !held) return held.error();
    try {
        auto connection = std::make_unique<Connection>(config.path, std::move(*lock));
        if (Status ready = prepare(*connection, config); !ready) return ready.error();
        return connection;
    } catch (...) {
        return current_error("cannot open " + config.path);
    }
}

}  // namespace reeld::store
