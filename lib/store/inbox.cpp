#include "store/inbox.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/crash_point.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/retry_branch.hpp"
#include "store/instance_lock.hpp"
#include "store/lock_holders.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr unsigned inbox_mode = 0660;
// Foreign programs come and go here; the event loop looks again later instead of waiting.
constexpr int busy_timeout_ms = 10;
// Who may write the file may give it triggers and views that never end. One call may take as many
// steps of SQLite's machine as a hundred thousand rows do, several times over: a second or two.
constexpr int steps_between_looks = 100'000;
constexpr int looks_max = 500;

constexpr const char* begin_change = "BEGIN IMMEDIATE";
constexpr const char* commit_change = "COMMIT";
constexpr const char* undo_change = "ROLLBACK";

// Which file a path names; it may be replaced under us.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
};

std::optional<FileId> id_of(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return FileId{facts.st_dev, facts.st_ino};
}

SQLite::Statement statement(SQLite::Database& database, std::string_view text) {
    // Prepared anew each time: a foreign ALTER TABLE may change the columns between two looks.
    return SQLite::Statement(database, text.data());
}

// More than any field of a job may have; such a value is not read into memory, let alone parsed.
constexpr int value_bytes_max = 4 * 1024 * 1024;

bool is_oversized(const SQLite::Column& column) {
    const int type = column.getType();
    return (type == SQLITE_TEXT || type == SQLITE_BLOB) && column.getBytes() > value_bytes_max;
}

std::string bytes_of(const SQLite::Column& column) {
    if (is_oversized(column)) return fmt::format("({} bytes, too many to read)", column.getBytes());
    const auto* data = static_cast<const char*>(column.getBlob());
    return data == nullptr ? std::string()
                           : std::string(data, static_cast<std::size_t>(column.getBytes()));
}

// A value as the socket would carry it.
json::value json_of(const SQLite::Column& column, bool parse) {
    switch (column.getType()) {
        case SQLITE_INTEGER:
            return column.getInt64();
        case SQLITE_FLOAT:
            return column.getDouble();
        case SQLITE_NULL:
            return nullptr;
        default:
            break;
    }
    // A blob is taken as text: readfile() of the sqlite3 shell gives one.
    const std::string bytes = bytes_of(column);
    if (!is_utf8(bytes)) return json::value("(bytes that are not UTF-8)");
    if (parse) {
        if (auto value = parse_json(bytes)) return std::move(*value);
    }
    return json::value(bytes);
}

bool is_about_row(std::string_view name) {
    return name == "inbox_rowid" || name == "error";
}

InboxRow read_row(const SQLite::Statement& row) {
    InboxRow result;
    Sha256 hash;
    for (int i = 0; i < row.getColumnCount(); ++i) {
        const SQLite::Column column = row.getColumn(i);
        const std::string name = column.getName();
        if (name == "inbox_rowid") result.rowid = column.getInt64();
        if (is_about_row(name) || column.isNull()) continue;
        const std::string bytes = bytes_of(column);
        hash.update(fmt::format("{}:{}{}:{}:", name.size(), name, column.getType(), bytes.size()));
        hash.update(bytes);
        result.job[name] = json_of(column, name == "input" || name == "labels");
    }
    result.fingerprint = hash.hex_digest();
    return result;
}

// One write transaction; leaves nothing behind when f throws.
template <class F>
void change(SQLite::Database& database, F&& f) {
    database.exec(begin_change);
    try {
        f();
        database.exec(commit_change);
    } catch (...) {
        database.tryExec(undo_change);
        throw;
    }
}

bool still_as_read(SQLite::Database& database, const InboxRow& row) {
    SQLite::Statement now = statement(database, sql::inbox_row);
    now.bind(":rowid", row.rowid);
    return now.executeStep() && read_row(now).fingerprint == row.fingerprint;
}

}  // namespace

struct Inbox::State {
    std::string path;
    std::unique_ptr<SQLite::Database> database;
    FileId file;
    std::int64_t generation = 0;  // counts openings, so that a replaced file changes data_version
    int looks = 0;                // of the call that runs

    // The connection to the file that has the path now; opens or creates it when needed.
    SQLite::Database& ready() {
        looks = 0;
        if (database && id_of(path) == file) return *database;
        if (database) retry_branch::taken(RetryBranch::inbox_replaced);
        database.reset();
        if (Status made = create_database_file(path, inbox_mode); !made) {
            throw SQLite::Exception(made.error().message(), SQLITE_CANTOPEN);
        }
        crash_point::pass(CrashPoint::inbox_file_made);
        auto fresh =
            std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE, busy_timeout_ms);
        const auto id = id_of(path);
        sqlite3_progress_handler(fresh->getHandle(), steps_between_looks, &takes_too_long, &looks);
        set_up(*fresh);
        if (!id || id_of(path) != id) {
            throw SQLite::Exception("the file was replaced while it was being opened", SQLITE_BUSY);
        }
        file = *id;
        ++generation;
        database = std::move(fresh);
        return *database;
    }

    static int takes_too_long(void* looks) { return ++*static_cast<int*>(looks) > looks_max; }

    static void set_up(SQLite::Database& fresh) {
        // EXTRA also syncs the folder after a commit: an id given here must not vanish with the
        // power, because a job has been made under it.
        fresh.exec("PRAGMA synchronous = EXTRA");
        fresh.exec(std::string(sql::inbox_create));
        if (!has_unchecked(fresh)) add_unchecked(fresh);
        crash_point::pass(CrashPoint::inbox_table_made);
        // A shell may have made it a WAL database; that works too, so a refusal does not matter.
        SQLite::Statement mode(fresh, "PRAGMA journal_mode = DELETE");
        while (mode.tryExecuteStep() == SQLITE_ROW) {
        }
    }

    // A table that somebody made a view, or changed, goes on without the column.
    static void add_unchecked(SQLite::Database& fresh) {
        const int result = fresh.tryExec(std::string(sql::inbox_add_unchecked));
        if (result == SQLITE_BUSY || result == SQLITE_LOCKED) {
            throw SQLite::Exception("another program holds the file", SQLITE_BUSY);
        }
    }

    static bool has_unchecked(SQLite::Database& fresh) {
        SQLite::Statement look = statement(fresh, sql::inbox_has_unchecked);
        look.executeStep();
        return look.getColumn(0).getInt() != 0;
    }

    std::string doing(std::string_view what) const { return fmt::format("{} {}", what, path); }

    static std::string_view remedy(ErrorCode code) {
        if (code == ErrorCode::corrupt) {
            return "; move the file away: a new one is made at once, and sqlite3's .recover gets "
                   "rows out of the old one";
        }
        if (code == ErrorCode::io) {
            return "; give the file and its folder to the service's user, writable";
        }
        if (code == ErrorCode::internal) {
            return "; when its table was changed by hand, move the file away: a new one is made at "
                   "once";
        }
        return "";
    }

    // After a failure that may come from a broken or exchanged file: look afresh next time.
    Error failed(std::string_view what) {
        Error error = current_error(doing(what));
        if (error.code() == ErrorCode::busy) return error;
        retry_branch::taken(RetryBranch::inbox_opened_anew);
        database.reset();
        if (looks > looks_max) {
            return Error(ErrorCode::internal,
                         doing(what) +
                             ": it has a trigger or a view that does not end, or too many "
                             "rows; drop what was added to its schema, or move the file "
                             "away: a new one is made at once");
        }
        return Error(error.code(), error.context() + std::string(remedy(error.code())));
    }
};

Inbox::Inbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inbox::~Inbox() = default;

std::string Inbox::path() const {
    return state_->path;
}
std::string Inbox::holders() const {
    return lock_holders(state_->path, LockKind::bytes);
}

Result<std::unique_ptr<Inbox>> Inbox::open(const std::string& path) {
    auto state = std::make_unique<State>();
    state->path = path;
    try {
        state->ready();
    } catch (...) {
        // A foreign transaction must not keep the daemon from starting: pending() tries again.
        Error error = state->failed("cannot open the inbox");
        if (error.code() != ErrorCode::busy) return error;
    }
    return std::unique_ptr<Inbox>(new Inbox(std::move(state)));
}

Result<std::vector<InboxRow>> Inbox::pending(int limit) {
    try {
        SQLite::Database& database = state_->ready();
        bool without_id = false;
        {
            SQLite::Statement look = statement(database, sql::inbox_without_id);
            look.executeStep();
            without_id = look.getColumn(0).getInt() != 0;
        }
        if (without_id) {
            change(database, [&] { statement(database, sql::inbox_give_ids).exec(); });
            crash_point::pass(CrashPoint::inbox_ids_given);
        }
        std::vector<InboxRow> rows;
        SQLite::Statement row = statement(database, sql::inbox_pending);
        row.bind(":limit", limit);
        while (row.executeStep())
            rows.push_back(read_row(row));
        return rows;
    } catch (...) {
        return state_->failed("cannot read the inbox");
    }
}

Status Inbox::remove(const std::vector<InboxRow>& rows) {
    if (rows.empty()) return ok();
    try {
        SQLite::Database& database = state_->ready();
        change(database, [&] {
            for (const InboxRow& row : rows) {
                if (!still_as_read(database, row)) continue;
                SQLite::Statement removal = statement(database, sql::inbox_remove);
                removal.bind(":rowid", row.rowid);
                removal.exec();
            }
            crash_point::pass(CrashPoint::inbox_delete_written);
        });
        crash_point::pass(CrashPoint::inbox_rows_deleted);
        return ok();
    } catch (...) {
        return state_->failed("cannot remove rows from the inbox");
    }
}

Status Inbox::reject(const InboxRow& row, const std::string& error) {
    try {
        SQLite::Database& database = state_->ready();
        change(database, [&] {
            if (!still_as_read(database, row)) return;
            SQLite::Statement note = statement(database, sql::inbox_reject);
            note.bind(":rowid", row.rowid);
            note.bind(":error", error);
            note.exec();
            crash_point::pass(CrashPoint::inbox_error_written);
        });
        crash_point::pass(CrashPoint::inbox_row_refused);
        return ok();
    } catch (...) {
        return state_->failed("cannot write an error into the inbox");
    }
}

Result<std::int64_t> Inbox::data_version() {
    try {
        const std::int64_t version = state_->ready().execAndGet("PRAGMA data_version").getInt64();
        return (state_->generation << 32) + version;
    } catch (...) {
        return state_->failed("cannot look at the inbox");
    }
}

}  // namespace reeld::store
