#include "store/database_check.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <atomic>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr int busy_timeout_ms = 1'000;
// How many steps of SQLite's machine go between two looks at whether anybody still waits.
constexpr int steps_between_looks = 10'000;

int gives_up(void* stop) { return static_cast<std::atomic<bool>*>(stop)->load() ? 1 : 0; }

}  // namespace

struct DatabaseCheck::State {
    std::string path;
    std::atomic<bool> stop{false};
    std::atomic<bool> done{false};
    std::vector<std::string> found;  // the thread's until `done`
    std::thread thread;

    void run() {
        try {
            SQLite::Database database(path, SQLite::OPEN_READONLY, busy_timeout_ms);
            sqlite3_progress_handler(database.getHandle(), steps_between_looks, &gives_up, &stop);
            for (const std::string_view text : {sql::check_integrity, sql::check_references,
                                                sql::check_requests, sql::check_counts}) {
                SQLite::Statement row(database, text.data());
                while (row.executeStep()) found.push_back(row.getColumn("what").getString());
            }
        } catch (...) {
            found.push_back(current_error("cannot check " + path).message());
        }
        done = true;
    }
};

DatabaseCheck::DatabaseCheck(const std::string& path) : state_(std::make_unique<State>()) {
    state_->path = path;
    state_->thread = std::thread([state = state_.get()] { state->run(); });
}

DatabaseCheck::~DatabaseCheck() {
    state_->stop = true;
    state_->thread.join();
}

std::optional<std::vector<std::string>> DatabaseCheck::result() const {
    if (!state_->done) return std::nullopt;
    return state_->found;
}

}  // namespace reeld::store
