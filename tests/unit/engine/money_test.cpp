// Money through the engine: what is written with each step, and what the status sums up.
#include "domain/account.hpp"
#include "domain/invariants.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;
using domain::Billing;

namespace {

constexpr std::int64_t price = 270'000;  // of the model, by its documents

struct Counting : Room {
    Counting() {
        config.catalogue = catalogue::load();
        client.answer["status"] = [this](const HttpRequest&) {
            return answered(done ? 200 : 202, done ? R"({"status":"COMPLETED"})"
                                                   : R"({"status":"IN_PROGRESS"})");
        };
        client.answer["result"] = [](const HttpRequest&) {
            return answered(200, ScriptedProvider::result_body(1));
        };
    }
    bool done = true;

    engine::MoneyStatus money() { return engine().status().money; }
    // The job's row, submits and trail tell one story.
    void agrees(const std::string& id) {
        const auto attempts = read([&](store::Tx& tx) { return tx.attempts(JobId(id)); });
        const auto trail = events(id);
        for (const auto& found :
             {domain::check_row(job(id)), domain::check_attempts(job(id), attempts),
              domain::check_trail(job(id), attempts, trail)}) {
            for (const auto& one : found) FAIL_CHECK(one.name << ": " << one.what);
        }
    }
    bool says(const std::string& id, const std::string& event, const std::string& part) {
        return last_note(id, event).find(part) != std::string::npos;
    }
};

}  // namespace

TEST_CASE("a job knows its estimate when it is made, and its cost when it has a result") {
    Counting room;
    room.done = false;
    room.start();
    REQUIRE(room.submit("a", {{"batch", "night"}}));
    CHECK(room.job("a").money->estimate_micro_usd == price);
    CHECK(room.says("a", "created", "$0.27"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    CHECK(room.says("a", "admitted", "$0.27 reserved"));
    CHECK(room.money().open.reserved_micro_usd == price);
    CHECK(room.attempt("a").day == utc_day(room.clock.now()));
    room.done = true;
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    room.agrees("a");
    CHECK(room.job("a").cost_micro_usd == price);
    CHECK(room.attempt("a").billing == Billing::estimated);
    const engine::MoneyStatus money = room.money();
    CHECK(money.day == utc_day(room.clock.now()));
    CHECK(money.today == domain::MoneySum{1, 0, 0, 0, price, 0});
    CHECK(money.open == domain::MoneySum{});
    REQUIRE(money.models.size() == 1);
    CHECK(money.models.front().name == model);
    REQUIRE(money.batches.size() == 1);
    CHECK(money.batches.front().in_all.spent() == price);
}

TEST_CASE("a submit that was called refused and exists after all may be billed, also once it is over") {
    Counting room;
    room.client.answer["submit"] = [](const HttpRequest&) {
        return answered(422, R"({"detail":[{"loc":["body"],"msg":"no","type":"value_error"}]})");
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::failed); }));
    CHECK(room.attempt("a").billing == Billing::released);
    CHECK(room.job("a").money->possible_micro_usd == 0);
    room.agrees("a");
    Delivered proof;
    proof.request_id = "r-9";
    CHECK(room.deliver("a", proof) == 200);
    CHECK(room.attempt("a").outcome == "also_billed");
    CHECK(room.attempt("a").billing == Billing::possible);
    CHECK(room.job("a").money->possible_micro_usd == price);
    CHECK(room.money().open.possible_micro_usd == price);
    CHECK(room.says("a", "also_billed", "$0.27 may be billed"));
    room.agrees("a");
}

TEST_CASE("a model whose price nobody knows counts as one submit and no money") {
    Counting room;
    room.config.catalogue.reset();
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK_FALSE(room.job("a").cost_micro_usd);
    CHECK(room.money().today == domain::MoneySum{1, 1, 0, 0, 0, 0});
    room.agrees("a");
}

TEST_CASE("the most spent stands first, and only so many batches are listed") {
    Counting room;
    room.start();
    for (int i = 0; i < 25; ++i) {
        REQUIRE(room.submit(fmt::format("a-{}", i), {{"batch", fmt::format("b-{}", i)}}));
    }
    REQUIRE(room.submit("more", {{"batch", "b-7"}}));
    REQUIRE(room.until([&] { return room.count(State::completed) == 26; }));
    const engine::MoneyStatus money = room.money();
    CHECK(money.batches.size() == engine::batches_shown);
    CHECK(money.batches_left_out == 5);
    CHECK(money.batches.front().name == "b-7");
    CHECK(money.batches.front().today.spent() == 2 * price);
    CHECK(money.today.submits == 26);
}
