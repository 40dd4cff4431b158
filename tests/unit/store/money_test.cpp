// The sums of money beside the submits.
#include "foreign.hpp"
#include "scratch.hpp"
#include "store_sql.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;
using domain::Billing;

namespace {

constexpr const char* today = "2026-11-21";

class Books {
  public:
    Books() : store_(open_store(scratch_.file("reel.db"))) {}

    Store& store() { return *store_; }
    std::string path() const { return scratch_.file("reel.db"); }

    Attempt submit(const std::string& id, const std::string& batch,
                   std::optional<std::int64_t> reserved, const char* day = today) {
        Job job = make_job(id, State::completed);
        job.request.batch = batch;
        insert(*store_, job);
        Attempt attempt;
        attempt.job = job.request.id;
        attempt.provider = "fal";
        attempt.token = Token("token-of-" + id);
        attempt.intent_at = noon;
        attempt.billing = Billing::reserved;
        attempt.reserved_micro_usd = reserved;
        attempt.day = day;
        in(*store_, [&](Tx& tx) { tx.insert_attempt(attempt); });
        return attempt;
    }
    void becomes(Attempt& attempt, Billing billing, std::optional<std::int64_t> billed = {}) {
        attempt.billing = billing;
        attempt.billed_micro_usd = billed;
        in(*store_, [&](Tx& tx) { tx.update_attempt(attempt); });
    }
    MoneySum day(const char* which = today) {
        MoneySum sum;
        for (const MoneyOfDay& row : in(*store_, [&](Tx& tx) { return tx.money_of_day(which); })) {
            sum += row.sum;
        }
        return sum;
    }
    MoneySum batch(const char* which) {
        return in(*store_, [&](Tx& tx) { return tx.money_of_batch(which); });
    }
    MoneySum open() {
        return in(*store_, [](Tx& tx) { return tx.open_money(); });
    }

  private:
    Scratch scratch_;
    std::unique_ptr<Store> store_;
};

}  // namespace

TEST_CASE("each word about a submit's money moves it to the figure of that word") {
    Books books;
    Attempt attempt = books.submit("a", "night", 270'000);
    CHECK(books.day() == MoneySum{0, 0, 270'000, 0, 0, 0});
    books.becomes(attempt, Billing::possible);
    CHECK(books.day() == MoneySum{0, 0, 0, 0, 0, 270'000});
    CHECK(books.open() == MoneySum{0, 0, 0, 0, 0, 270'000});
    books.becomes(attempt, Billing::reserved);
    books.becomes(attempt, Billing::estimated, 270'000);
    CHECK(books.day() == MoneySum{1, 0, 0, 0, 270'000, 0});
    CHECK(books.open() == MoneySum{});
    books.becomes(attempt, Billing::settled, 430'000);
    CHECK(books.day() == MoneySum{1, 0, 0, 430'000, 0, 0});
    books.becomes(attempt, Billing::settled, 0);
    CHECK(books.day() == MoneySum{});
    books.becomes(attempt, Billing::released);
    CHECK(books.day() == MoneySum{});
    const auto read = in(books.store(), [](Tx& tx) { return tx.find_attempt(JobId("a"), 1); });
    REQUIRE(read);
    CHECK(*read == attempt);
}

TEST_CASE("what has no known price counts as one and as nothing") {
    Books books;
    Attempt done = books.submit("a", "", std::nullopt);
    Attempt lost = books.submit("b", "", std::nullopt);
    CHECK(books.day() == MoneySum{});
    books.becomes(done, Billing::estimated);
    books.becomes(lost, Billing::possible);
    CHECK(books.day() == MoneySum{1, 2, 0, 0, 0, 0});
    books.becomes(done, Billing::settled, 430'000);
    CHECK(books.day() == MoneySum{1, 1, 0, 430'000, 0, 0});
}

TEST_CASE("days, models and batches are apart, and a batch has a sum over its days") {
    Books books;
    Attempt first = books.submit("a", "night", 100);
    Attempt second = books.submit("b", "night", 20, "2026-11-20");
    Attempt other = books.submit("c", "", 3);
    for (Attempt* attempt : {&first, &second, &other}) {
        books.becomes(*attempt, Billing::estimated, attempt->reserved_micro_usd);
    }
    CHECK(books.day().spent() == 103);
    CHECK(books.day("2026-11-20").spent() == 20);
    CHECK(books.day("2026-11-19") == MoneySum{});
    CHECK(books.batch("night") == MoneySum{2, 0, 0, 0, 120, 0});
    CHECK(books.batch("") == MoneySum{});
    CHECK(books.batch("none") == MoneySum{});
}

TEST_CASE("a removed record takes none of the money out of the sums") {
    Books books;
    Attempt attempt = books.submit("a", "night", 270'000);
    books.becomes(attempt, Billing::estimated, 270'000);
    const Job job = *find(books.store(), "a");
    in(books.store(), [&](Tx& tx) { tx.retire_job(job); });
    CHECK(books.day().spent() == 270'000);
    CHECK(books.batch("night").spent() == 270'000);
}

TEST_CASE("a submit of an older schema is counted from its first word on") {
    Books books;
    Attempt attempt = books.submit("a", "night", 5);
    attempt.job = JobId("old");
    insert(books.store(), make_job("old", State::completed));
    attempt.token = Token("older");
    attempt.billing = Billing::none;
    attempt.reserved_micro_usd.reset();
    attempt.day.clear();
    in(books.store(), [&](Tx& tx) { tx.insert_attempt(attempt); });
    CHECK(books.day().reserved_micro_usd == 5);
    attempt.day = today;
    books.becomes(attempt, Billing::settled, 430'000);
    CHECK(books.day() == MoneySum{1, 0, 5, 430'000, 0, 0});
}

TEST_CASE("what a transaction takes back was never in the sums") {
    Books books;
    Attempt attempt = books.submit("a", "", 270'000);
    attempt.billing = Billing::released;
    CHECK_FALSE(books.store().transact([&](Tx& tx) {
        tx.update_attempt(attempt);
        throw std::runtime_error("on purpose");
    }));
    CHECK(books.day().reserved_micro_usd == 270'000);
}

TEST_CASE("readers find the money in dollars") {
    Books books;
    Attempt attempt = books.submit("a", "night", 270'000);
    books.becomes(attempt, Billing::estimated, 270'000);
    REQUIRE(books.store().commit().has_value());
    Foreign shell(books.path());
    CHECK(shell.get("SELECT spent_usd FROM daily_money WHERE batch = 'night'") == "0.27");
    CHECK(shell.get("SELECT billed_usd FROM job_attempts") == "0.27");
    CHECK(shell.get("SELECT count(*) FROM job_money WHERE estimated_usd IS NULL") == "1");
}

TEST_CASE("jobs of schema 4 come over without an account") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    {
        Foreign old(path);
        for (int step = 0; step < 4; ++step) {
            old.exec(std::string(sql::migrations.at(static_cast<std::size_t>(step)).text));
        }
        old.exec("INSERT INTO jobs (id, model, content_hash, provider, state, created_at,"
                 " finished_at, attempt, cost_micro_usd, input) VALUES ('old', 'm', 'h', 'fal',"
                 " 'completed', 0, 1, 1, 430000, '{}')");
        old.exec("INSERT INTO attempts (job_seq, number, provider, token, intent_at, outcome)"
                 " VALUES (1, 1, 'fal', 't', 0, 'completed')");
    }
    const auto store = open_store(path);
    const auto job = find(*store, "old");
    REQUIRE(job);
    CHECK(job->cost_micro_usd == 430'000);
    CHECK_FALSE(job->money);
    const auto attempts = in(*store, [](Tx& tx) { return tx.attempts(JobId("old")); });
    REQUIRE(attempts.size() == 1);
    CHECK(attempts.front().billing == Billing::none);
    CHECK(Foreign(path).get("SELECT count(*) FROM money_days") == "0");
}
