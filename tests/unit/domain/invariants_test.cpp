// Each invariant is broken once, and only what was broken is found.
#include "domain/invariants.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;

namespace {

constexpr Instant noon = from_unix_ms(1'795'262'400'000);

// A job with its submits and its trail, as the state machine made them.
struct Life {
    Job job;
    std::vector<Attempt> attempts;
    std::vector<AuditEntry> trail;

    explicit Life(std::string id = "a") {
        JobRequest request;
        request.id = JobId(std::move(id));
        request.model = "fal-ai/some/model";
        request.input = "{}";
        job = first_row(std::move(request), "fal", noon);
        tell("created", std::nullopt, to_audit(job));
    }

    void tell(std::string event, std::optional<State> from, json::object patch) {
        AuditEntry entry;
        entry.job = job.request.id;
        entry.number = static_cast<std::int64_t>(trail.size()) + 1;
        entry.event = std::move(event);
        entry.from = from;
        entry.to = job.state;
        entry.reason = job.reason;
        entry.patch = std::move(patch);
        trail.push_back(std::move(entry));
    }

    Life& hear(const Event& event) {
        const Job before = job;
        const Outcome outcome = transition(job, event, Policy{}, noon, Jitter{});
        const auto& step = std::get<Step>(outcome);
        CHECK(check_step(before, step.job).empty());
        job = step.job;
        tell(std::string(name_of(event)), before.state, audit_patch(before, job));
        if (job.attempt > before.attempt) {
            Attempt attempt;
            attempt.job = job.request.id;
            attempt.number = job.attempt;
            attempt.provider = "fal";
            attempts.push_back(attempt);
        }
        if (!step.attempt_outcome.empty()) {
            attempts.back().outcome = step.attempt_outcome;
            if (job.remote && job.state != State::submit_unknown) {
                attempts.back().remote = job.remote;
            }
        }
        return *this;
    }
    Life& submit() { return hear(event::Admitted{}); }
    Life& lose_answer() { return hear(event::SubmitUnknown{}); }
    Life& accept() {
        event::SubmitAccepted accepted;
        accepted.remote.request_id = RequestId("r-1");
        return hear(accepted);
    }
    Life& finish() {
        event::ResultSeen result;
        result.outputs.resize(2);
        result.outputs[1].index = 1;
        return hear(result);
    }
    Life& store(int index) {
        event::OutputStored stored;
        stored.index = index;
        stored.path = "/out/a" + std::to_string(index);
        stored.bytes = 7;
        stored.sha256 = std::string(64, 'a');
        return hear(stored);
    }

    std::set<std::string> broken() const {
        std::set<std::string> names;
        for (const Violations& violations : {check_row(job), check_attempts(job, attempts),
                                             check_trail(job, attempts, trail)}) {
            for (const Violation& violation : violations) {
                CHECK_FALSE(violation.what.empty());
                names.insert(std::string(violation.name));
            }
        }
        return names;
    }
};

Life unknown() { return Life().submit().lose_answer(); }
Life submitted() { return Life().submit().accept(); }
Life fetching() { return submitted().finish(); }
Life completed() { return fetching().store(0).store(1); }
Life failed() {
    event::SubmitRefused refused;
    refused.refusal = Refusal{RefusalKind::permanent, Reason::rejected, {"no", "no"}, {}};
    return Life().submit().hear(refused);
}

// Breaks the row alone: the trail, which then tells otherwise, is left out.
std::set<std::string> of_row(Job job) {
    std::set<std::string> names;
    for (const Violation& violation : check_row(job)) names.insert(std::string(violation.name));
    return names;
}
using Names = std::set<std::string>;

Names after(Life life, const std::function<void(Life&)>& change) {
    change(life);
    return life.broken();
}
Names row_after(const Life& life, const std::function<void(Job&)>& change) {
    Job job = life.job;
    change(job);
    return of_row(job);
}
Names step_after(const Life& life, const std::function<void(Job&)>& change) {
    Job job = life.job;
    change(job);
    Names names;
    for (const Violation& v : check_step(life.job, job)) names.insert(std::string(v.name));
    return names;
}

}  // namespace

TEST_CASE("a life that the state machine led breaks no invariant at any of its stations") {
    CHECK(Life().broken() == Names{});
    CHECK(Life().submit().broken() == Names{});
    CHECK(unknown().broken() == Names{});
    CHECK(submitted().broken() == Names{});
    CHECK(fetching().broken() == Names{});
    CHECK(fetching().store(0).broken() == Names{});
    CHECK(completed().broken() == Names{});
    CHECK(failed().broken() == Names{});
    CHECK(Life().hear(event::HoldRequested{}).broken() == Names{});
    CHECK(Life().hear(event::CancelRequested{}).broken() == Names{});
}

TEST_CASE("a retry that only fetches needs no attempt of its own") {
    Life ended = fetching();
    ended.hear(event::CancelRequested{});
    const auto row = retry_row(ended.job, JobId("b"), noon);
    REQUIRE(row.has_value());
    Life life("b");
    life.job = *row;
    life.trail.clear();
    life.tell("created", std::nullopt, to_audit(life.job));
    CHECK(only_fetches(life.job));
    CHECK(life.broken() == Names{});
    life.store(0).store(1);
    CHECK(life.broken() == Names{});
}

TEST_CASE("a job without its timer or its end is found") {
    CHECK(row_after(Life(), [](Job& j) { j.due_at.reset(); }) == Names{"waits_with_timer"});
    CHECK(row_after(completed(), [](Job& j) { j.due_at = noon; }) == Names{"ended_without_timer"});
    CHECK(row_after(completed(), [](Job& j) { j.finished_at.reset(); }) ==
          Names{"ended_with_date"});
    CHECK(row_after(Life(), [](Job& j) { j.finished_at = noon; }) == Names{"ended_with_date"});
    CHECK(row_after(unknown(), [](Job& j) { j.unknown_until.reset(); }) ==
          Names{"unknown_with_limit"});
    CHECK(row_after(Life(), [](Job& j) { j.unknown_until = noon; }) == Names{"unknown_with_limit"});
}

TEST_CASE("a submit that is not accounted for is found") {
    CHECK(row_after(Life(), [](Job& j) { j.refusals = -1; }) == Names{"counts_not_negative"});
    CHECK(row_after(submitted(), [](Job& j) { j.billable_attempts = 2; }) ==
          Names{"billable_within_attempts"});
    CHECK(row_after(Life().submit(), [](Job& j) { j.attempt = 0; }) ==
          Names{"sent_with_attempt"});
    CHECK(row_after(unknown(), [](Job& j) { j.billable_attempts = 0; }) ==
          Names{"sent_is_billable"});
    CHECK(row_after(submitted(), [](Job& j) { j.remote.reset(); }) ==
          Names{"at_provider_with_request"});
    CHECK(row_after(submitted(), [](Job& j) { j.submitted_at.reset(); }) ==
          Names{"at_provider_with_date"});
}

TEST_CASE("a result without its files is found") {
    CHECK(row_after(fetching(), [](Job& j) { j.outputs.clear(); }) == Names{"result_with_outputs"});
    CHECK(row_after(submitted(), [](Job& j) { j.outputs.resize(1); }) ==
          Names{"outputs_with_result"});
    CHECK(row_after(completed(), [](Job& j) { std::swap(j.outputs[0], j.outputs[1]); }) ==
          Names{"outputs_in_order"});
    CHECK(row_after(completed(), [](Job& j) { j.outputs[0].sha256 = "ABC"; }) ==
          Names{"stored_with_facts"});
    CHECK(row_after(completed(), [](Job& j) { j.outputs[0].bytes.reset(); }) ==
          Names{"stored_with_facts"});
    CHECK(row_after(completed(), [](Job& j) { j.outputs[0].path.clear(); }) ==
          Names{"stored_with_facts"});
    CHECK(row_after(completed(), [](Job& j) { j.outputs[1].stored = false; }) ==
          Names{"completed_with_files"});
    CHECK(row_after(fetching().store(0), [](Job& j) { j.outputs.pop_back(); }) ==
          Names{"fetching_waits_for_a_file"});
}

TEST_CASE("a job that does not say why it is where it is is found") {
    CHECK(row_after(Life().hear(event::HoldRequested{}), [](Job& j) { j.reason = Reason::none; }) ==
          Names{"says_why"});
    CHECK(row_after(failed(), [](Job& j) { j.error.reset(); }) == Names{"says_why"});
    CHECK(row_after(completed(), [](Job& j) { j.reason = Reason::backoff; }) ==
          Names{"completed_without_error"});
    CHECK(row_after(Life().hear(event::CancelRequested{}), [](Job& j) {
              j.attempt = j.billable_attempts = 1;
          }) == Names{"free_cancel_is_free"});
}

TEST_CASE("a change that no decision may make is found") {
    CHECK(step_after(completed(), [](Job& j) { j.state = State::queued; }) ==
          Names{"ended_stays_ended"});
    CHECK(step_after(Life(), [](Job& j) { j.request.input = "{\"a\":1}"; }) ==
          Names{"request_never_changes"});
    CHECK(step_after(Life(), [](Job& j) { j.attempt = 1; }) == Names{"one_intent_per_submit"});
    CHECK(step_after(Life(), [](Job& j) { j.state = State::submitting; }) ==
          Names{"one_intent_per_submit"});
    CHECK(step_after(unknown(), [](Job& j) {
              j.state = State::submitting;
              ++j.attempt;
          }) == Names{"submits_from_the_queue"});
    CHECK(step_after(submitted(), [](Job& j) { j.billable_attempts = 0; }) ==
          Names{"bill_moves_by_one"});
    CHECK(step_after(unknown(), [](Job& j) { j.billable_attempts = 0; }) == Names{});
    CHECK(step_after(submitted(), [](Job& j) { j.submitted_at = noon + Millis{1}; }) ==
          Names{"submitted_at_stays"});
    CHECK(step_after(fetching().store(0), [](Job& j) { j.outputs[0].stored = false; }) ==
          Names{"stored_stays"});
}

TEST_CASE("attempts that do not fit the job are found") {
    CHECK(after(submitted(), [](Life& l) { l.attempts[0].number = 2; }) ==
          Names{"attempts_without_gap", "attempt_of_every_submit", "attempt_is_told"});
    CHECK(after(submitted(), [](Life& l) { l.attempts[0].provider = "acme"; }) ==
          Names{"attempts_at_provider"});
    CHECK(after(completed(), [](Life& l) { l.attempts.clear(); }) ==
          Names{"attempt_of_every_submit", "request_of_attempt"});
    CHECK(after(Life().submit(), [](Life& l) { l.attempts[0].outcome = "refused"; }) ==
          Names{"attempt_fits_state"});
    CHECK(after(unknown(), [](Life& l) { l.attempts[0].outcome = "intent"; }) ==
          Names{"attempt_fits_state"});
    CHECK(after(completed(), [](Life& l) { l.attempts[0].outcome = "failed"; }) ==
          Names{"attempt_fits_state"});
    CHECK(after(submitted(), [](Life& l) {
              l.attempts[0].remote->request_id = RequestId("r-2");
          }) == Names{"request_of_attempt", "request_is_told"});
    CHECK(after(submitted(), [](Life& l) {
              l.attempts.push_back(l.attempts[0]);
              l.attempts[1].number = 2;
          }) == Names{"attempt_of_every_submit", "attempt_is_told", "request_of_one_attempt"});
}

TEST_CASE("a trail that does not give the row is found") {
    const auto row = [](auto change) { return after(completed(), [&](Life& l) { change(l.job); }); };
    CHECK(row([](Job& j) { j.cost_micro_usd = 1; }) == Names{"trail_gives_row"});
    CHECK(row([](Job& j) { j.outputs[0].sha256 = std::string(64, 'b'); }) ==
          Names{"trail_gives_row"});
    CHECK(row([](Job& j) { j.request.input = "{\"prompt\":\"other\"}"; }) ==
          Names{"trail_gives_row"});
    CHECK(after(completed(), [](Life& l) { l.trail[1].patch["refusals"] = 3; }) ==
          Names{"trail_gives_row"});
    CHECK(after(completed(), [](Life& l) { l.trail.clear(); }).contains("trail_begins"));
    CHECK(after(completed(), [](Life& l) { l.trail[0].event = "e"; }) == Names{"trail_begins"});
    CHECK(after(fetching().store(0), [](Life& l) { l.trail.back().number = 9; }) ==
          Names{"trail_without_gap"});
    CHECK(after(completed(), [](Life& l) { l.trail[2].from = State::held; }) ==
          Names{"trail_joins"});
    CHECK(after(failed(), [](Life& l) {
              l.job.state = State::queued;
              l.tell("e", State::failed, {});
          }).contains("ended_stays_ended"));
}

TEST_CASE("the trail tells of every submit, and of every one that a person chose to add") {
    CHECK(after(submitted(), [](Life& l) { l.trail[1].patch.erase("attempt"); }) ==
          Names{"attempt_is_told", "trail_gives_row"});
    Life life = unknown();
    life.job.request.max_attempts = 1;
    life.trail[0].patch = to_audit(Life().job);
    life.trail[0].patch["max_attempts"] = 1;
    CHECK(life.broken() == Names{});
    life.job.unknown_until = noon;
    life.hear(event::EvidenceSearched{});
    REQUIRE(life.job.state == State::held);
    life.hear(event::ReleaseRequested{}).submit().lose_answer();
    CHECK(life.job.billable_attempts == 2);
    CHECK(life.broken() == Names{});
    for (AuditEntry& entry : life.trail) {
        if (entry.event == "release_requested") entry.event = "e";
    }
    CHECK(life.broken() == Names{"billable_within_limit"});
}

TEST_CASE("a job is completed with values alone, but never waits for files that it has not") {
    event::ResultSeen result;
    result.values = R"({"custom_voice_id":"moss_1"})";
    Life life = submitted().hear(result);
    CHECK(life.job.state == State::completed);
    CHECK(life.broken().empty());
    Life nothing = life;
    nothing.job.values.clear();
    CHECK(nothing.broken().contains("result_with_outputs"));
    Life early = submitted();
    early.job.values = result.values;
    CHECK(early.broken().contains("values_with_result"));
    Life waiting = fetching();
    waiting.job.outputs.clear();
    waiting.job.values = result.values;
    CHECK(waiting.broken().contains("result_with_outputs"));
}
