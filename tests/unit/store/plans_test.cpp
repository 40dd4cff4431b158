// Every query is one search in an index. A plan that scans or sorts works on a small database and
// stops the event loop on a large one.
#include <map>
#include <set>

#include "foreign.hpp"
#include "scratch.hpp"
#include "store/inbox.hpp"
#include "store_sql.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

// Steps of plans that may scan or sort, with the reason.
const std::map<std::string, std::string> allowed_steps{
    {"SCAN sqlite_sequence", "one row for each of three tables"},
    {"SCAN wanted VIRTUAL TABLE INDEX 1:", "the labels asked for: a bound parameter, not a table"},
};
const std::map<std::string, std::string> allowed_queries{
    {"count_by_state", "at most one row a state"},
    {"check_integrity", "all of the database; on the thread of DatabaseCheck"},
    {"check_references", "as check_integrity"},
    {"check_requests", "as check_integrity"},
    {"check_counts", "as check_integrity"},
    {"count_all_jobs", "for a copy, on a thread of its own"},
    {"count_all_events", "for a copy, on a thread of its own"},
    {"chain_head_hex", "one row"},
    {"count_tables", "the schema; once at start"},
    {"unstored_files", "all rows of a partial index that holds the files on their way"},
    {"money_open", "all rows of a partial index that holds the days with undecided money"},
    {"files_in_use", "all rows of a partial index that holds the unfinished jobs with files"},
    {"list_by_prefix", "ids do not grow with age; the sort is over integers of one prefix"},
};

bool is_inbox(std::string_view name) { return name.starts_with("inbox_"); }

std::vector<std::string> plan(SQLite::Database& database, std::string_view text) {
    SQLite::Statement explain(database, "EXPLAIN QUERY PLAN " + std::string(text));
    std::vector<std::string> steps;
    while (explain.executeStep()) steps.push_back(explain.getColumn(3).getString());
    return steps;
}

bool slow(const std::string& step) {
    if (allowed_steps.contains(step)) return false;
    return step.starts_with("SCAN") || step.find("TEMP B-TREE") != std::string::npos ||
           step.find("AUTOMATIC") != std::string::npos;
}

}  // namespace

TEST_CASE("every query is planned as a search in an index, the exceptions named") {
    Scratch scratch;
    open_store(scratch.file("reel.db"));
    Foreign reel(scratch.file("reel.db"));
    std::set<std::string> needed;
    for (const auto& query : sql::all_queries) {
        if (is_inbox(query.name)) continue;
        for (const std::string& step : plan(reel.database(), query.text)) {
            if (!slow(step)) continue;
            const std::string name(query.name);
            CAPTURE(name);
            CAPTURE(step);
            CHECK(allowed_queries.contains(name));
            needed.insert(name);
        }
    }
    for (const auto& allowed : allowed_queries) {
        const std::string name = allowed.first;
        CAPTURE(name);
        CHECK(needed.contains(name));  // an exception that is not needed any more goes
    }
}

TEST_CASE("no query of a job's way builds a temporary b-tree") {
    Scratch scratch;
    open_store(scratch.file("reel.db"));
    Foreign reel(scratch.file("reel.db"));
    for (const std::string_view text :
         {sql::insert_job, sql::update_job, sql::update_timer, sql::insert_attempt,
          sql::update_attempt, sql::money_of_day, sql::money_of_batch, sql::next_link, sql::insert_event, sql::set_chain_head, sql::evidence_by_id,
          sql::insert_evidence, sql::mark_processed, sql::save_output,
          sql::count_in_hand, sql::due_jobs, sql::next_due, sql::queued_jobs, sql::ready_jobs,
          sql::jobs_to_upload, sql::save_upload}) {
        CAPTURE(text);
        SQLite::Statement explain(reel.database(), "EXPLAIN " + std::string(text));
        while (explain.executeStep()) {
            CHECK(explain.getColumn(1).getString() != "OpenEphemeral");
        }
    }
}

TEST_CASE("every query of the inbox compiles against a fresh inbox") {
    Scratch scratch;
    REQUIRE(Inbox::open(scratch.file("inbox.db")));
    Foreign inbox(scratch.file("inbox.db"));
    for (const auto& query : sql::all_queries) {
        if (!is_inbox(query.name)) continue;
        // This one is for a table that lacks the column.
        const bool adds = query.name == "inbox_add_unchecked";
        if (adds) inbox.exec("ALTER TABLE jobs DROP COLUMN unchecked");
        CHECK_NOTHROW(plan(inbox.database(), query.text));
        if (adds) inbox.exec(std::string(query.text));
    }
}
