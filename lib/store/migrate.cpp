#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include "base/crash_point.hpp"
#include "store/opening.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr const char* begin_step = "BEGIN IMMEDIATE";
constexpr const char* commit_step = "COMMIT";
constexpr const char* undo_step = "ROLLBACK";

// The file sets user_version itself, so that schema and number change together or not at all.
void run_step(SQLite::Database& database, const sql::NamedQuery& step, int version) {
    database.exec(begin_step);
    try {
        database.exec(std::string(step.text));
        if (schema_version(database) != version) {
            throw std::logic_error(fmt::format("{} does not set user_version {}", step.name,
                                               version));
        }
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

Status migrate(SQLite::Database& database, std::string_view path) {
    try {
        for (int at = schema_version(database); at < newest_schema(); ++at) {
            run_step(database, sql::migrations.at(static_cast<std::size_t>(at)), at + 1);
        }
    } catch (...) {
        return current_error(fmt::format("cannot bring {} to schema {}", path, newest_schema()));
    }
    return ok();
}

}  // namespace reeld::store
