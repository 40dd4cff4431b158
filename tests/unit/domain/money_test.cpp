// What becomes of a submit's money, and what a job adds up.
#include <doctest/doctest.h>

#include "domain/account.hpp"
#include "domain/invariants.hpp"
#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);
constexpr std::int64_t price = 270'000;

Remote remote_named(const std::string& id) { return Remote{RequestId{id}, "", "", ""}; }

Refusal refusal(RefusalKind kind) {
    return Refusal{kind, Reason::provider_error, ErrorInfo{"no", "the provider said no"}, {}};
}

// A job with its submits, and the books kept as the daemon keeps them.
struct Scene {
    Policy policy;
    Instant now = start;
    Job job;
    std::vector<Attempt> attempts;
    std::string words;

    explicit Scene(std::optional<std::int64_t> estimate = price) {
        JobRequest request;
        request.id = JobId{"job-1"};
        request.model = "sandbox/video";
        request.input = "{}";
        job = first_row(request, "sandbox", start);
        job.money->estimate_micro_usd = estimate;
    }
    Outcome ask(const Event& event) const {
        return transition(job, event, policy, now, Jitter{0.5});
    }
    // `number`: the submit that the event speaks of; 0: the newest.
    Scene& on(const Event& event, int number = 0) {
        Outcome outcome = ask(event);
        REQUIRE(std::holds_alternative<Step>(outcome));
        Step& step = std::get<Step>(outcome);
        words = step.note;
        if (std::holds_alternative<event::Admitted>(event)) {
            Attempt attempt;
            attempt.job = job.request.id;
            attempt.number = step.job.attempt;
            attempt.provider = job.provider;
            attempt.billing = Billing::reserved;
            attempt.reserved_micro_usd = step.job.money->estimate_micro_usd;
            attempts.push_back(attempt);
        }
        for (const Bill& bill : step.bills) {
            const int which = bill.attempt != 0 ? bill.attempt
                              : number != 0     ? number
                                                : static_cast<int>(attempts.size());
            words += "; " + enter(step.job, attempts.at(static_cast<std::size_t>(which - 1)), bill);
        }
        job = std::move(step.job);
        Money sums = sums_of(attempts);
        sums.estimate_micro_usd = job.money->estimate_micro_usd;
        CHECK(*job.money == sums);
        CHECK(job.cost_micro_usd.value_or(0) == cost_of(attempts));
        for (const Violation& violation : check_row(job)) FAIL_CHECK(violation.what);
        return *this;
    }
    Scene& due() {
        now = std::max(now, job.due_at.value());
        return on(event::Due{});
    }
    Scene& sent() { return on(event::Admitted{}); }
    Scene& accepted() {
        return sent().on(event::SubmitAccepted{remote_named(std::to_string(attempts.size())), 1});
    }
    Scene& lost() { return sent().on(event::SubmitUnknown{}); }
    Scene& held() {
        lost();
        now = job.unknown_until.value();
        return on(event::EvidenceSearched{});
    }
    Scene& completed(std::optional<std::int64_t> figure = std::nullopt) {
        event::ResultSeen seen;
        seen.outputs.resize(1);
        seen.outputs.front().url = "https://files.test/0.mp4";
        seen.cost_micro_usd = figure;
        return on(seen);
    }
    Billing billing(int number = 1) const {
        return attempts.at(static_cast<std::size_t>(number - 1)).billing;
    }
    bool says(std::string_view text) const { return words.find(text) != std::string::npos; }
};

}  // namespace

TEST_CASE("the intent sets the estimate aside, the result spends it") {
    Scene scene;
    CHECK(scene.job.money->reserved_micro_usd == 0);
    scene.sent();
    CHECK(scene.job.money->reserved_micro_usd == price);
    CHECK(scene.says("$0.27 reserved"));
    scene.on(event::SubmitAccepted{remote_named("r"), 1});
    CHECK(scene.job.money->reserved_micro_usd == price);
    scene.completed();
    CHECK(scene.job.money->reserved_micro_usd == 0);
    CHECK(scene.job.cost_micro_usd == price);
    CHECK(scene.job.money->by_estimate_micro_usd == price);
    CHECK(scene.billing() == Billing::estimated);
    CHECK(scene.says("$0.27 by the estimate"));
}

TEST_CASE("the provider's figure counts before the estimate, also when it is nothing") {
    Scene scene;
    scene.accepted().completed(430'000);
    CHECK(scene.job.cost_micro_usd == 430'000);
    CHECK(scene.job.money->by_estimate_micro_usd == 0);
    CHECK(scene.billing() == Billing::settled);
    Scene free;
    event::ResultFailed failed{refusal(RefusalKind::permanent)};
    failed.cost_micro_usd = 0;
    free.accepted().on(failed);
    CHECK(free.job.cost_micro_usd == 0);
    CHECK(free.billing() == Billing::settled);
}

TEST_CASE("what provably made nothing gives its money back") {
    for (const Event& answer :
         {Event(event::SubmitRefused{refusal(RefusalKind::retry)}),
          Event(event::SubmitRefused{refusal(RefusalKind::permanent)}),
          Event(event::SubmitRefused{refusal(RefusalKind::account)}),
          Event(event::SubmitNotSent{ErrorInfo{"not_sent", "no"}})}) {
        Scene scene;
        scene.sent().on(answer);
        CHECK(scene.job.money->reserved_micro_usd == 0);
        CHECK_FALSE(scene.job.cost_micro_usd);
        CHECK(scene.billing() == Billing::released);
        CHECK(scene.says("$0.27 released"));
        Scene cancelled;
        cancelled.sent().on(event::CancelRequested{}).on(answer);
        CHECK(cancelled.billing() == Billing::released);
        Scene late;
        late.lost().on(answer);
        CHECK(late.billing() == Billing::released);
    }
}

TEST_CASE("an unknown submit may be billed until it is found, and then is set aside again") {
    Scene scene;
    scene.lost();
    CHECK(scene.job.money->reserved_micro_usd == 0);
    CHECK(scene.job.money->possible_micro_usd == price);
    CHECK(scene.says("$0.27 may be billed"));
    SUBCASE("by its own answer") { scene.on(event::SubmitAccepted{remote_named("r"), 1}); }
    SUBCASE("by evidence") { scene.on(event::Adopted{1, remote_named("r")}); }
    CHECK(scene.job.money->reserved_micro_usd == price);
    CHECK(scene.job.money->possible_micro_usd == 0);
    CHECK(scene.says("$0.27 reserved again"));
    scene.completed();
    CHECK(scene.job.cost_micro_usd == price);
}

TEST_CASE("a person's release leaves the lost submit's money as possibly billed") {
    Scene scene;
    scene.held().on(event::ReleaseRequested{}).accepted();
    CHECK(scene.job.money->possible_micro_usd == price);
    CHECK(scene.job.money->reserved_micro_usd == price);
    scene.completed();
    CHECK(scene.job.cost_micro_usd == price);
    CHECK(scene.job.money->possible_micro_usd == price);
}

TEST_CASE("so does the policy that submits again, and so does a cancel") {
    Scene again;
    again.policy.resubmit_unknown = true;
    again.held().accepted().completed();
    CHECK(again.job.money->possible_micro_usd == price);
    Scene given_up;
    given_up.held().on(event::CancelRequested{});
    CHECK(given_up.job.state == State::cancelled);
    CHECK(given_up.job.money->possible_micro_usd == price);
}

TEST_CASE("the lost submit that turns up after all is set aside again, the newer one stays lost") {
    Scene scene;
    scene.held().on(event::ReleaseRequested{}).lost();
    CHECK(scene.job.money->possible_micro_usd == 2 * price);
    scene.on(event::Adopted{1, remote_named("r")}, 1);
    CHECK(scene.billing(1) == Billing::reserved);
    CHECK(scene.billing(2) == Billing::possible);
}

TEST_CASE("a submit on its way that an older one overtakes may be billed") {
    Scene scene;
    scene.held().on(event::ReleaseRequested{}).sent();
    scene.on(event::Adopted{1, remote_named("r")}, 1);
    CHECK(scene.billing(1) == Billing::reserved);
    CHECK(scene.billing(2) == Billing::possible);
    scene.on(event::RemoteCancelled{}, 1);
    CHECK(scene.job.money->possible_micro_usd == 2 * price);
}

TEST_CASE("what ends at the provider without a result may be billed, unless it says otherwise") {
    event::ResultFailed failed{refusal(RefusalKind::permanent)};
    Scene silent;
    silent.accepted().on(failed);
    CHECK(silent.billing() == Billing::possible);
    failed.free = true;
    Scene free;
    free.accepted().on(failed);
    CHECK(free.billing() == Billing::released);
    CHECK(free.job.money->possible_micro_usd == 0);
    Scene cancelled;
    cancelled.accepted().on(event::CancelRequested{}).on(event::RemoteCancelled{});
    CHECK(cancelled.billing() == Billing::possible);
    Scene told;
    told.accepted().on(event::CancelRequested{}).on(event::RemoteCancelled{0});
    CHECK(told.billing() == Billing::settled);
    CHECK(told.job.cost_micro_usd == 0);
}

TEST_CASE("a request that the provider does not know any more may be billed until it is back") {
    Scene scene;
    scene.accepted();
    for (int i = 0; i <= scene.policy.missing_polls_max; ++i) scene.on(event::RemoteMissing{});
    REQUIRE(scene.job.reason == Reason::remote_missing);
    CHECK(scene.billing() == Billing::possible);
    SUBCASE("back and running") {
        scene.on(event::StatusSeen{event::RemotePhase::running, {}, {}});
        CHECK(scene.billing() == Billing::reserved);
    }
    SUBCASE("back with its result") {
        scene.completed();
        CHECK(scene.billing() == Billing::estimated);
    }
    SUBCASE("never") {
        scene.on(event::ReleaseRequested{}).accepted().completed();
        CHECK(scene.job.money->possible_micro_usd == price);
        CHECK(scene.job.cost_micro_usd == price);
    }
}

TEST_CASE("a figure that comes late takes the place of the estimate, whatever became of the job") {
    event::ResultSeen late;
    late.cost_micro_usd = 430'000;
    late.outputs.resize(1);
    late.outputs.front().url = "https://files.test/0.mp4";
    Scene scene;
    scene.accepted().completed();
    SUBCASE("while it fetches") {}
    SUBCASE("after it was cancelled") { scene.on(event::CancelRequested{}); }
    scene.on(late);
    CHECK(scene.job.cost_micro_usd == 430'000);
    CHECK(scene.job.money->by_estimate_micro_usd == 0);
    CHECK(scene.says("$0.43 by the provider's figure, instead of the estimated $0.27"));
    CHECK(std::holds_alternative<Ignored>(scene.ask(late)));

    Scene cancelled;
    cancelled.accepted().on(event::CancelRequested{}).on(event::RemoteCancelled{}).on(late);
    CHECK(cancelled.job.state == State::cancelled);
    CHECK(cancelled.job.cost_micro_usd == 430'000);
    CHECK(cancelled.job.money->possible_micro_usd == 0);
}

TEST_CASE("a job costs what all of its attempts cost together") {
    Scene scene;
    event::ResultFailed failed{refusal(RefusalKind::retry)};
    scene.accepted().on(failed);
    CHECK_FALSE(scene.job.cost_micro_usd);
    failed.cost_micro_usd = 20'000;
    scene.due().accepted().on(failed);
    CHECK(scene.job.cost_micro_usd == 20'000);
    scene.due().accepted().completed(430'000);
    CHECK(scene.job.cost_micro_usd == 450'000);
    CHECK(scene.job.money->possible_micro_usd == price);
}

TEST_CASE("without a known price nothing is counted but that it is so") {
    Scene scene(std::nullopt);
    scene.accepted();
    CHECK(scene.job.money->reserved_micro_usd == 0);
    CHECK(scene.job.money->unpriced == 0);
    scene.completed();
    CHECK_FALSE(scene.job.cost_micro_usd);
    CHECK(scene.job.money->unpriced == 1);
    event::ResultSeen late;
    late.cost_micro_usd = 430'000;
    scene.on(late);
    CHECK(scene.job.cost_micro_usd == 430'000);
    CHECK(scene.job.money->unpriced == 0);
}

TEST_CASE("a retry that only fetches costs nothing itself, one that submits has no cost yet") {
    Scene scene;
    scene.accepted().completed().on(event::CancelRequested{});
    const auto fetches = retry_row(scene.job, JobId{"again"}, start);
    REQUIRE(fetches);
    CHECK(fetches->cost_micro_usd == 0);
    CHECK(fetches->money->estimate_micro_usd == 0);
    Scene refused;
    refused.sent().on(event::SubmitRefused{refusal(RefusalKind::permanent)});
    const auto submits = retry_row(refused.job, JobId{"again"}, start);
    REQUIRE(submits);
    CHECK_FALSE(submits->cost_micro_usd);
    CHECK(*submits->money == Money{});
}

TEST_CASE("a job that is older than the account is counted from its next word on") {
    Scene scene;
    scene.accepted();
    scene.job.money.reset();
    scene.attempts.front().billing = Billing::none;
    scene.attempts.front().reserved_micro_usd.reset();
    CHECK(enter(scene.job, scene.attempts.front(), {0, Billing::estimated}) ==
          "billed at no known price");
    CHECK(scene.job.money->unpriced == 1);
    CHECK_FALSE(scene.job.cost_micro_usd);
}

TEST_CASE("an invariant finds sums that are not those of the submits") {
    Scene scene;
    scene.accepted().completed();
    CHECK(check_attempts(scene.job, scene.attempts).size() == 1);  // the scene keeps no outcomes
    Job wrong = scene.job;
    wrong.cost_micro_usd = 1;
    const Violations found = check_attempts(wrong, scene.attempts);
    REQUIRE(found.size() == 2);
    CHECK(found.front().name == "money_of_attempts");
    Job over = scene.job;
    over.state = State::cancelled;
    over.money->reserved_micro_usd = 1;
    bool named = false;
    for (const Violation& one : check_row(over)) named = named || one.name == "ended_reserves_nothing";
    CHECK(named);
}

TEST_CASE("amounts are written in dollars") {
    CHECK(dollars(0) == "$0.00");
    CHECK(dollars(270'000) == "$0.27");
    CHECK(dollars(10'500) == "$0.0105");
    CHECK(dollars(12'000'001) == "$12.000001");
}
