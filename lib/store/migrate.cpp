#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "store/chain.hpp"
#include "store/connection.hpp"
#include "store/opening.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr const char* begin_step = "BEGIN IMMEDIATE";
constexpr const char* commit_step = "COMMIT";
constexpr const char* undo_step = "ROLLBACK";

constexpr int chained_schema = 2;

// What a step needs beyond SQL.
void fill_in(Connection& connection, int version) {
    if (version == chained_schema) chain_old_events(connection);
}

// The file sets user_version itself, so that schema and number change together or not at all.
void run_step(Connection& connection, const sql::NamedQuery& step, int version) {
    SQLite::Database& database = connection.database();
    database.exec(begin_step);
    try {
        database.exec(std::string(step.text));
        if (schema_version(database) != version) {
            throw std::logic_error(fmt::format("{} does not set user_version {}", step.name,
                                               version));
        }
        fill_in(connection, version);
        crash_point::pass(CrashPoint::migration_step_written);
        database.exec(commit_step);
    } catch (...) {
        database.tryExec(undo_step);
        throw;
    }
    crash_point::pass(CrashPoint::migration_step_committed);
}

}  // namespace

int newest_schema() { return static_cast<int>(sql::migrations.size()); }

int schema_version(SQLite::Database& database) {
    return database.execAndGet("PRAGMA user_version").getInt();
}

Status migrate(Connection& connection) {
    try {
        for (int at = schema_version(connection.database()); at < newest_schema(); ++at) {
            // A large database takes its time; whoever waits for the start is to know why.
            if (at > 0) {
                log::info("store", fmt::format("bringing {} to schema {}", connection.path(),
                                               at + 1));
            }
            run_step(connection, sql::migrations.at(static_cast<std::size_t>(at)), at + 1);
        }
    } catch (...) {
        return current_error(
            fmt::format("cannot bring {} to schema {}", connection.path(), newest_schema()));
    }
    return ok();
}

}  // namespace reeld::store
