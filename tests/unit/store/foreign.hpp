#pragma once
// Another program at a database: a connection of its own, as the sqlite3 shell would have.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>

namespace reeld::store::testing {

class Foreign {
  public:
    explicit Foreign(const std::string& path)
        : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {}
    void exec(const std::string& text) { database_.exec(text); }
    // False when SQLite refused.
    bool allowed(const std::string& text) { return database_.tryExec(text) == 0; }
    std::string get(const std::string& query) { return database_.execAndGet(query).getString(); }
    SQLite::Database& database() { return database_; }

  private:
    SQLite::Database database_;
};

}  // namespace reeld::store::testing
