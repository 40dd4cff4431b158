// Every short story of a job, told by trying every event in every reached situation.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <deque>
#include <set>
#include <unordered_set>

#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);
constexpr Jitter middle{0.5};

Remote remote_named(const std::string& id) {
    return Remote{RequestId{id}, "https://p.test/status", "https://p.test/response",
                  "https://p.test/cancel"};
}

std::vector<Output> two_outputs() {
    std::vector<Output> outputs(2);
    outputs[0].url = "https://files.test/0.mp4";
    outputs[1].index = 1;
    outputs[1].url = "https://files.test/1.mp4";
    return outputs;
}

Refusal refusal(RefusalKind kind) {
    const Reason reason =
        kind == RefusalKind::permanent ? Reason::content_policy : Reason::provider_error;
    return Refusal{kind, reason, ErrorInfo{"refused", "the provider said no"}, std::nullopt};
}

const std::vector<Event>& representative_events() {
    static const std::vector<Event> all = [] {
        using namespace event;
        std::vector<Event> made{
            Due{},
            Admitted{Token{"t"}},
            SubmitAccepted{remote_named("r1"), 3},
            SubmitNotSent{ErrorInfo{"unreachable", "no route"}},
            SubmitUnknown{Reason::timeout, {"timeout", "no answer"}, {}},
            SubmitUnknown{Reason::reset, {"reset", "cut"}, remote_named("r9")},
            SubmitInterrupted{},
            Adopted{1, remote_named("r2"), AdoptedBy::history},
            EvidenceSearched{0, "none"},
            EvidenceSearched{2, "two alike"},
            EvidenceSearched{0, "none", "the clocks differ", false, true},
            EvidenceSearched{0, "none", "", true},
            Adopted{1, remote_named("r3"), AdoptedBy::person},
            StatusSeen{RemotePhase::queued, 2, {}},
            StatusSeen{RemotePhase::running, {}, 0.5},
            StatusSeen{RemotePhase::ended, {}, {}},
            PollFailed{refusal(RefusalKind::retry)},
            RemoteMissing{},
            ResultSeen{two_outputs(), 270'000},
            ResultNotReady{},
            RemoteCancelled{},
            WebhookHint{},
            CancelAnswered{true},
            CancelAnswered{false},
            UploadAdmitted{},
            InputUploaded{0, std::string(64, 'a'), "https://files.test/a", start, {}, "is there"},
            InputUploaded{1, std::string(64, 'b'), "https://files.test/b", start, start + 2min,
                          "is there"},
            OutputPlanned{0, "/out/0.mp4"},
            OutputStored{0, "/out/0.mp4", 10, "aa", "video/mp4"},
            OutputStored{1, "/out/1.mp4", 10, "bb", "video/mp4"},
            CancelRequested{},
            HoldRequested{},
            ReleaseRequested{},
            AccountPaused{Reason::account, {"account", "locked"}},
            AccountResumed{},
            event::Restored{},
        };
        for (const auto kind : {RefusalKind::retry, RefusalKind::rate_limited,
                                RefusalKind::permanent, RefusalKind::credentials}) {
            made.emplace_back(SubmitRefused{refusal(kind)});
            made.emplace_back(UploadFailed{refusal(kind)});
        }
        for (const auto kind : {RefusalKind::retry, RefusalKind::permanent}) {
            made.emplace_back(ResultFailed{refusal(kind)});
        }
        for (const auto problem : {FetchProblem::retry, FetchProblem::expired,
                                   FetchProblem::refused, FetchProblem::disk}) {
            made.emplace_back(FetchFailed{0, problem, ErrorInfo{"fetch", "it failed"}, {}});
        }
        return made;
    }();
    return all;
}

struct Node {
    Job job;
    Instant now = start;
    int depth = 0;
    bool released = false;  // a person has said "go" once: the count of attempts is theirs
};

// Two nodes with the same key have the same future.
std::string key_of(const Node& node) {
    const Job& j = node.job;
    const auto rel = [&](const std::optional<Instant>& at) {
        return at ? (*at - node.now).count() : -1;
    };
    std::string key = fmt::format(
        "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", to_string(j.state), to_string(j.reason),
        j.attempt, j.billable_attempts, j.refusals, j.fetch_failures,
        j.remote ? j.remote->request_id.str() : "-", j.cancel_requested, rel(j.due_at),
        rel(j.unknown_until), j.quiet_polls, j.missing_polls, j.failed_polls, node.released,
        j.queue_position.value_or(-1), j.progress.value_or(-1));
    key += fmt::format(" {} {} {} {}", rel(j.request.deadline), rel(j.request.not_before),
                       j.error ? j.error->code : "", j.submitted_at.has_value());
    for (const Output& output : j.outputs)
        key += fmt::format(" {}{}", output.path, output.stored);
    for (const InputFile& file : j.files)
        key += fmt::format(" {}{}", file.url, rel(file.expires_at));
    key += to_string(j.restored);
    return key;
}

// The job without its timers: what the audit trail can show.
Job visible(Job job) {
    job.due_at.reset();
    job.unknown_until.reset();
    job.quiet_polls = job.missing_polls = job.failed_polls = 0;
    return job;
}

template <class E>
bool is(const Event& event) {
    return std::holds_alternative<E>(event);
}

std::size_t count_submits(const Step& step) {
    std::size_t count = 0;
    for (const Effect& effect : step.effects) {
        count += std::holds_alternative<effect::SendSubmit>(effect);
    }
    return count;
}

bool may_end_with(State state, Reason reason) {
    static const std::set<Reason> failures{Reason::deadline,       Reason::attempts,
                                           Reason::content_policy, Reason::result_expired,
                                           Reason::download,       Reason::media_invalid};
    if (state == State::failed) return failures.contains(reason);
    if (state == State::completed) return reason == Reason::none;
    return reason == Reason::before_submit || reason == Reason::after_submit;
}

// Each breach is a sentence; none is the aim.
using Breaches = std::vector<std::string>;

void check_end(const Step& step, Breaches& breaches) {
    const Job& next = step.job;
    if (!next.finished_at || next.due_at || next.unknown_until || !step.effects.empty()) {
        breaches.emplace_back("an ended job has a finish time and nothing left to do");
    }
    if (!may_end_with(next.state, next.reason)) breaches.emplace_back("an end without its reason");
    const bool free = next.state == State::cancelled && next.reason == Reason::before_submit;
    if (free && next.billable_attempts > 0) breaches.emplace_back("cancelled as free, but billed");
}

void check_going_on(const Step& step, Instant now, Breaches& breaches) {
    const Job& next = step.job;
    if (!next.due_at) {
        breaches.emplace_back("a job that goes on has an owner timer");
        return;
    }
    const bool over = next.request.deadline && *next.request.deadline <= now;
    if (*next.due_at <= now && step.effects.empty() && !over) {
        breaches.emplace_back("a timer that is due at once, with nothing under way");
    }
    if (next.finished_at) breaches.emplace_back("finished, but going on");
    if (next.unknown_until.has_value() != (next.state == State::submit_unknown)) {
        breaches.emplace_back("the wait for evidence belongs to submit_unknown alone");
    }
    const bool at_provider = next.state == State::submitted || next.state == State::running ||
                             next.state == State::fetching;
    if (at_provider && !next.remote) breaches.emplace_back("the request id is lost");
    if (at_provider && next.billable_attempts < 1) breaches.emplace_back("accepted, not counted");
}

void check_money(const Node& node, const Event& event, const Step& step, Instant now,
                 Breaches& breaches) {
    const Job& was = node.job;
    const Job& next = step.job;
    const bool admitted = was.state == State::queued && next.state == State::submitting;
    if (admitted != (count_submits(step) == 1) || (admitted && !is<event::Admitted>(event))) {
        breaches.emplace_back("a submit is sent when a queued job is admitted, and never else");
    }
    if (admitted && !all_usable(was.files, now)) {
        breaches.emplace_back("a submit that names a file without a living URL");
    }
    if (next.attempt != was.attempt + (admitted ? 1 : 0)) {
        breaches.emplace_back("the attempt's number grows by one with each intent");
    }
    if (admitted && was.billable_attempts >= was.request.max_attempts && !node.released) {
        breaches.emplace_back("a submit beyond max_attempts that no person asked for");
    }
    const bool proof = is<event::SubmitRefused>(event) || is<event::SubmitNotSent>(event);
    if (next.billable_attempts < was.billable_attempts && !proof) {
        breaches.emplace_back("a possibly billed submit was forgotten");
    }
    if (next.billable_attempts < 0) breaches.emplace_back("fewer than no billed submits");
    if (was.submitted_at && next.submitted_at != was.submitted_at) {
        breaches.emplace_back("the time of the first accepted submit changed");
    }
}

// Nothing leads from an undecided submit to another one but proof, policy or a person.
void check_undecided(const Node& node, const Event& event, const Step& step, const Policy& policy,
                     Instant now, Breaches& breaches) {
    const Job& was = node.job;
    const bool undecided = was.state == State::submit_unknown ||
                           (was.state == State::held && (was.reason == Reason::submit_unknown ||
                                                         was.reason == Reason::remote_missing));
    const State to = step.job.state;
    if (!undecided || (to != State::queued && to != State::scheduled && to != State::submitting)) {
        return;
    }
    bool allowed = false;
    if (was.state == State::submit_unknown) {
        const auto* searched = std::get_if<event::EvidenceSearched>(&event);
        allowed = is<event::SubmitRefused>(event) || is<event::SubmitNotSent>(event) ||
                  (policy.resubmit_unknown && searched != nullptr && searched->candidates == 0 &&
                   searched->doubt.empty() && !searched->early && now >= *was.unknown_until);
    } else {
        allowed = is<event::ReleaseRequested>(event) ||
                  (was.reason == Reason::remote_missing && is<event::ResultFailed>(event));
    }
    if (!allowed) breaches.emplace_back("an undecided submit was given up without a decision");
}

void check_trail(const Node& node, const Event& event, const Step& step, Breaches& breaches) {
    const Job& was = node.job;
    const Job& next = step.job;
    if (next.request != was.request || next.provider != was.provider || next.seq != was.seq ||
        next.version != was.version || next.created_at != was.created_at ||
        next.retry_of != was.retry_of) {
        breaches.emplace_back("what was asked for changed");
    }
    // That a cancel was answered or a search found something is worth a line although nothing of the job changes.
    const bool told_anyway =
        is<event::CancelAnswered>(event) || is<event::EvidenceSearched>(event);
    if (visible(next) == visible(was) && !step.note.empty() && !told_anyway) {
        breaches.emplace_back("a note about nothing: " + step.note);
    }
    if (next.state != was.state && step.note.empty() && !is<event::StatusSeen>(event)) {
        breaches.emplace_back("a new state without a word");
    }
}

bool by_person(const Event& event) {
    const auto* adopted = std::get_if<event::Adopted>(&event);
    return adopted != nullptr && adopted->by == event::AdoptedBy::person;
}

Breaches breaches_of(const Node& node, const Event& event, const Outcome& outcome,
                     const Policy& policy, Instant now) {
    Breaches breaches;
    const bool asked = is<event::CancelRequested>(event) || is<event::HoldRequested>(event) ||
                       is<event::ReleaseRequested>(event) || by_person(event);
    if (std::holds_alternative<Rejected>(outcome) && !asked) {
        breaches.emplace_back("only people are told no");
    }
    const auto* step = std::get_if<Step>(&outcome);
    if (step == nullptr) return breaches;
    if (is_terminal(node.job.state)) breaches.emplace_back("an ended job changed");
    if (is_terminal(step->job.state)) {
        check_end(*step, breaches);
    } else {
        check_going_on(*step, now, breaches);
    }
    check_money(node, event, *step, now, breaches);
    check_undecided(node, event, *step, policy, now, breaches);
    check_trail(node, event, *step, breaches);
    return breaches;
}

// What a provider, a working disk and a patient person answer to what is under way.
std::optional<Event> answer(const Job& job, const Effect& effect, Instant now) {
    using namespace event;
    if (std::holds_alternative<effect::Upload>(effect)) {
        for (std::size_t i = 0; i < job.files.size(); ++i) {
            if (is_usable(job.files[i], now)) continue;
            return InputUploaded{i, std::string(64, 'a'), "https://files.test/x", now, now + 24h,
                                 "is there"};
        }
    }
    if (std::holds_alternative<effect::SendSubmit>(effect)) {
        return SubmitAccepted{remote_named("r3"), 1};
    }
    if (std::holds_alternative<effect::SearchEvidence>(effect)) return EvidenceSearched{0, "none"};
    if (std::holds_alternative<effect::PollStatus>(effect)) {
        if (job.cancel_requested) return RemoteCancelled{};
        return StatusSeen{RemotePhase::ended, {}, {}};
    }
    if (std::holds_alternative<effect::ReadResult>(effect)) return ResultSeen{two_outputs(), {}};
    if (std::holds_alternative<effect::SendCancel>(effect)) return CancelAnswered{true};
    for (const Output& output : job.outputs) {
        if (!output.stored) return OutputStored{output.index, "/out/x.mp4", 1, "aa", "video/mp4"};
    }
    return std::nullopt;
}

Event nudge(const Job& job) {
    if (job.state == State::queued) return event::Admitted{Token{"t"}};
    if (job.state != State::held) return event::Due{};
    const bool account = job.reason == Reason::credentials || job.reason == Reason::account;
    if (account) return event::AccountResumed{};
    return event::ReleaseRequested{};
}

// Steps until the job is over, everything under way having been lost; -1 when it never is.
int steps_to_the_end(Job job, Instant now, const Policy& policy) {
    std::deque<Effect> under_way;
    for (int steps = 0; steps < 60; ++steps) {
        if (is_terminal(job.state)) return steps;
        std::optional<Event> event;
        if (!under_way.empty()) {
            event = answer(job, under_way.front(), now);
            under_way.pop_front();
            if (!event) continue;
        } else {
            event = nudge(job);
            if (is<event::Due>(*event)) now = std::max(now, job.due_at.value());
        }
        const Outcome outcome = transition(job, *event, policy, now, middle);
        const auto* step = std::get_if<Step>(&outcome);
        if (step == nullptr) continue;
        job = step->job;
        under_way.insert(under_way.end(), step->effects.begin(), step->effects.end());
    }
    return -1;
}

struct Walk {
    Policy policy;
    int depth_max = 5;
    std::deque<Node> open;
    std::unordered_set<std::string> seen;
    std::set<std::string> problems;
    std::set<State> states;
    std::size_t edges = 0;
    int longest_end = 0;

    void visit(Node node) {
        if (!seen.insert(key_of(node)).second) return;
        states.insert(node.job.state);
        const int steps = steps_to_the_end(node.job, node.now, policy);
        longest_end = std::max(longest_end, steps);
        if (steps < 0) {
            problems.insert(fmt::format("{} {}: never ends", to_string(node.job.state),
                                        to_string(node.job.reason)));
        }
        open.push_back(std::move(node));
    }

    void apply(const Node& node, const Event& event, Instant now) {
        ++edges;
        const Outcome outcome = transition(node.job, event, policy, now, middle);
        for (const std::string& breach : breaches_of(node, event, outcome, policy, now)) {
            problems.insert(fmt::format("{} {}, {}: {}", to_string(node.job.state),
                                        to_string(node.job.reason), name_of(event), breach));
        }
        const auto* step = std::get_if<Step>(&outcome);
        if (step == nullptr || node.depth == depth_max) return;
        visit(Node{step->job, now, node.depth + 1,
                   node.released || is<event::ReleaseRequested>(event)});
    }

    void run(const Job& first) {
        visit(Node{first, start, 0, false});
        while (!open.empty()) {
            const Node node = std::move(open.front());
            open.pop_front();
            for (const Event& event : representative_events()) {
                const bool due = is<event::Due>(event) && node.job.due_at;
                apply(node, event, due ? std::max(node.now, *node.job.due_at) : node.now);
                // An answer may also come only when the wait for evidence is over.
                const bool answers_search =
                    is<event::EvidenceSearched>(event) || is<event::PollFailed>(event);
                if (answers_search && node.job.unknown_until &&
                    *node.job.unknown_until > node.now) {
                    apply(node, event, *node.job.unknown_until);
                }
            }
        }
    }
};

JobRequest plain_request() {
    JobRequest request;
    request.id = JobId{"job-1"};
    request.model = "sandbox/video";
    request.input = "{}";
    request.max_attempts = 2;
    return request;
}

Policy impatient() {
    Policy policy;
    policy.fetch_failures_max = 2;
    policy.missing_polls_max = 1;
    return policy;
}

void check(const Walk& walk) {
    for (const std::string& problem : walk.problems)
        FAIL_CHECK(problem);
    INFO(walk.seen.size(), " situations, ", walk.edges, " steps, the longest way to an end ",
            walk.longest_end);
    CHECK(walk.seen.size() > 500);
}

TEST_CASE("no story of a job breaks a rule, and each can come to an end") {
    Walk walk;
    walk.policy = impatient();
    JobRequest request = plain_request();
    SUBCASE("a person decides about undecided submits") {}
    SUBCASE("the policy submits undecided ones again") {
        walk.policy.resubmit_unknown = true;
    }
    SUBCASE("with a deadline") {
        request.deadline = start + 10min;
        walk.policy.resubmit_unknown = true;
    }
    SUBCASE("with a start time") {
        request.not_before = start + 1h;
    }
    SUBCASE("with webhooks and a single attempt") {
        walk.policy.webhook = true;
        request.max_attempts = 1;
    }
    Job first = first_row(request, "sandbox", start);
    SUBCASE("with two local files") {
        for (const char* name : {"a", "b"}) {
            InputFile file;
            file.field = std::string("input.") + name;
            file.path = std::string("/srv/shots/") + name;
            file.content_type = "image/png";
            first.files.push_back(std::move(file));
        }
        walk.depth_max = 6;
    }
    walk.run(first);
    check(walk);
    // Everything but waiting for another job, which no first row does.
    CHECK(walk.states.size() >= all_states.size() - 2);
}

// Longer stories, begun where most of the trouble is.
TEST_CASE("no story that begins with an undecided submit breaks a rule") {
    Walk walk;
    walk.policy = impatient();
    walk.depth_max = 4;
    SUBCASE("a person decides") {}
    SUBCASE("the policy decides") {
        walk.policy.resubmit_unknown = true;
    }
    Job job = first_row(plain_request(), "sandbox", start);
    for (const Event& event : {Event{event::Admitted{}}, Event{event::SubmitUnknown{}},
                               Event{event::CancelRequested{}}}) {
        walk.run(job);
        job = std::get<Step>(transition(job, event, walk.policy, start, middle)).job;
    }
    walk.run(job);
    check(walk);
}

TEST_CASE("a job that was over for want of its file is fetched again, not paid again") {
    Job ended = first_row(plain_request(), "sandbox", start);
    ended.state = State::failed;
    ended.reason = Reason::download;
    ended.attempt = 1;
    ended.remote = remote_named("r1");
    ended.outputs = two_outputs();
    ended.outputs[0].stored = true;
    ended.finished_at = start;
    const auto again = retry_row(ended, JobId{"job-2"}, start + 1h);
    REQUIRE(again.has_value());
    CHECK(again->state == State::fetching);
    CHECK(again->retry_of == JobId{"job-1"});
    CHECK(again->due_at == start + 1h);
    CHECK(again->attempt == 1);
    // The ended job keeps its files; each file is fetched anew, with a wake-up before it.
    CHECK_FALSE(again->outputs[0].stored);
    CHECK(steps_to_the_end(*again, start + 1h, Policy{}) == 4);
}

TEST_CASE("a retry uploads anew where the input was refused, and else uses what is there") {
    Job ended = first_row(plain_request(), "sandbox", start);
    ended.state = State::failed;
    ended.finished_at = start;
    InputFile file;
    file.field = "input.image_url";
    file.path = "/shots/a.png";
    file.url = "https://media.example/a.png";
    file.uploaded_at = start;
    file.expires_at = start + 24h;
    ended.files = {file};
    ended.reason = Reason::attempts;
    CHECK(retry_row(ended, JobId{"job-2"}, start)->files == ended.files);
    ended.reason = Reason::invalid_input;
    const InputFile again = retry_row(ended, JobId{"job-2"}, start)->files.at(0);
    CHECK(again.fresh);
    CHECK(again.url.empty());
    CHECK_FALSE(is_usable(again, start));
    CHECK(again.path == file.path);
}

TEST_CASE("only failed and cancelled jobs are tried again, without a deadline that has passed") {
    Job job = first_row(plain_request(), "sandbox", start);
    for (const State state : all_states) {
        job.state = state;
        const bool expected = state == State::failed || state == State::cancelled;
        CHECK(retry_row(job, JobId{"job-2"}, start).has_value() == expected);
    }
    job.state = State::failed;
    job.request.deadline = start + 1h;
    CHECK(retry_row(job, JobId{"job-2"}, start)->request.deadline == start + 1h);
    CHECK_FALSE(retry_row(job, JobId{"job-2"}, start + 1h)->request.deadline.has_value());
    CHECK(retry_row(job, JobId{"job-2"}, start)->billable_attempts == 0);
}

}  // namespace
