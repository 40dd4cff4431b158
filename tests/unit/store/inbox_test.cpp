#include "store/inbox.hpp"

#include <sys/stat.h>

#include <fstream>

#include "foreign.hpp"
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

std::unique_ptr<Inbox> open_inbox(const std::string& path) {
    auto inbox = Inbox::open(path);
    if (!inbox) throw std::runtime_error(inbox.error().message());
    return std::move(*inbox);
}

std::vector<InboxRow> pending(Inbox& inbox, int limit = 100) {
    auto rows = inbox.pending(limit);
    if (!rows) throw std::runtime_error(rows.error().message());
    return *rows;
}

std::string text(const InboxRow& row, const char* member) {
    return std::string(row.job.at(member).as_string());
}

}  // namespace

TEST_CASE("a dropped row comes as a job object, its id made by the default") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    CHECK(pending(*inbox).empty());
    Foreign shell(scratch.file("inbox.db"));
    const std::string id = shell.get(
        "INSERT INTO jobs (model, input, labels, not_before, max_attempts, output) VALUES "
        "('m', json_object('prompt', 'waves', 'n', 1), '{\"a\":\"b\"}', "
        "'2026-11-22T00:00:00Z', 3, '{id}.{ext}') RETURNING id");
    const auto rows = pending(*inbox);
    REQUIRE(rows.size() == 1);
    CHECK(id.size() == 36);
    CHECK(is_job_id(id));
    CHECK(rows[0].job == json::object{{"id", id},
                                      {"model", "m"},
                                      {"input", {{"prompt", "waves"}, {"n", 1}}},
                                      {"labels", {{"a", "b"}}},
                                      {"not_before", "2026-11-22T00:00:00Z"},
                                      {"max_attempts", 3},
                                      {"output", "{id}.{ext}"}});
    struct stat facts {};
    REQUIRE(::stat(scratch.file("inbox.db").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0660);
}

TEST_CASE("default ids are UUIDs of version 4 and differ") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    for (int i = 0; i < 200; ++i)
        shell.exec("INSERT INTO jobs (model) VALUES ('m')");
    std::map<std::string, int> seen;
    for (const auto& row : pending(*inbox, 500)) {
        const std::string id = text(row, "id");
        REQUIRE(id.size() == 36);
        REQUIRE(id[14] == '4');
        REQUIRE(std::string("89ab").find(id[19]) != std::string::npos);
        REQUIRE(id.find_first_not_of("0123456789abcdef-") == std::string::npos);
        ++seen[id];
    }
    CHECK(seen.size() == 200);
}

TEST_CASE("a NULL or empty id is given durably before the row is shown") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id, model) VALUES (NULL, 'm'), ('', 'n'), ('mine', 'o')");
    const auto rows = pending(*inbox);
    REQUIRE(rows.size() == 3);
    CHECK(text(rows[2], "id") == "mine");
    CHECK(text(rows[0], "id") != text(rows[1], "id"));
    CHECK(shell.get("SELECT id FROM jobs WHERE model = 'm'") == text(rows[0], "id"));
    CHECK(pending(*inbox)[0].fingerprint == rows[0].fingerprint);
}

TEST_CASE("odd values are kept for the validation to explain") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("ALTER TABLE jobs ADD COLUMN promt TEXT");
    shell.exec(
        "INSERT INTO jobs (id, model, input, priority, max_attempts, labels, promt, batch) VALUES "
        "('a', x'6d', 'not json', 'high', 2.5, '[1]', 'sea', x'ff')");
    const auto rows = pending(*inbox);
    REQUIRE(rows.size() == 1);
    CHECK(text(rows[0], "model") == "m");
    CHECK(text(rows[0], "input") == "not json");
    CHECK(text(rows[0], "priority") == "high");
    CHECK(rows[0].job.at("max_attempts").as_double() == 2.5);
    CHECK(rows[0].job.at("labels").is_array());
    CHECK(text(rows[0], "promt") == "sea");
    CHECK(text(rows[0], "batch") == "(bytes that are not UTF-8)");
}

TEST_CASE("a value of many megabytes is told by its size and costs no more") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec(
        "INSERT INTO jobs (id, model, input) VALUES ('a', 'a/b', hex(zeroblob(20000000))), "
        "('b', 'a/b', '{}')");
    const auto rows = pending(*inbox);
    REQUIRE(rows.size() == 2);
    CHECK(text(rows[0], "input") == "(40000000 bytes, too many to read)");
    CHECK(inbox->reject(rows[0], "input: too large").has_value());
    CHECK(pending(*inbox).size() == 1);
}

TEST_CASE("rows come oldest first and no more than asked for") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id) VALUES ('b'), ('a'), ('c')");
    const auto rows = pending(*inbox, 2);
    REQUIRE(rows.size() == 2);
    CHECK(text(rows[0], "id") == "b");
    CHECK(text(rows[1], "id") == "a");
}

TEST_CASE("a row that was edited meanwhile is neither removed nor rejected") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id, model) VALUES ('a', 'm'), ('b', 'm')");
    const auto rows = pending(*inbox);
    shell.exec("UPDATE jobs SET model = 'better' WHERE id = 'a'");
    REQUIRE(inbox->reject(rows[0], "no such model"));
    REQUIRE(inbox->remove(rows));
    const auto left = pending(*inbox);
    REQUIRE(left.size() == 1);
    CHECK(text(left[0], "model") == "better");
}

TEST_CASE("values of other types make other fingerprints") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id, model, batch) VALUES ('a', 'm', 'x'), ('a', 'm', x'78')");
    shell.exec("INSERT INTO jobs (id, model, output) VALUES ('a', 'm', 'x')");
    const auto rows = pending(*inbox);
    CHECK(rows[0].fingerprint != rows[1].fingerprint);
    CHECK(rows[0].fingerprint != rows[2].fingerprint);
}

TEST_CASE("a rejected row waits with its error until somebody clears it") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id, model) VALUES ('a', 'm')");
    REQUIRE(inbox->reject(pending(*inbox)[0], "model: nobody serves 'm'"));
    CHECK(pending(*inbox).empty());
    CHECK(shell.get("SELECT error FROM jobs") == "model: nobody serves 'm'");
    shell.exec("UPDATE jobs SET model = 'n', error = NULL");
    CHECK(pending(*inbox).size() == 1);
    shell.exec("UPDATE jobs SET error = 'x'");
    shell.exec("UPDATE jobs SET error = ''");
    CHECK(pending(*inbox).size() == 1);
}

TEST_CASE("a shell that holds a transaction makes the inbox busy, and only until it ends") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id, model) VALUES ('a', 'm')");
    const auto rows = pending(*inbox);

    shell.exec("BEGIN IMMEDIATE");
    shell.exec("INSERT INTO jobs (model) VALUES ('late')");
    CHECK(inbox->remove(rows).error().code() == ErrorCode::busy);
    CHECK(inbox->reject(rows[0], "x").error().code() == ErrorCode::busy);
    CHECK(pending(*inbox).size() == 1);  // reading goes on beside a writer that has not committed
    CHECK(Inbox::open(scratch.file("inbox.db")));
    shell.exec("COMMIT");

    shell.exec("BEGIN EXCLUSIVE");
    CHECK(inbox->pending(10).error().code() == ErrorCode::busy);
    CHECK(inbox->data_version().error().code() == ErrorCode::busy);
    auto second = Inbox::open(scratch.file("inbox.db"));
    REQUIRE(second);
    CHECK((*second)->pending(10).error().code() == ErrorCode::busy);
    shell.exec("ROLLBACK");

    CHECK(pending(**second).size() == 2);
    REQUIRE(inbox->remove(rows));
    CHECK(pending(*inbox).size() == 1);
}

TEST_CASE("a row that needs an id while a shell writes is not shown without one") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("INSERT INTO jobs (id, model) VALUES (NULL, 'm')");
    shell.exec("BEGIN IMMEDIATE");
    CHECK(inbox->pending(10).error().code() == ErrorCode::busy);
    shell.exec("ROLLBACK");
    CHECK(pending(*inbox).size() == 1);
}

TEST_CASE("data_version changes with foreign commits, not with own ones") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    const auto first = *inbox->data_version();
    CHECK(*inbox->data_version() == first);
    shell.exec("INSERT INTO jobs (id, model) VALUES ('a', 'm')");
    const auto second = *inbox->data_version();
    CHECK(second != first);
    REQUIRE(inbox->remove(pending(*inbox)));
    CHECK(*inbox->data_version() == second);
}

TEST_CASE("a broken table or file is an error with words, and mending it is enough") {
    Scratch scratch;
    const std::string path = scratch.file("inbox.db");
    auto inbox = open_inbox(path);
    const auto version = *inbox->data_version();
    {
        Foreign shell(path);
        shell.exec("ALTER TABLE jobs DROP COLUMN error");
        const auto rows = inbox->pending(10);
        REQUIRE_FALSE(rows);
        CHECK(rows.error().message().find("no such column: error") != std::string::npos);
        shell.exec("DROP TABLE jobs");
    }
    CHECK(pending(*inbox).empty());  // made again

    std::filesystem::remove(path);
    std::ofstream(path) << std::string(5000, 'x');
    CHECK(inbox->pending(10).error().code() == ErrorCode::corrupt);
    CHECK(inbox->data_version().error().code() == ErrorCode::corrupt);
    CHECK(Inbox::open(path).error().code() == ErrorCode::corrupt);

    std::filesystem::remove(path);
    CHECK(pending(*inbox).empty());
    CHECK(*inbox->data_version() != version);
    Foreign(path).exec("INSERT INTO jobs (id) VALUES ('a')");
    CHECK(pending(*inbox).size() == 1);
}

TEST_CASE("a shell may turn the inbox into a WAL database") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    shell.exec("PRAGMA journal_mode = WAL");
    shell.exec("INSERT INTO jobs (id) VALUES ('a')");
    const auto rows = pending(*inbox);
    REQUIRE(rows.size() == 1);
    REQUIRE(inbox->remove(rows));
    CHECK(pending(*inbox).empty());
}

TEST_CASE("a trigger or a view that never ends costs a moment, not the daemon") {
    Scratch scratch;
    auto inbox = open_inbox(scratch.file("inbox.db"));
    Foreign shell(scratch.file("inbox.db"));
    const std::string endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) ";
    SUBCASE("while ids are given") {
        shell.exec("INSERT INTO jobs (id, model, input) VALUES (NULL, 'm', '{}')");
        shell.exec(
            "CREATE TRIGGER forever BEFORE UPDATE ON jobs BEGIN SELECT count(*) FROM "
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n);"
            " END");
    }
    SUBCASE("in place of the table") {
        shell.exec("ALTER TABLE jobs RENAME TO jobs_of_before");
        shell.exec("CREATE VIEW jobs AS " + endless +
                  "SELECT 'a' AS id, 'm' AS model, '{}' AS input, NULL AS error, i AS rowid FROM n "
                  "WHERE i < 0");
    }
    const auto rows = inbox->pending(100);
    REQUIRE(!rows);
    CHECK(rows.error().message().find("does not end") != std::string::npos);
}
