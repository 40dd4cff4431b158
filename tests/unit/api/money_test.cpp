// Money as the socket shows it.
#include "unit/api/api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;
using domain::Billing;

namespace {

struct MoneyFixture : ApiFixture {
    void spend(const std::string& id, const std::string& batch, Billing billing,
               std::optional<std::int64_t> billed = std::nullopt) {
        control.put(id, batch);
        domain::Attempt attempt;
        attempt.job = JobId(id);
        attempt.provider = "fal";
        attempt.token = Token("token-of-" + id);
        attempt.intent_at = clock.now();
        attempt.day = "2026-11-21";
        attempt.reserved_micro_usd = 270'000;
        attempt.billing = billing;
        attempt.billed_micro_usd = billed;
        control.insert_attempt(attempt);
    }
    void look() {
        control.status_.money =
            *control.store().transact([](store::Tx& tx) {
                return engine::money_status(tx, "2026-11-21");
            });
    }
};

}  // namespace

TEST_CASE_FIXTURE(MoneyFixture, "a job tells estimate, cost, what is set aside and what is in doubt") {
    domain::Job job = control.put("a");
    job.cost_micro_usd = 430'000;
    job.money = domain::Money{270'000, true, 270'000, 0, 540'000, 1};
    control.change(job, "result_seen", domain::State::queued);
    const auto shown = get_object("/v1/jobs/a");
    CHECK(find_number(shown, "cost_usd") == 0.43);
    CHECK(find_number(shown, "cost_by_estimate_usd") == 0);
    CHECK(find_number(shown, "estimated_cost_usd") == 0.27);
    CHECK(find_bool(shown, "estimate_is_sure") == true);
    CHECK(find_number(shown, "reserved_usd") == 0.27);
    CHECK(find_number(shown, "possibly_billed_usd") == 0.54);
    CHECK(find_int(shown, "unpriced_submits") == 1);
    control.put("b");
    CHECK(find(get_object("/v1/jobs/b"), "estimated_cost_usd")->is_null());
}

TEST_CASE_FIXTURE(MoneyFixture, "a submit tells what it set aside and what became of it") {
    spend("a", "", Billing::settled, 430'000);
    const auto answer = get_object("/v1/jobs/a/attempts");
    const auto& shown = find_array(answer, "attempts")->at(0).as_object();
    CHECK(find_string(shown, "billing") == "settled");
    CHECK(find_number(shown, "reserved_usd") == 0.27);
    CHECK(find_number(shown, "billed_usd") == 0.43);
    CHECK(find_string(shown, "day") == "2026-11-21");
}

TEST_CASE_FIXTURE(MoneyFixture, "a listing of a batch tells the whole batch's money, no other does") {
    spend("a", "night", Billing::estimated, 270'000);
    spend("b", "night", Billing::possible);
    spend("c", "other", Billing::settled, 430'000);
    const auto answer = get_object("/v1/jobs?batch=night&limit=1");
    const auto& money = *find_object(answer, "money");
    CHECK(find_number(money, "spent_usd") == 0.27);
    CHECK(find_number(money, "by_estimate_usd") == 0.27);
    CHECK(find_number(money, "possibly_billed_usd") == 0.27);
    CHECK(find_int(money, "submits") == 1);
    CHECK(find(get_object("/v1/jobs"), "money") == nullptr);
}

TEST_CASE_FIXTURE(MoneyFixture, "the status tells today's money by model and batch, doubts apart") {
    spend("a", "night", Billing::estimated, 270'000);
    spend("b", "night", Billing::possible);
    spend("c", "", Billing::reserved);
    look();
    const auto status = get_object("/v1/status");
    const auto& money = *find_object(status, "money");
    CHECK(find_string(money, "day") == "2026-11-21");
    CHECK(find_number(*find_object(money, "today"), "spent_usd") == 0.27);
    CHECK(find_number(money, "reserved_usd") == 0.27);
    CHECK(find_number(money, "possibly_billed_usd") == 0.27);
    const auto& models = *find_array(money, "models");
    REQUIRE(models.size() == 1);
    CHECK(find_string(models[0].as_object(), "model") == "fal-ai/m");
    CHECK(find_string(models[0].as_object(), "provider") == "fal");
    const auto& batches = *find_array(money, "batches");
    REQUIRE(batches.size() == 1);
    CHECK(find_number(*find_object(batches[0].as_object(), "in_all"), "spent_usd") == 0.27);
    CHECK(find_int(money, "batches_left_out") == 0);
    const std::string page = get("/metrics").body;
    CHECK(page.find("reeld_reserved_usd 0.27\n") != std::string::npos);
    CHECK(page.find("reeld_possibly_billed_usd 0.27\n") != std::string::npos);
    CHECK(page.find("reeld_spent_today_usd{provider=\"fal\",model=\"fal-ai/m\"} 0.27\n") !=
          std::string::npos);
}

TEST_CASE_FIXTURE(MoneyFixture, "the trail tells money in dollars") {
    domain::Job job = control.put("a");
    json::object patch;
    patch["reserved_micro_usd"] = 270'000;
    patch["possibly_billed_micro_usd"] = 0;
    patch["estimate_micro_usd"] = nullptr;
    patch["unpriced_attempts"] = 1;
    store::AuditEntry entry;
    entry.job = job.request.id;
    entry.at = clock.now();
    entry.event = "admitted";
    entry.to = job.state;
    entry.patch = patch;
    REQUIRE(control.store().transact([&](store::Tx& tx) { tx.append_event(entry); }).has_value());
    const auto answer = get_object("/v1/jobs/a/events");
    const auto& changes = *find_object(find_array(answer, "events")->at(1).as_object(), "changes");
    CHECK(find_number(changes, "reserved_usd") == 0.27);
    CHECK(find_number(changes, "possibly_billed_usd") == 0);
    CHECK(find(changes, "estimated_cost_usd")->is_null());
    CHECK(find_int(changes, "unpriced_submits") == 1);
}
