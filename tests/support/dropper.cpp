#include "support/dropper.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace reeld::test {

bool drop_row(const std::string& inbox, const std::string& id, const std::string& model,
              const std::string& input) {
    try {
        SQLite::Database database(inbox, SQLite::OPEN_READWRITE);
        // Its row survives a power cut, then.
        database.exec("PRAGMA synchronous = EXTRA");
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

}  // namespace reeld::test
