#include "support/dropper.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace reeld::test {
namespace {

SQLite::Database open(const std::string& inbox) {
    SQLite::Database database(inbox, SQLite::OPEN_READWRITE);
    // What is dropped survives a power cut, then.
    database.exec("PRAGMA synchronous = EXTRA");
    return database;
}

}  // namespace

bool drop_row(const std::string& inbox, const std::string& id, const std::string& model,
              const std::string& input) {
    try {
        SQLite::Database database = open(inbox);
        SQLite::Statement insert(database,
                                 "INSERT INTO jobs (id, model, input, batch) VALUES (?, ?, ?, 'night')");
        insert.bind(1, id);
        insert.bind(2, model);
        insert.bind(3, input);
        return insert.exec() == 1;
    } catch (const SQLite::Exception&) {
        return false;
    }
}

bool mend_row(const std::string& inbox, const std::string& id, const std::string& input) {
    try {
        SQLite::Database database = open(inbox);
        SQLite::Statement update(
            database, "UPDATE jobs SET input = ?, error = NULL WHERE id = ? AND error IS NOT NULL");
        update.bind(1, input);
        update.bind(2, id);
        return update.exec() == 1;
    } catch (const SQLite::Exception&) {
        return false;
    }
}

}  // namespace reeld::test
