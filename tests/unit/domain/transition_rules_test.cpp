// Rules of the state machine that cost money when they break, one situation each.
#include <doctest/doctest.h>

#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);
constexpr Jitter middle{0.5};

Remote remote_named(const std::string& id) {
    return Remote{RequestId{id}, "https://p.test/" + id + "/status", "https://p.test/" + id,
                  "https://p.test/" + id + "/cancel"};
}

Refusal refusal(RefusalKind kind, Reason reason = Reason::provider_error) {
    return Refusal{kind, reason, ErrorInfo{"refused", "the provider said no"}, std::nullopt};
}

// A job and its clock; `on` insists on a Step.
struct Scene {
    Policy policy;
    Instant now = start;
    Job job = first_row(request(), "sandbox", start);
    std::vector<Effect> effects;
    std::string note;

    static JobRequest request() {
        JobRequest request;
        request.id = JobId{"job-1"};
        request.model = "sandbox/video";
        request.input = "{}";
        return request;
    }
    Outcome ask(const Event& event) const { return transition(job, event, policy, now, middle); }
    Scene& on(const Event& event) {
        Outcome outcome = ask(event);
        REQUIRE(std::holds_alternative<Step>(outcome));
        Step& step = std::get<Step>(outcome);
        job = std::move(step.job);
        effects = std::move(step.effects);
        note = std::move(step.note);
        return *this;
    }
    Scene& due() {
        now = std::max(now, job.due_at.value());
        return on(event::Due{});
    }
    Scene& submitted() {
        return on(event::Admitted{}).on(event::SubmitAccepted{remote_named("r1"), 1});
    }
    Scene& missing() {
        submitted();
        for (int i = 0; i <= policy.missing_polls_max; ++i)
            on(event::RemoteMissing{});
        REQUIRE(job.reason == Reason::remote_missing);
        return *this;
    }
    Scene& fetching(int outputs = 1) {
        submitted();
        event::ResultSeen seen;
        for (int i = 0; i < outputs; ++i) {
            Output output;
            output.index = i;
            output.url = "https://files.test/" + std::to_string(i) + ".mp4";
            seen.outputs.push_back(output);
        }
        return on(seen);
    }
};

bool ignored(const Outcome& outcome) {
    return std::holds_alternative<Ignored>(outcome);
}

template <class E>
bool emits(const Scene& scene) {
    for (const Effect& effect : scene.effects) {
        if (std::holds_alternative<E>(effect)) return true;
    }
    return false;
}

event::FetchFailed fetch_failed(event::FetchProblem problem, int index = 0) {
    return event::FetchFailed{index, problem, ErrorInfo{"fetch", "it failed"}, std::nullopt};
}

event::OutputStored stored(int index) {
    return event::OutputStored{index, "/out/" + std::to_string(index) + ".mp4", 10, "aa",
                               "video/mp4"};
}

}  // namespace

TEST_CASE("a job cancelled between two attempts says that the first may be billed") {
    Scene scene;
    scene.submitted().on(event::ResultFailed{refusal(RefusalKind::retry)});
    REQUIRE(scene.job.state == State::scheduled);
    scene.on(event::CancelRequested{});
    CHECK(scene.job.state == State::cancelled);
    CHECK(scene.job.reason == Reason::after_submit);
}

TEST_CASE("a second submit refused while a cancel waits leaves the first one's bill visible") {
    Scene scene;
    scene.submitted().on(event::ResultFailed{refusal(RefusalKind::retry)}).due();
    scene.on(event::Admitted{}).on(event::CancelRequested{});
    SUBCASE("refused") {
        scene.on(event::SubmitRefused{refusal(RefusalKind::retry)});
    }
    SUBCASE("not sent") {
        scene.on(event::SubmitNotSent{});
    }
    CHECK(scene.job.state == State::cancelled);
    CHECK(scene.job.reason == Reason::after_submit);
}

TEST_CASE("a job cancelled before anything was accepted is free") {
    Scene scene;
    SUBCASE("never sent") {}
    SUBCASE("refused before") {
        scene.on(event::Admitted{}).on(event::SubmitRefused{refusal(RefusalKind::retry)});
    }
    scene.on(event::CancelRequested{});
    CHECK(scene.job.reason == Reason::before_submit);
}

TEST_CASE("a result that a webhook brings for a vanished request is fetched") {
    Scene scene;
    scene.missing();
    REQUIRE(scene.job.remote.has_value());
    Output output;
    output.url = "https://files.test/0.mp4";
    scene.on(event::ResultSeen{{output}, std::nullopt});
    CHECK(scene.job.state == State::fetching);
    CHECK(emits<effect::Fetch>(scene));
    CHECK_FALSE(scene.job.error.has_value());
}

TEST_CASE("a vanished request that shows up again is followed") {
    Scene scene;
    scene.missing();
    SUBCASE("running") {
        scene.on(event::StatusSeen{event::RemotePhase::running, {}, {}});
        CHECK(scene.job.state == State::running);
        CHECK(scene.job.reason == Reason::none);
    }
    SUBCASE("ended without a result: another attempt may follow") {
        scene.on(event::ResultFailed{refusal(RefusalKind::retry)});
        CHECK(scene.job.state == State::scheduled);
    }
    SUBCASE("cancelled") {
        scene.on(event::RemoteCancelled{});
        CHECK(scene.job.state == State::cancelled);
        CHECK(scene.job.reason == Reason::after_submit);
    }
}

TEST_CASE("news of a request never wake a job that a person holds") {
    Scene scene;
    scene.on(event::HoldRequested{});
    CHECK(ignored(scene.ask(event::ResultSeen{{Output{}}, std::nullopt})));
    CHECK(ignored(scene.ask(event::StatusSeen{})));
}

TEST_CASE("a hold does not hide that a vanished request is undecided") {
    Scene scene;
    scene.missing();
    CHECK(ignored(scene.ask(event::HoldRequested{})));
    scene.on(event::ReleaseRequested{});
    CHECK(scene.note == "a person decided to submit again; the earlier submit may be billed");
}

TEST_CASE("a search that is never answered ends the wait, and never with another submit") {
    Scene scene;
    scene.policy.resubmit_unknown = true;
    scene.on(event::Admitted{}).on(event::SubmitUnknown{});
    const event::PollFailed failed{refusal(RefusalKind::account)};
    SUBCASE("nobody asked for its end") {
        scene.now = start + 2 * scene.policy.submit_unknown_wait - 1ms;
        scene.on(failed);
        CHECK(scene.job.state == State::submit_unknown);
        scene.now += 1ms;
        scene.on(failed);
        CHECK(scene.job.state == State::held);
        CHECK(scene.job.reason == Reason::submit_unknown);
    }
    SUBCASE("a cancel waits") {
        scene.on(event::CancelRequested{});
        scene.now = start + scene.policy.submit_unknown_wait;
        scene.on(failed);
        CHECK(scene.job.state == State::cancelled);
        CHECK(scene.job.reason == Reason::after_submit);
    }
    SUBCASE("the deadline passed") {
        scene.job.request.deadline = start + 1min;
        scene.now = start + scene.policy.submit_unknown_wait;
        scene.on(failed);
        CHECK(scene.job.state == State::failed);
        CHECK(scene.job.reason == Reason::deadline);
    }
}

TEST_CASE("a search that finds nothing submits again only when the policy says so") {
    Scene scene;
    scene.policy.resubmit_unknown = true;
    scene.on(event::Admitted{}).on(event::SubmitUnknown{});
    scene.now = start + scene.policy.submit_unknown_wait;
    SUBCASE("nothing found") {
        scene.on(event::EvidenceSearched{0, "12 requests looked at"});
        CHECK(scene.job.state == State::queued);
    }
    SUBCASE("too many to choose from") {
        scene.on(event::EvidenceSearched{2, "2 alike"});
        CHECK(scene.job.state == State::held);
    }
    SUBCASE("no attempt left") {
        scene.job.request.max_attempts = 1;
        scene.on(event::EvidenceSearched{0, "none"});
        CHECK(scene.job.state == State::held);
    }
}

TEST_CASE("the policy holds, and says why, where finding nothing proves nothing") {
    Scene scene;
    scene.policy.resubmit_unknown = true;
    scene.on(event::Admitted{}).on(event::SubmitUnknown{});
    scene.now = start + scene.policy.submit_unknown_wait;
    SUBCASE("the clocks differ") {
        scene.on(event::EvidenceSearched{0, "none", "the clocks differ"});
        CHECK(scene.job.state == State::held);
        CHECK(scene.note.find("does not submit again: the clocks differ") != std::string::npos);
    }
    SUBCASE("a look that began before the wait was over is done once more") {
        scene.on(event::EvidenceSearched{0, "none", "", true});
        CHECK(scene.job.state == State::submit_unknown);
        CHECK(*scene.job.due_at > scene.now);
        scene.on(event::EvidenceSearched{0, "none"});
        CHECK(scene.job.state == State::queued);
    }
    SUBCASE("why the provider could not be asked stands in the trail") {
        scene.now += scene.policy.submit_unknown_wait;
        event::PollFailed failed{refusal(RefusalKind::retry)};
        failed.refusal.error = {"history", "more pages than are read"};
        scene.on(failed);
        CHECK(scene.job.state == State::held);
        CHECK(scene.note.find("more pages than are read") != std::string::npos);
    }
}

TEST_CASE("a search is told when it finds something else than the one before") {
    Scene scene;
    scene.on(event::Admitted{}).on(event::SubmitUnknown{});
    scene.on(event::EvidenceSearched{2, "two alike", "", true, true});
    CHECK(scene.note == "two alike");
    scene.on(event::EvidenceSearched{2, "two alike", "", true, false});
    CHECK(scene.note.empty());
}

TEST_CASE("a person who names a request is told what stands against it") {
    const event::Adopted named{1, remote_named("r7"), event::AdoptedBy::person};
    Scene scene;
    scene.submitted();
    const Outcome followed = scene.ask(named);
    REQUIRE(std::holds_alternative<Rejected>(followed));
    CHECK(std::get<Rejected>(followed).note.find(scene.job.remote->request_id.str()) !=
          std::string::npos);
    Scene vanished;
    vanished.missing().on(named);
    CHECK(vanished.job.state == State::submitted);
    CHECK(vanished.job.remote->request_id.str() == "r7");
    CHECK(vanished.note == "adopted: a person names request r7");
}

TEST_CASE("a provider that does not cancel is not asked more often than one that works") {
    Scene scene;
    scene.submitted().on(event::CancelRequested{}).on(event::CancelAnswered{false});
    CHECK(*scene.job.due_at == scene.now + 1500ms);
    int polls = 0;
    while (scene.now < start + 10min) {
        scene.due();
        CHECK(emits<effect::SendCancel>(scene));
        CHECK(emits<effect::PollStatus>(scene));
        ++polls;
        scene.on(event::StatusSeen{event::RemotePhase::running, {}, 0.01 * polls});
        scene.on(event::CancelAnswered{false});
    }
    CHECK(polls <= 12);
}

TEST_CASE("fetch events of a stored or unknown output change nothing") {
    Scene scene;
    scene.fetching(2).on(event::OutputPlanned{0, "/out/0.mp4"}).on(stored(0));
    for (const int index : {-1, 0, 2}) {
        CAPTURE(index);
        CHECK(ignored(scene.ask(event::OutputPlanned{index, "/elsewhere.mp4"})));
        CHECK(ignored(scene.ask(stored(index))));
        CHECK(ignored(scene.ask(fetch_failed(event::FetchProblem::refused, index))));
    }
    scene.on(stored(1));
    CHECK(scene.job.state == State::completed);
}

TEST_CASE("a full disk is told once and never counts as a failed fetch") {
    Scene scene;
    scene.fetching().on(fetch_failed(event::FetchProblem::disk));
    CHECK(scene.job.reason == Reason::disk);
    CHECK(scene.note == "waits for room on the disk");
    for (int i = 0; i < 100; ++i) {
        scene.due().on(fetch_failed(event::FetchProblem::disk));
        CHECK(scene.note.empty());
    }
    CHECK(scene.job.fetch_failures == 0);
    scene.due().on(stored(0));
    CHECK(scene.job.state == State::completed);
}

TEST_CASE("a result that is not ready interrupts a row of unknown-id answers") {
    Scene scene;
    scene.submitted();
    for (int i = 0; i < 3 * scene.policy.missing_polls_max; ++i) {
        scene.on(event::RemoteMissing{}).on(event::ResultNotReady{});
    }
    CHECK(is_in_hand(scene.job.state));
}

TEST_CASE("a submit that was called refused and turns out to exist counts as billed") {
    Scene scene;
    scene.job.request.max_attempts = 1;
    scene.on(event::Admitted{}).on(event::SubmitRefused{refusal(RefusalKind::retry)});
    REQUIRE(scene.job.billable_attempts == 0);
    scene.on(event::Adopted{1, remote_named("r1"), event::AdoptedBy::webhook});
    CHECK(scene.job.billable_attempts == 1);
    scene.on(event::ResultFailed{refusal(RefusalKind::retry)});
    CHECK(scene.job.state == State::failed);
    CHECK(scene.job.reason == Reason::attempts);
}

TEST_CASE("that a request ended at the provider is told once") {
    Scene scene;
    scene.submitted().on(event::StatusSeen{event::RemotePhase::ended, {}, {}});
    CHECK(scene.note == "ended at the provider");
    scene.on(event::StatusSeen{event::RemotePhase::ended, {}, {}});
    CHECK(scene.note.empty());
    CHECK(emits<effect::ReadResult>(scene));
}

TEST_CASE("a failure that trying often does not mend ends the job before its attempts are used") {
    Scene scene;
    event::ResultFailed failed{refusal(RefusalKind::retry)};
    failed.refusal.attempts_max = 2;
    scene.submitted().on(failed);
    CHECK(scene.job.state == State::scheduled);
    scene.due().submitted().on(failed);
    CHECK(scene.job.state == State::failed);
    CHECK(scene.job.reason == Reason::attempts);
    CHECK(scene.job.billable_attempts == 2);
}

TEST_CASE("a result of values alone completes the job without a fetch") {
    Scene scene;
    scene.submitted();
    event::ResultSeen seen;
    seen.values = R"({"custom_voice_id":"moss_1"})";
    scene.on(seen);
    CHECK(scene.job.state == State::completed);
    CHECK(scene.job.values == seen.values);
    CHECK(scene.job.outputs.empty());
    CHECK(scene.job.finished_at == scene.now);
    CHECK(scene.effects.empty());
    CHECK_FALSE(scene.job.due_at);
}

TEST_CASE("values beside a file wait with it, and survive a retry of the fetch") {
    Scene scene;
    scene.submitted();
    event::ResultSeen seen;
    seen.values = R"({"duration_ms":900})";
    Output sound;
    sound.kind = MediaKind::audio;
    sound.inlined = true;
    sound.bytes = 9;
    seen.outputs.push_back(sound);
    scene.on(seen);
    REQUIRE(scene.job.state == State::fetching);
    CHECK(scene.job.values == seen.values);
    // The same answer, read once more, changes nothing; nor does one with an address.
    CHECK(ignored(scene.ask(seen)));
    event::ResultSeen addressed = seen;
    addressed.outputs[0].inlined = false;
    addressed.outputs[0].url = "https://files.test/0.mp3";
    CHECK(ignored(scene.ask(addressed)));
    scene.on(fetch_failed(event::FetchProblem::refused));
    REQUIRE(scene.job.state == State::failed);
    const auto again = retry_row(scene.job, JobId{"job-2"}, scene.now);
    REQUIRE(again.has_value());
    CHECK(again->state == State::fetching);
    CHECK(again->values == seen.values);
    CHECK(again->outputs.at(0).inlined);
    CHECK(again->outputs.at(0).kind == MediaKind::audio);
}
