#include "support/dropper.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace reeld::test {
namespace {

SQLite::Database open(const std::string& inbox) {
    SQLite::Database database(inbox, SQLite::OPEN_READWRITE);
    // What it did survives a power cut, then.
    database.exec("PRAGMA synchronous = EXTRA");
    return database;
}

}  // namespace

bool drop_row(const std::string& inbox, const std::string& id, const std::string& model,
              const std::string& input) {
    return edit_inbox(inbox, "INSERT INTO jobs (id, model, input, batch) VALUES (?, ?, ?, 'night')",
                      {id, model, input}) == 1;
}

bool mend_row(const std::string& inbox, const std::string& id, const std::string& input) {
    return edit_inbox(inbox,
                      "UPDATE jobs SET input = ?, error = NULL WHERE id = ? AND error IS NOT NULL",
                      {input, id}) == 1;
}

std::string row_error(const std::string& inbox, const std::string& id) {
    // Reads beside a program that holds the inbox.
    SQLite::Database database(inbox, SQLite::OPEN_READONLY);
    SQLite::Statement query(database, "SELECT error FROM jobs WHERE id = ? AND error IS NOT NULL");
    query.bind(1, id);
    return query.executeStep() ? query.getColumn(0).getString() : std::string{};
}

int edit_inbox(const std::string& inbox, const std::string& sql,
               const std::vector<std::string>& values) {
    try {
        SQLite::Database database = open(inbox);
        SQLite::Statement statement(database, sql);
        int index = 0;
        for (const std::string& value : values) statement.bind(++index, value);
        return statement.exec();
    } catch (const SQLite::Exception&) {
        return -1;
    }
}

struct ForeignShell::State {
    explicit State(const std::string& inbox) : database(inbox, SQLite::OPEN_READWRITE) {}
    SQLite::Database database;
};

ForeignShell::ForeignShell(const std::string& inbox) {
    try {
        state_ = std::make_unique<State>(inbox);
        state_->database.exec("BEGIN IMMEDIATE");
        state_->database.exec("UPDATE jobs SET priority = priority + 1");
        holds_ = true;
    } catch (const SQLite::Exception&) {
        state_.reset();
    }
}

ForeignShell::~ForeignShell() {
    if (!state_) return;
    try {
        state_->database.exec("ROLLBACK");
    } catch (const SQLite::Exception&) {
        // The connection's end rolls back all the same.
    }
}

}  // namespace reeld::test
