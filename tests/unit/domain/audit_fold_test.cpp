// The trail is the row: folding the patches of a job's events gives its last row back.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);

Remote remote_named(const std::string& id) {
    return Remote{RequestId{id}, "https://p.test/" + id, "", "https://p.test/cancel"};
}

Refusal refusal() {
    return Refusal{RefusalKind::retry, Reason::provider_error, ErrorInfo{"oops", "an \"error\""},
                   std::nullopt};
}

Output output_at(int index) {
    Output output;
    output.index = index;
    output.url = "https://files.test/" + std::to_string(index);
    output.file_name = "a.mp4";
    if (index == 0) output.kind = MediaKind::video;
    if (index == 1) output.inlined = true;
    return output;
}

// Any event, likely ones more often.
Event draw(std::mt19937& random) {
    using namespace event;
    const std::vector<Event> likely{
        Due{},
        Admitted{},
        SubmitAccepted{remote_named("r" + std::to_string(random() % 3)), random() % 9},
        StatusSeen{RemotePhase::running, {}, static_cast<double>(random() % 100) / 100},
        StatusSeen{RemotePhase::queued, random() % 9, {}},
        ResultSeen{{output_at(0), output_at(1)}, 270'000},
        ResultSeen{{output_at(0)}, {}, R"({"seed":7})"},
        InputUploaded{random() % 2, std::string(64, 'a'), "https://files.test/" +
                      std::to_string(random() % 3), start, start + 1h, "is there"},
        OutputPlanned{static_cast<int>(random() % 2), "/out/file"},
        OutputStored{static_cast<int>(random() % 2), "/out/file", random(), "ab", "video/mp4"},
    };
    const std::vector<Event> rare{
        SubmitRefused{refusal()},
        SubmitNotSent{ErrorInfo{"unreachable", "no route"}},
        SubmitUnknown{},
        SubmitInterrupted{},
        Adopted{1, remote_named("a"), AdoptedBy::person},
        EvidenceSearched{},
        PollFailed{refusal()},
        RemoteMissing{},
        ResultFailed{refusal()},
        ResultSeen{{}, {}, R"({"custom_voice_id":"moss_1"})"},
        ResultNotReady{},
        FetchFailed{0, FetchProblem::retry, ErrorInfo{"cut", "cut short"}, {}},
        FetchFailed{1, FetchProblem::disk, ErrorInfo{"disk", "full"}, {}},
        FetchFailed{0, FetchProblem::refused, ErrorInfo{"refused", "host not allowed"}, {}},
        FetchFailed{1, FetchProblem::refused, ErrorInfo{"refused", "too large"}, {}},
        CancelRequested{},
        HoldRequested{},
        ReleaseRequested{},
        UploadAdmitted{},
        UploadFailed{refusal()},
        AccountPaused{},
        AccountResumed{},
        event::Restored{},
    };
    return random() % 4 != 0 ? likely[random() % likely.size()] : rare[random() % rare.size()];
}

TEST_CASE("folding the patches of random events gives the last row's audit form back") {
    std::set<State> ends;
    for (std::uint32_t seed = 1; seed <= 150; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        JobRequest request;
        request.id = JobId{"job-1"};
        request.model = "sandbox/video";
        request.input = R"({"prompt":"a sea"})";
        request.labels = {{"shot", "12"}};
        if (seed % 3 == 0) request.deadline = start + 2h;
        Job job = first_row(request, "sandbox", start);
        if (seed % 2 == 0) {
            job.files.resize(2);
            job.files[1].as_data_uri = true;
        }
        json::object folded = to_audit(job);
        Instant now = start;
        for (int i = 0; i < 60 && !is_terminal(job.state); ++i) {
            now += Millis{random() % 60'000};
            const Outcome outcome = transition(job, draw(random), Policy{}, now, Jitter{0.25});
            const auto* step = std::get_if<Step>(&outcome);
            if (step == nullptr) continue;
            fold_audit(folded, diff_audit(to_audit(job), to_audit(step->job)));
            job = step->job;
            REQUIRE(folded == to_audit(job));
        }
        ends.insert(job.state);
    }
    CHECK(ends.contains(State::completed));
    CHECK(ends.contains(State::cancelled));
    CHECK(ends.contains(State::failed));
}

TEST_CASE("timers leave no trace in the audit form, everything else does") {
    const Job job = first_row(JobRequest{}, "sandbox", start);
    Job changed = job;
    changed.due_at = start + 1h;
    changed.unknown_until = start;
    changed.quiet_polls = changed.missing_polls = changed.failed_polls = 3;
    CHECK(diff_audit(to_audit(job), to_audit(changed)).empty());
    changed.reason = Reason::disk;
    const json::object patch = diff_audit(to_audit(job), to_audit(changed));
    CHECK(patch.size() == 1);
    CHECK(patch.at("reason").as_string() == "disk");
}

TEST_CASE("the content's hash sees each field of the request but its id") {
    JobRequest request;
    request.id = JobId{"a"};
    request.input = "{}";
    const std::string hash = content_hash(request);
    JobRequest same = request;
    same.id = JobId{"b"};
    CHECK(content_hash(same) == hash);
    const auto differs = [&](auto change) {
        JobRequest other = request;
        change(other);
        return content_hash(other) != hash;
    };
    CHECK(differs([](JobRequest& r) { r.model = "m"; }));
    CHECK(differs([](JobRequest& r) { r.input = R"({"a":1})"; }));
    CHECK(differs([](JobRequest& r) { r.batch = "b"; }));
    CHECK(differs([](JobRequest& r) { r.priority = 1; }));
    CHECK(differs([](JobRequest& r) { r.not_before = start; }));
    CHECK(differs([](JobRequest& r) { r.deadline = start; }));
    CHECK(differs([](JobRequest& r) { r.max_attempts = 4; }));
    CHECK(differs([](JobRequest& r) { r.output = "x"; }));
    CHECK(differs([](JobRequest& r) { r.labels["k"] = "v"; }));
}

}  // namespace
