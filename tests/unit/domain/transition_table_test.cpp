// Every state with every event: what follows, written down once more by hand. A pair that is
// missing from the table fails, so a new state or event needs its line here as well.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "domain/transition.hpp"

using namespace reeld;
using namespace reeld::domain;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = from_unix_ms(1'795'000'000'000);
constexpr Jitter middle{0.5};

// Where a job may be: a State, then after "+" what else matters about it.
struct Scene {
    Job job;
    Policy policy;
    Instant now = start;
};

Remote remote_named(const std::string& id) {
    return Remote{RequestId{id}, "https://p.test/status", "https://p.test/response",
                  "https://p.test/cancel"};
}

Output output_at(int index, const std::string& url) {
    Output output;
    output.index = index;
    output.url = url;
    return output;
}

// A job that has come to `state` on the shortest way.
Job job_in(State state, Reason reason) {
    JobRequest request;
    request.id = JobId{"job-1"};
    request.model = "sandbox/video";
    request.input = "{}";
    Job job = first_row(std::move(request), "sandbox", start);
    job.state = state;
    job.reason = reason;
    const bool sent =
        !is_pending(state) || reason == Reason::submit_unknown || reason == Reason::remote_missing;
    job.attempt = sent ? 1 : 0;
    job.billable_attempts = sent && state != State::submitting ? 1 : 0;
    const bool known = state == State::submitted || state == State::running ||
                       state == State::fetching || reason == Reason::remote_missing;
    if (known) job.remote = remote_named("r1");
    if (state == State::fetching) job.outputs = {output_at(0, "https://files.test/0.mp4")};
    if (state == State::submit_unknown) job.unknown_until = start + 15min;
    if (is_terminal(state)) {
        job.finished_at = start;
        job.due_at.reset();
    }
    return job;
}

InputFile file_at(int index, const std::string& url = {}) {
    InputFile file;
    file.field = fmt::format("input.images[{}]", index);
    file.path = fmt::format("/srv/shots/{}.png", index);
    file.bytes = 10;
    file.content_type = "image/png";
    file.url = url;
    if (!url.empty()) file.sha256 = std::string(64, 'a');
    return file;
}

using Change = std::function<void(Scene&)>;

const std::map<std::string, Change>& changes() {
    static const std::map<std::string, Change> all{
        {"cancel", [](Scene& s) { s.job.cancel_requested = true; }},
        {"deadline", [](Scene& s) { s.job.request.deadline = start; }},
        {"used_up", [](Scene& s) { s.job.billable_attempts = s.job.request.max_attempts; }},
        {"restored", [](Scene& s) { s.job.restored = Restored::ask; }},
        {"billed", [](Scene& s) { s.job.billable_attempts = 1; }},
        {"later", [](Scene& s) { s.job.request.not_before = start + 1h; }},
        {"wait_over", [](Scene& s) { s.now = start + 15min; }},
        {"wait_twice_over", [](Scene& s) { s.now = start + 30min; }},
        {"resubmit", [](Scene& s) { s.policy.resubmit_unknown = true; }},
        {"missing_4", [](Scene& s) { s.job.missing_polls = 4; }},
        {"missing_5", [](Scene& s) { s.job.missing_polls = 5; }},
        {"failures_2", [](Scene& s) { s.job.fetch_failures = 2; }},
        {"failures_3", [](Scene& s) { s.job.fetch_failures = 3; }},
        {"failures_11", [](Scene& s) { s.job.fetch_failures = 11; }},
        {"two_outputs",
         [](Scene& s) { s.job.outputs.push_back(output_at(1, "https://files.test/1.mp4")); }},
        {"file", [](Scene& s) { s.job.files = {file_at(0)}; }},
        {"two_files", [](Scene& s) { s.job.files = {file_at(0), file_at(1)}; }},
        {"file_there", [](Scene& s) { s.job.files = {file_at(0, "https://files.test/a")}; }},
        {"file_expired",
         [](Scene& s) {
             s.job.files = {file_at(0, "https://files.test/a")};
             s.job.files[0].expires_at = start + 1h;
         }},
        {"first_stored", [](Scene& s) { s.job.outputs[0].stored = true; }},
    };
    return all;
}

Refusal refusal(RefusalKind kind) {
    const Reason reason =
        kind == RefusalKind::permanent ? Reason::content_policy : Reason::provider_error;
    return Refusal{kind, reason, ErrorInfo{"refused", "the provider said no"}, std::nullopt};
}

template <class E>
void add_refusals(std::map<std::string, Event>& all, const std::string& name) {
    all[name] = E{refusal(RefusalKind::retry)};
    all[name + "/rate_limited"] = E{refusal(RefusalKind::rate_limited)};
    all[name + "/permanent"] = E{refusal(RefusalKind::permanent)};
    all[name + "/credentials"] = E{refusal(RefusalKind::credentials)};
    all[name + "/account"] = E{refusal(RefusalKind::account)};
}

event::FetchFailed fetch_failed(event::FetchProblem problem, int index = 0) {
    return event::FetchFailed{index, problem, ErrorInfo{"fetch", "it failed"}, std::nullopt};
}

// An example of each event under its name in the trail, then after "/" its other kinds.
const std::map<std::string, Event>& examples() {
    static const std::map<std::string, Event> all = [] {
        using namespace event;
        std::map<std::string, Event> made{
            {"due", Due{}},
            {"admitted", Admitted{Token{"t"}}},
            {"submit_accepted", SubmitAccepted{remote_named("r1"), 3}},
            {"submit_accepted/other", SubmitAccepted{remote_named("r2"), 3}},
            {"submit_not_sent", SubmitNotSent{ErrorInfo{"unreachable", "no route"}}},
            {"submit_unknown", SubmitUnknown{Reason::timeout, {"timeout", "no answer"}, {}}},
            {"submit_unknown/reset", SubmitUnknown{Reason::reset, {"reset", "cut"}, {}}},
            {"submit_interrupted", SubmitInterrupted{}},
            {"adopted", Adopted{1, remote_named("r1"), AdoptedBy::webhook}},
            {"adopted/person", Adopted{1, remote_named("r1"), AdoptedBy::person}},
            {"evidence_searched", EvidenceSearched{0, "none"}},
            {"evidence_searched/early", EvidenceSearched{0, "none", "", true}},
            {"evidence_searched/doubt", EvidenceSearched{0, "none", "the clocks differ"}},
            {"evidence_searched/two", EvidenceSearched{2, "two alike"}},
            {"status_seen", StatusSeen{RemotePhase::queued, 2, {}}},
            {"status_seen/running", StatusSeen{RemotePhase::running, {}, 0.5}},
            {"status_seen/ended", StatusSeen{RemotePhase::ended, {}, {}}},
            {"remote_missing", RemoteMissing{}},
            {"result_seen", ResultSeen{{output_at(0, "https://files.test/0.mp4")}, 270'000}},
            {"result_seen/moved", ResultSeen{{output_at(0, "https://new.test/0.mp4")}, {}}},
            {"result_not_ready", ResultNotReady{}},
            {"remote_cancelled", RemoteCancelled{}},
            {"webhook_hint", WebhookHint{}},
            {"cancel_answered", CancelAnswered{true}},
            {"cancel_answered/late", CancelAnswered{false}},
            {"upload_admitted", UploadAdmitted{}},
            {"input_uploaded",
             InputUploaded{0, std::string(64, 'a'), "https://files.test/a", start, {}, "is there"}},
            {"input_uploaded/9", InputUploaded{9, "", "https://files.test/a", start, {}, "is there"}},
            {"output_planned", OutputPlanned{0, "/out/0.mp4"}},
            {"output_planned/9", OutputPlanned{9, "/out/9.mp4"}},
            {"output_stored", OutputStored{0, "/out/0.mp4", 10, "aa", "video/mp4"}},
            {"output_stored/1", OutputStored{1, "/out/1.mp4", 10, "aa", "video/mp4"}},
            {"output_stored/9", OutputStored{9, "/out/9.mp4", 10, "aa", "video/mp4"}},
            {"fetch_failed", fetch_failed(FetchProblem::retry)},
            {"fetch_failed/expired", fetch_failed(FetchProblem::expired)},
            {"fetch_failed/refused", fetch_failed(FetchProblem::refused)},
            {"fetch_failed/bad_media", fetch_failed(FetchProblem::bad_media)},
            {"fetch_failed/disk", fetch_failed(FetchProblem::disk)},
            {"fetch_failed/9", fetch_failed(FetchProblem::retry, 9)},
            {"cancel_requested", CancelRequested{}},
            {"hold_requested", HoldRequested{}},
            {"release_requested", ReleaseRequested{}},
            {"account_paused", AccountPaused{Reason::credentials, {"credentials", "bad key"}}},
            {"account_resumed", AccountResumed{}},
            {"restored", event::Restored{}},
        };
        add_refusals<SubmitRefused>(made, "submit_refused");
        add_refusals<UploadFailed>(made, "upload_failed");
        add_refusals<PollFailed>(made, "poll_failed");
        add_refusals<ResultFailed>(made, "result_failed");
        return made;
    }();
    return all;
}

std::string_view name_of(const Effect& effect) {
    static constexpr std::string_view names[] = {"send_submit", "search_evidence", "poll_status",
                                                 "read_result", "send_cancel",     "fetch",
                                                 "upload"};
    static_assert(std::size(names) == std::variant_size_v<Effect>);
    return names[effect.index()];
}

// What followed, in the table's words.
std::string describe(const Outcome& outcome) {
    if (const auto* ignored = std::get_if<Ignored>(&outcome)) {
        return ignored->note.empty() ? "skipped" : "ignored";
    }
    if (std::holds_alternative<Rejected>(outcome)) return "rejected";
    const Step& step = std::get<Step>(outcome);
    std::string text(to_string(step.job.state));
    if (step.job.reason != Reason::none) text += fmt::format(" {}", to_string(step.job.reason));
    if (!step.attempt_outcome.empty()) text += fmt::format(" ({})", step.attempt_outcome);
    for (const Effect& effect : step.effects)
        text += fmt::format(" !{}", name_of(effect));
    return text;
}

// "state reason+change+change"
Scene scene_of(const std::string& words) {
    std::istringstream parts(words);
    std::string part;
    std::getline(parts, part, '+');
    const auto space = part.find(' ');
    const auto state = parse_state(part.substr(0, space));
    const auto reason =
        parse_reason(space == std::string::npos ? std::string() : part.substr(space + 1));
    REQUIRE_MESSAGE(state.has_value(), words);
    REQUIRE_MESSAGE(reason.has_value(), words);
    Scene scene{job_in(*state, *reason), Policy{}, start};
    while (std::getline(parts, part, '+')) {
        REQUIRE_MESSAGE(changes().contains(part), part);
        changes().at(part)(scene);
    }
    return scene;
}

// Events that most states treat alike.
const std::map<std::string, std::string>& groups() {
    static const std::map<std::string, std::string> all{
        {"@answers",
         "submit_accepted submit_accepted/other submit_refused "
         "submit_refused/account submit_refused/credentials submit_refused/permanent "
         "submit_refused/rate_limited submit_not_sent submit_unknown "
         "submit_unknown/reset"},
        {"@news",
         "status_seen status_seen/ended status_seen/running "
         "result_seen result_seen/moved result_failed "
         "result_failed/account result_failed/credentials result_failed/permanent "
         "result_failed/rate_limited remote_cancelled"},
        {"@noise",
         "poll_failed poll_failed/account poll_failed/credentials "
         "poll_failed/permanent poll_failed/rate_limited remote_missing "
         "result_not_ready webhook_hint cancel_answered "
         "cancel_answered/late"},
        {"@uploads",
         "upload_admitted input_uploaded input_uploaded/9 upload_failed upload_failed/account "
         "upload_failed/credentials upload_failed/permanent upload_failed/rate_limited"},
        {"@polls",
         "poll_failed poll_failed/account poll_failed/credentials "
         "poll_failed/permanent poll_failed/rate_limited"},
        {"@searches",
         "evidence_searched evidence_searched/two evidence_searched/early "
         "evidence_searched/doubt"},
        {"@fetches",
         "output_planned output_planned/9 output_stored "
         "output_stored/1 output_stored/9 fetch_failed "
         "fetch_failed/9 fetch_failed/bad_media fetch_failed/disk "
         "fetch_failed/expired fetch_failed/refused"}};
    return all;
}

// A line "[scene]" opens a scene, "event event: what follows" says what each of the events does.
// skipped: leaves nothing; ignored: recorded, changes nothing; rejected: a person is told no.
// Otherwise: state, reason, (the attempt's new outcome), !effects.
extern const char* const table;

struct Row {
    std::string scene;
    std::string event;
    std::string expected;
};

std::vector<Row> rows() {
    std::vector<Row> rows;
    std::istringstream lines(table);
    std::string line;
    std::string scene;
    while (std::getline(lines, line)) {
        if (line.empty()) continue;
        if (line.front() == '[') {
            scene = line.substr(1, line.find(']') - 1);
            continue;
        }
        const auto colon = line.find(": ");
        REQUIRE_MESSAGE(colon != std::string::npos, line);
        std::istringstream events(line.substr(0, colon));
        std::string event;
        while (events >> event) {
            std::istringstream members(groups().contains(event) ? groups().at(event) : event);
            std::string member;
            while (members >> member)
                rows.push_back({scene, member, line.substr(colon + 2)});
        }
    }
    return rows;
}

TEST_CASE("each event in each state has exactly the outcome of the table") {
    for (const Row& row : rows()) {
        CAPTURE(row.scene);
        CAPTURE(row.event);
        REQUIRE(examples().contains(row.event));
        const Scene scene = scene_of(row.scene);
        const Outcome outcome =
            transition(scene.job, examples().at(row.event), scene.policy, scene.now, middle);
        CHECK(describe(outcome) == row.expected);
    }
}

TEST_CASE("the table leaves out no state and no event") {
    std::set<std::pair<State, std::size_t>> seen;
    std::set<std::pair<std::string, std::string>> rows_seen;
    for (const Row& row : rows()) {
        CHECK_MESSAGE(rows_seen.emplace(row.scene, row.event).second, row.scene, " ", row.event,
                      " stands twice");
        // Only a plain scene decides about a pair; the changed ones add to it.
        if (row.scene.find('+') != std::string::npos) continue;
        seen.emplace(scene_of(row.scene).job.state, examples().at(row.event).index());
    }
    std::set<std::size_t> shown;
    for (const auto& [name, event] : examples())
        shown.insert(event.index());
    CHECK(shown.size() == std::variant_size_v<Event>);
    for (const State state : all_states) {
        for (std::size_t event = 0; event < std::variant_size_v<Event>; ++event) {
            CAPTURE(to_string(state));
            CAPTURE(event);
            CHECK(seen.contains({state, event}));
        }
    }
}

TEST_CASE("every example stands under its event's name in the trail") {
    for (const auto& [name, event] : examples()) {
        CHECK(domain::name_of(event) == name.substr(0, name.find('/')));
    }
}

const char* const table = R"(
[held user]
restored: held restored
@uploads: skipped
due: held user
admitted submit_interrupted @searches @noise hold_requested account_paused: skipped
account_resumed: skipped
@answers @news @fetches: ignored
adopted adopted/person: submitted (adopted)
cancel_requested: cancelled before_submit
release_requested: queued

[held submit_unknown]
restored: held submit_unknown
@uploads: skipped
due: held submit_unknown !search_evidence
admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers @news @fetches hold_requested: ignored
adopted adopted/person: submitted (adopted)
cancel_requested: cancelled after_submit
release_requested: queued

[held remote_missing]
restored: held remote_missing
@uploads: skipped
due: held remote_missing
admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers @fetches hold_requested: ignored
adopted adopted/person: submitted (adopted)
status_seen: submitted
status_seen/ended: running result !read_result
status_seen/running: running
result_seen result_seen/moved: fetching (completed) !fetch
result_failed result_failed/account result_failed/credentials: scheduled backoff (failed)
result_failed/rate_limited: scheduled backoff (failed)
result_failed/permanent: failed content_policy (failed)
remote_cancelled: cancelled after_submit (cancelled)
cancel_requested: cancelled after_submit
release_requested: queued (missing)

[held account]
restored: held restored
@uploads: skipped
due: held account
admitted submit_interrupted @searches @noise account_paused: skipped
@answers @news @fetches: ignored
adopted adopted/person: submitted (adopted)
cancel_requested: cancelled before_submit
hold_requested: held user
release_requested account_resumed: queued

[blocked dependency]
restored: held restored
@uploads: skipped
due: blocked dependency
admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers adopted @news @fetches: ignored
cancel_requested: cancelled before_submit
hold_requested: held user
release_requested: rejected
adopted/person: rejected

[scheduled backoff]
restored: held restored
@uploads: skipped
due: queued
admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers @news @fetches: ignored
adopted adopted/person: submitted (adopted)
cancel_requested: cancelled before_submit
hold_requested: held user
release_requested: rejected

[queued]
restored: held restored
@uploads: skipped
due: queued
admitted: submitting !send_submit
@answers @news @fetches: ignored
submit_interrupted @searches @noise account_resumed: skipped
adopted adopted/person: submitted (adopted)
cancel_requested: cancelled before_submit
hold_requested: held user
release_requested: rejected
account_paused: held credentials

[submitting]
restored: submitting
@uploads: skipped
due submit_interrupted: submit_unknown interrupted (unknown)
admitted @searches @noise account_paused account_resumed: skipped
submit_accepted submit_accepted/other: submitted (accepted)
submit_refused: scheduled backoff (refused)
submit_refused/account: held account (refused)
submit_refused/credentials: held credentials (refused)
submit_refused/permanent: failed content_policy (refused)
submit_refused/rate_limited: queued rate_limit (refused)
submit_not_sent: scheduled backoff (not_sent)
submit_unknown: submit_unknown timeout (unknown)
submit_unknown/reset: submit_unknown reset (unknown)
adopted: submitted (adopted)
@news @fetches: ignored
cancel_requested: submitting cancel_requested
hold_requested release_requested: rejected
adopted/person: rejected

[submit_unknown timeout]
restored: submit_unknown timeout
@uploads: skipped
due webhook_hint: submit_unknown timeout !search_evidence
admitted submit_unknown submit_unknown/reset submit_interrupted remote_missing: skipped
result_not_ready cancel_answered cancel_answered/late account_paused account_resumed: skipped
submit_accepted submit_accepted/other: submitted (accepted)
submit_refused: scheduled backoff (refused)
submit_refused/account: held account (refused)
submit_refused/credentials: held credentials (refused)
submit_refused/permanent: failed content_policy (refused)
submit_refused/rate_limited: queued rate_limit (refused)
submit_not_sent: scheduled backoff (not_sent)
adopted adopted/person: submitted (adopted)
@searches @polls cancel_requested: submit_unknown timeout
@news @fetches: ignored
hold_requested release_requested: rejected

[submitted]
restored: submitted
@uploads: skipped
due webhook_hint: submitted !poll_status
admitted submit_interrupted @searches account_paused account_resumed: skipped
@answers adopted @fetches: ignored
status_seen @polls remote_missing result_not_ready cancel_answered cancel_answered/late: submitted
status_seen/ended: running result !read_result
status_seen/running: running
result_seen result_seen/moved: fetching (completed) !fetch
result_failed result_failed/account result_failed/credentials: scheduled backoff (failed)
result_failed/rate_limited: scheduled backoff (failed)
result_failed/permanent: failed content_policy (failed)
remote_cancelled: cancelled after_submit (cancelled)
cancel_requested: submitted cancel_requested !send_cancel
hold_requested release_requested: rejected
adopted/person: rejected

[running]
restored: running
@uploads: skipped
due webhook_hint: running !poll_status
admitted submit_interrupted @searches account_paused account_resumed: skipped
@answers adopted @fetches: ignored
status_seen: submitted
status_seen/ended: running result !read_result
status_seen/running @polls remote_missing result_not_ready cancel_answered: running
cancel_answered/late: running
result_seen result_seen/moved: fetching (completed) !fetch
result_failed result_failed/account result_failed/credentials: scheduled backoff (failed)
result_failed/rate_limited: scheduled backoff (failed)
result_failed/permanent: failed content_policy (failed)
remote_cancelled: cancelled after_submit (cancelled)
cancel_requested: running cancel_requested !send_cancel
hold_requested release_requested: rejected
adopted/person: rejected

[running result]
restored: running result
@uploads: skipped
due status_seen/ended: running result !read_result
admitted submit_interrupted @searches account_paused account_resumed: skipped
@answers adopted @fetches: ignored
status_seen: submitted
status_seen/running result_not_ready: running
@polls remote_missing cancel_answered cancel_answered/late: running result
result_seen result_seen/moved: fetching (completed) !fetch
result_failed result_failed/account result_failed/credentials: scheduled backoff (failed)
result_failed/rate_limited: scheduled backoff (failed)
result_failed/permanent: failed content_policy (failed)
remote_cancelled: cancelled after_submit (cancelled)
webhook_hint: running result !poll_status
cancel_requested: running result !send_cancel
hold_requested release_requested: rejected
adopted/person: rejected

[fetching]
restored: fetching
@uploads: skipped
due: fetching !fetch
admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers adopted status_seen status_seen/ended status_seen/running result_seen: ignored
result_failed result_failed/account result_failed/credentials result_failed/permanent: ignored
result_failed/rate_limited remote_cancelled output_planned/9 output_stored/1: ignored
output_stored/9 fetch_failed/9: ignored
result_seen/moved output_planned: fetching
output_stored: completed
fetch_failed fetch_failed/bad_media: fetching backoff
fetch_failed/disk: fetching disk
fetch_failed/expired: fetching backoff !read_result
fetch_failed/refused: failed download
cancel_requested: cancelled after_submit
hold_requested release_requested: rejected
adopted/person: rejected

[completed]
restored: skipped
@uploads: skipped
due admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers adopted @news @fetches: ignored
cancel_requested hold_requested release_requested: rejected
adopted/person: rejected

[failed attempts]
restored: skipped
@uploads: skipped
due admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
@answers adopted @news @fetches: ignored
cancel_requested hold_requested release_requested: rejected
adopted/person: rejected

[cancelled before_submit]
restored: skipped
@uploads: skipped
due admitted submit_interrupted @searches @noise cancel_requested account_paused: skipped
account_resumed: skipped
@answers adopted @news @fetches: ignored
hold_requested release_requested: rejected
adopted/person: rejected

[scheduled upload+file]
restored: held restored
due: scheduled upload !upload
admitted submit_interrupted @searches @noise account_paused account_resumed: skipped
upload_admitted input_uploaded/9: skipped
input_uploaded: queued
upload_failed upload_failed/rate_limited: scheduled backoff
upload_failed/account: held account
upload_failed/credentials: held credentials
upload_failed/permanent: failed content_policy
@answers @news @fetches: ignored
adopted adopted/person: submitted (adopted)
cancel_requested: cancelled before_submit
hold_requested: held user
release_requested: rejected

[scheduled upload+file+billed]
cancel_requested: cancelled after_submit

[scheduled upload+file+deadline]
due: failed deadline

[scheduled upload+file+restored]
input_uploaded upload_failed: held restored

[scheduled upload+two_files]
input_uploaded: scheduled upload

[scheduled backoff+file]
due: queued
@uploads: skipped

[held user+file]
release_requested: queued
@uploads: skipped

[queued+file]
admitted upload_admitted: scheduled upload !upload
input_uploaded upload_failed: skipped

[queued+file+deadline]
admitted upload_admitted: failed deadline

[queued+file_there]
admitted: submitting !send_submit
upload_admitted: skipped

[queued+file_expired]
admitted upload_admitted: scheduled upload !upload

[held restored+restored]
due: held restored
restored account_resumed: skipped
cancel_requested: cancelled before_submit
release_requested: queued

[running+restored]
result_failed: held restored (failed)
result_failed/permanent: failed content_policy (failed)

[submit_unknown timeout+resubmit+wait_over+restored]
evidence_searched: held submit_unknown

[held user+deadline]
due: failed deadline

[held user+later]
release_requested: scheduled not_before

[held user+billed]
cancel_requested: cancelled after_submit

[held account+used_up]
release_requested account_resumed: queued

[held submit_unknown+deadline]
due: failed deadline
adopted adopted/person: submitted (adopted)

[held submit_unknown+used_up]
release_requested: queued

[held remote_missing+used_up]
result_failed: failed attempts (failed)
result_seen: fetching (completed) !fetch

[blocked dependency+deadline]
due: failed deadline

[scheduled not_before+later]
due: scheduled not_before

[scheduled backoff+deadline]
due: failed deadline

[scheduled backoff+billed]
cancel_requested: cancelled after_submit
adopted adopted/person: submitted (adopted)

[queued rate_limit]
due: queued rate_limit
admitted: submitting !send_submit

[queued+deadline]
due admitted: failed deadline
adopted adopted/person: submitted (adopted)

[queued+billed]
cancel_requested: cancelled after_submit

[submitting cancel_requested+cancel]
due submit_interrupted: submit_unknown interrupted (unknown)
submit_accepted: submitted cancel_requested (accepted) !send_cancel
submit_refused submit_refused/permanent submit_refused/account: cancelled before_submit (refused)
submit_not_sent: cancelled before_submit (not_sent)
submit_unknown: submit_unknown timeout (unknown)
adopted: submitted cancel_requested (adopted) !send_cancel
cancel_requested: skipped

[submitting cancel_requested+cancel+billed]
submit_refused submit_refused/permanent: cancelled after_submit (refused)
submit_not_sent: cancelled after_submit (not_sent)

[submitting+deadline]
submit_accepted: submitted (accepted)
submit_refused: scheduled backoff (refused)
submit_unknown: submit_unknown timeout (unknown)

[submitting+used_up]
submit_refused: scheduled backoff (refused)
submit_unknown: submit_unknown timeout (unknown)

[submit_unknown timeout+cancel]
submit_accepted: submitted cancel_requested (accepted) !send_cancel
submit_refused: cancelled before_submit (refused)
submit_not_sent: cancelled before_submit (not_sent)
adopted adopted/person: submitted cancel_requested (adopted) !send_cancel
evidence_searched poll_failed: submit_unknown timeout
cancel_requested: skipped

[submit_unknown timeout+wait_over]
due: submit_unknown timeout !search_evidence
evidence_searched evidence_searched/two evidence_searched/doubt @polls: held submit_unknown
submit_accepted: submitted (accepted)
adopted adopted/person: submitted (adopted)
release_requested: rejected
evidence_searched/early: submit_unknown timeout

[submit_unknown timeout+wait_over+cancel]
evidence_searched evidence_searched/two poll_failed: cancelled after_submit

[submit_unknown timeout+wait_over+deadline]
evidence_searched evidence_searched/two poll_failed: failed deadline

[submit_unknown timeout+resubmit]
evidence_searched evidence_searched/two poll_failed: submit_unknown timeout

[submit_unknown timeout+resubmit+wait_over]
due: submit_unknown timeout !search_evidence
evidence_searched: queued
evidence_searched/two: held submit_unknown
evidence_searched/doubt: held submit_unknown
evidence_searched/early @polls: submit_unknown timeout

[submit_unknown timeout+resubmit+wait_twice_over]
evidence_searched: queued
@polls: held submit_unknown

[submit_unknown timeout+resubmit+wait_over+used_up]
evidence_searched: held submit_unknown

[submit_unknown timeout+resubmit+wait_over+cancel]
evidence_searched poll_failed: cancelled after_submit

[submit_unknown timeout+resubmit+wait_over+deadline]
evidence_searched poll_failed: failed deadline

[submitted+deadline]
due: submitted deadline !send_cancel !poll_status
status_seen: submitted
result_seen: fetching (completed) !fetch
result_failed: failed deadline (failed)
result_failed/permanent: failed content_policy (failed)

[submitted+missing_4]
remote_missing: submitted

[submitted+missing_5]
remote_missing: held remote_missing

[submitted+used_up]
result_failed: failed attempts (failed)
result_failed/permanent: failed content_policy (failed)

[running cancel_requested+cancel]
due: running cancel_requested !send_cancel !poll_status
status_seen: submitted cancel_requested
status_seen/running poll_failed result_not_ready: running cancel_requested
status_seen/ended: running cancel_requested !read_result
result_seen: fetching (completed) !fetch
result_failed result_failed/permanent: cancelled after_submit (failed)
remote_cancelled: cancelled after_submit (cancelled)
cancel_answered cancel_answered/late: running cancel_requested
cancel_requested: skipped

[running cancel_requested+cancel+missing_5]
remote_missing: cancelled after_submit (cancelled)

[running deadline+cancel+deadline]
due: running deadline !send_cancel !poll_status
status_seen/running result_not_ready: running deadline
status_seen/ended: running deadline !read_result
result_seen: fetching (completed) !fetch
result_failed: failed deadline (failed)
result_failed/permanent: failed content_policy (failed)
remote_cancelled: failed deadline (cancelled)

[running deadline+cancel+deadline+missing_5]
remote_missing: failed deadline (cancelled)

[running+used_up]
result_failed: failed attempts (failed)

[running result+missing_5]
remote_missing: failed result_expired (failed)

[running result+cancel]
due: running result !read_result

[fetching+deadline]
due: fetching !fetch
output_stored: completed

[fetching+two_outputs]
output_stored output_stored/1: fetching
fetch_failed: fetching backoff

[fetching+two_outputs+first_stored]
output_stored output_planned fetch_failed fetch_failed/disk: ignored
output_stored/1: completed
result_seen/moved: ignored

[fetching backoff+failures_2]
fetch_failed/bad_media: failed media_invalid
fetch_failed/expired: fetching backoff !read_result
fetch_failed: fetching backoff

[fetching backoff+failures_3]
fetch_failed/expired: failed result_expired
fetch_failed: fetching backoff

[fetching backoff+failures_11]
fetch_failed: failed download
fetch_failed/disk: fetching disk
output_stored: completed
)";

}  // namespace
