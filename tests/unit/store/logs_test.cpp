// The provider's log: the newest lines of each job, each once.
#include <fmt/format.h>

#include "foreign.hpp"
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

domain::LogLine line(int number) {
    domain::LogLine made;
    made.at = noon + Millis{number};
    made.level = "INFO";
    made.source = "USER";
    made.message = fmt::format("step {}", number);
    return made;
}

std::vector<domain::LogLine> lines(int from, int to) {
    std::vector<domain::LogLine> made;
    for (int i = from; i <= to; ++i) made.push_back(line(i));
    return made;
}

struct Book {
    Book() {
        in(*store, [&](Tx& tx) { tx.insert_job(job); });
    }
    LogsAdded add(const std::vector<domain::LogLine>& more) {
        return in(*store, [&](Tx& tx) { return tx.add_logs(job, more); });
    }
    std::vector<std::string> messages() {
        std::vector<std::string> all;
        for (const auto& log : in(*store, [&](Tx& tx) { return tx.logs(job.request.id); })) {
            all.push_back(log.line.message);
        }
        return all;
    }
    Scratch scratch;
    std::unique_ptr<Store> store = open_store(scratch.file("reel.db"));
    Job job = make_job("a", State::running);
};

using Messages = std::vector<std::string>;

}  // namespace

TEST_CASE("a poll tells all lines so far, an event what is new: each is kept once, in order") {
    Book book;
    CHECK(book.add(lines(1, 2)).first);
    CHECK(book.add(lines(1, 3)).lines == 1);
    CHECK(book.add(lines(4, 4)).lines == 1);
    const LogsAdded none = book.add(lines(1, 4));
    CHECK(none.lines == 0);
    CHECK_FALSE(none.first);
    CHECK(book.messages() == Messages{"step 1", "step 2", "step 3", "step 4"});
}

TEST_CASE("the same text twice in one answer is two lines, and stays two") {
    Book book;
    domain::LogLine same = line(1);
    same.at.reset();
    CHECK(book.add({same, same}).lines == 2);
    CHECK(book.add({same, same}).lines == 0);
    CHECK(book.add({same, same, same}).lines == 1);
}

TEST_CASE("only the newest lines are kept, and an answer with more of them changes nothing") {
    Book book;
    CHECK(book.add(lines(1, 500)).lines == domain::log_lines_max);
    CHECK(book.messages().front() == "step 301");
    CHECK(book.add(lines(1, 500)).lines == 0);
    CHECK(book.add(lines(1, 510)).lines == 10);
    const Messages kept = book.messages();
    CHECK(kept.size() == domain::log_lines_max);
    CHECK(kept.front() == "step 311");
    CHECK(kept.back() == "step 510");
}

TEST_CASE("another attempt begins a log of its own behind the first") {
    Book book;
    book.add(lines(1, 2));
    book.job.attempt += 1;
    CHECK(book.add(lines(1, 2)).first);
    CHECK(book.messages().size() == 4);
}

TEST_CASE("a reader of news goes on where it was, also after the oldest are gone") {
    Book book;
    CHECK(in(*book.store, [](Tx& tx) { return tx.last_log_id(); }) == 0);
    book.add(lines(1, 3));
    const auto first = in(*book.store, [](Tx& tx) { return tx.logs_after(0, 2); });
    REQUIRE(first.size() == 2);
    CHECK(first[0].job == JobId("a"));
    CHECK(first[0].line == line(1));
    const auto rest = in(*book.store, [&](Tx& tx) { return tx.logs_after(first[1].id, 10); });
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].line == line(3));
    CHECK(in(*book.store, [](Tx& tx) { return tx.last_log_id(); }) == rest[0].id);
}

TEST_CASE("the record of a job takes its log with it") {
    Book book;
    book.add(lines(1, 3));
    book.job.state = State::cancelled;
    book.job.finished_at = noon;
    book.job.due_at.reset();
    in(*book.store, [&](Tx& tx) {
        REQUIRE(tx.update_job(book.job));
        tx.retire_job(book.job);
    });
    CHECK(book.messages().empty());
    CHECK(in(*book.store, [](Tx& tx) { return tx.last_log_id(); }) == 3);
}
