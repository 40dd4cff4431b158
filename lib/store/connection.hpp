#pragma once
// The one connection to reel.db: its prepared statements and its group transaction.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/instance_lock.hpp"
#include "store/store.hpp"

namespace reeld::store {

class Connection {
  public:
    // One prepared statement, borrowed by at most one Query at a time.
    struct Prepared {
        SQLite::Statement statement;
        bool borrowed = false;
    };

    // Opens the file as it is: nothing is created, migrated or set.
    Connection(const std::string& path, std::unique_ptr<InstanceLock> lock);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    SQLite::Database& database() { return database_; }
    const std::string& path() const { return path_; }
    // `sql` must be a constant: its address is the key.
    Prepared& prepared(std::string_view sql);

    // The group: many savepoints, one commit.
    Status run(const std::string& doing, void* object, void (*call)(void*, Tx&));
    Status commit();
    bool dirty() const { return dirty_; }
    bool group_open() const { return group_open_; }

    // Frames in the WAL since it was last restarted, as of the newest commit.
    int wal_frames() const { return wal_frames_; }
    // After the pragmas: wal_autocheckpoint replaces the hook.
    void watch_wal(int checkpoint_frames);
    Status checkpoint();
    // A foreign program holds the write lock: reads go on, writes fail as busy.
    bool writes_blocked() const { return writes_blocked_; }
    // A foreign reader kept the WAL from being emptied the last time, and it is large.
    bool wal_is_stuck() const { return wal_is_stuck_; }
    bool is_in_place() const { return lock_->is_in_place(path_); }

  private:
    Status begin();
    void begin_writing();
    // After a failure inside the savepoint: undoes it alone, or learns that SQLite undid everything.
    void undo_savepoint(const Error& cause);
    void end_clean_group();
    void roll_back_group();
    void execute(std::string_view sql);

    std::string path_;
    std::unique_ptr<InstanceLock> lock_;  // outlives the database handle
    SQLite::Database database_;
    std::map<const void*, Prepared> statements_;
    bool group_open_ = false;
    bool running_ = false;
    bool dirty_ = false;           // kept changes wait for commit()
    std::optional<Error> lost_;    // SQLite rolled the group back; until commit() has said so
    int wal_frames_ = 0;
    bool wal_is_stuck_ = false;
    bool writes_blocked_ = false;
    int checkpoint_frames_ = 0;
};

// A prepared statement for one use: bound by name, read by column name, reset at the end.
class Query {
  public:
    Query(Connection& connection, std::string_view sql);
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    Query& integer(const char* name, std::int64_t value);
    Query& integer(const char* name, const std::optional<std::int64_t>& value);
    Query& real(const char* name, const std::optional<double>& value);
    Query& time(const char* name, const std::optional<Instant>& value);
    Query& text(const char* name, std::string_view value);
    Query& text_or_null(const char* name, std::string_view value);  // NULL for the empty one
    Query& blob(const char* name, std::string_view bytes);
    Query& blob(const char* name, const std::optional<std::string>& bytes);

    bool next();
    // Runs to the end; the number of rows it changed.
    int run();

    enum class Kind { null, integer, real, text, blob };
    Kind kind(const char* column) const;  // as stored
    bool is_null(const char* column) const;
    std::int64_t integer(const char* column) const;
    int small(const char* column) const;
    std::optional<std::int64_t> maybe_integer(const char* column) const;
    std::optional<double> maybe_real(const char* column) const;
    std::optional<Instant> maybe_time(const char* column) const;
    Instant time(const char* column) const;
    std::string text(const char* column) const;  // a blob's bytes too; "" for NULL
    std::optional<std::string> maybe_text(const char* column) const;
    bool flag(const char* column) const { return integer(column) != 0; }
    std::int64_t first_integer() const;          // of the first column

  private:
    Connection::Prepared& prepared_;
};

}  // namespace reeld::store
