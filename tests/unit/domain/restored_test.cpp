// A job of a restored copy: followed where that is free, submitted again only by a person's word.
#include <doctest/doctest.h>

#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);

Job fresh() {
    JobRequest request;
    request.id = JobId{"job-1"};
    request.model = "sandbox/video";
    request.input = "{}";
    return first_row(std::move(request), "sandbox", start);
}

Job after(const Job& job, const Event& event) {
    const Outcome outcome = transition(job, event, Policy{}, start, Jitter{0.5});
    const auto* step = std::get_if<Step>(&outcome);
    REQUIRE(step != nullptr);
    return step->job;
}

}  // namespace

TEST_CASE("a released job of a copy is asked about once and then goes its way") {
    Job job = after(fresh(), event::Restored{});
    CHECK(job.state == State::held);
    CHECK(job.reason == Reason::restored);
    job = after(job, event::ReleaseRequested{});
    CHECK(job.state == State::queued);
    job = after(job, event::Admitted{Token{"t"}});
    job = after(job, event::SubmitNotSent{ErrorInfo{"unreachable", "no route"}});
    CHECK(job.state == State::scheduled);
    CHECK(job.restored == domain::Restored::released);
}

TEST_CASE("a job of a copy that was at the provider is followed, its next attempt is not made") {
    Job job = after(fresh(), event::Admitted{Token{"t"}});
    job = after(job, event::SubmitAccepted{Remote{RequestId{"r"}, "", "", ""}, std::nullopt});
    job = after(job, event::Restored{});
    CHECK(job.state == State::submitted);
    const Refusal passing{RefusalKind::retry, Reason::provider_error, {"500", "failed"}, {}};
    job = after(job, event::ResultFailed{passing});
    CHECK(job.state == State::held);
    CHECK(job.reason == Reason::restored);
}

TEST_CASE("a job that was never restored says nothing of it in its trail") {
    CHECK_FALSE(to_audit(fresh()).contains("restored"));
    CHECK(to_audit(after(fresh(), event::Restored{})).at("restored") == "ask");
}
