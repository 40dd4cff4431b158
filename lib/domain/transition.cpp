#include "domain/transition.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/account.hpp"

namespace reeld::domain {
namespace {

using namespace event;
using Mark = domain::Restored;

// Owner timers of states that wait for something else than time: long, only so that nothing can be
// forgotten. The engine answers a timer of a running operation by setting it again.
constexpr Millis idle_check{24 * 3'600'000};
constexpr Millis held_evidence_check{3'600'000};
constexpr Millis disk_check{30'000};
constexpr Millis first_evidence_search{5'000};
constexpr Millis after_cancel{1'500};
constexpr int expired_max = 4;
constexpr int bad_media_max = 3;

struct Context {
    const Job& job;
    const Policy& policy;
    Instant now;
    Jitter jitter;
};

// ---- pieces that several states share ----

bool deadline_passed(const Context& c) {
    return c.job.request.deadline && *c.job.request.deadline <= c.now;
}

Instant capped(const Job& job, Instant at) {
    return job.request.deadline ? std::min(at, *job.request.deadline) : at;
}

void clear_failures(Job& job) {
    job.missing_polls = 0;
    job.failed_polls = 0;
}

void clear_polls(Job& job) {
    job.quiet_polls = 0;
    clear_failures(job);
}

void leave_remote(Job& job) {
    job.remote.reset();
    job.queue_position.reset();
    job.progress.reset();
    job.unknown_until.reset();
    clear_polls(job);
}

Step finish(const Context& c, Job job, State state, Reason reason, std::string note,
            std::optional<ErrorInfo> error = std::nullopt) {
    job.state = state;
    job.reason = reason;
    if (error) job.error = std::move(error);
    job.finished_at = c.now;
    job.due_at.reset();
    job.unknown_until.reset();
    job.queue_position.reset();
    return Step{std::move(job), {}, std::move(note), {}};
}

Step deadline_over(const Context& c) {
    ErrorInfo error{"deadline", "the deadline passed before the job was done"};
    return finish(c, c.job, State::failed, Reason::deadline, "gave up at the deadline",
                  std::move(error));
}

// Whether the copy that this job comes from missed a submit nobody knows: a person may.
Job ask_first(const Context& c, Job job) {
    job.state = State::held;
    job.reason = Reason::restored;
    job.due_at = capped(job, c.now + idle_check);
    return job;
}

// Back among the pending jobs, to start as soon as it may.
Job requeue(const Context& c, Job job) {
    leave_remote(job);
    if (job.restored == Mark::ask) return ask_first(c, std::move(job));
    const bool later = job.request.not_before && *job.request.not_before > c.now;
    job.state = later ? State::scheduled : State::queued;
    job.reason = later ? Reason::not_before : Reason::none;
    job.due_at = capped(job, later ? *job.request.not_before : c.now + idle_check);
    return job;
}

Job wait_backoff(const Context& c, Job job, int failures, std::optional<Millis> hint) {
    leave_remote(job);
    if (job.restored == Mark::ask) return ask_first(c, std::move(job));
    job.state = State::scheduled;
    job.reason = Reason::backoff;
    job.due_at = capped(job, c.now + backoff(c.policy.retry_base, c.policy.retry_max, failures,
                                             c.jitter, hint));
    return job;
}

Instant next_poll(const Context& c, const Job& job) {
    Millis interval = c.policy.poll_interval * (c.policy.webhook ? 4 : 1);
    for (int i = 0; i < job.quiet_polls && interval < c.policy.poll_interval_max; ++i) {
        interval += interval / 2;
    }
    interval = std::min(interval, std::max(c.policy.poll_interval, c.policy.poll_interval_max));
    // Ten percent of spread keeps jobs submitted together from being polled together for ever.
    const auto spread = static_cast<Millis::rep>(
        static_cast<double>(interval.count()) * 0.1 * c.jitter.value);
    return c.now + interval + Millis{spread};
}

Reason remote_reason(const Job& job) {
    if (!job.cancel_requested) return Reason::none;
    return job.reason == Reason::deadline ? Reason::deadline : Reason::cancel_requested;
}

// The provider has the request: from here on it is followed by its id.
Step accepted(const Context& c, Remote remote, std::optional<std::int64_t> queue_position,
              std::string outcome, std::string note) {
    Job job = c.job;
    job.state = State::submitted;
    job.reason = remote_reason(job);
    job.error.reset();
    job.refusals = 0;
    job.remote = std::move(remote);
    job.queue_position = queue_position;
    if (!job.submitted_at) job.submitted_at = c.now;
    job.unknown_until.reset();
    clear_polls(job);
    Step step{std::move(job), {}, std::move(note), std::move(outcome)};
    step.bills.push_back({0, Billing::reserved});
    if (step.job.cancel_requested) {
        step.effects.emplace_back(effect::SendCancel{});
        step.job.due_at = c.now + after_cancel;
    } else {
        step.job.due_at = capped(step.job, next_poll(c, step.job));
    }
    return step;
}

// Cancelled while no submit is in flight: whether it is free depends on the submits before.
Step cancelled_here(const Context& c, Job job) {
    const bool may_bill = job.billable_attempts > 0;
    return finish(c, std::move(job), State::cancelled,
                  may_bill ? Reason::after_submit : Reason::before_submit,
                  may_bill ? "cancelled; an earlier submit may be billed"
                           : "cancelled before the provider took anything");
}

Step refused(const Context& c, const Refusal& refusal) {
    Job job = c.job;
    job.error = refusal.error;
    if (job.cancel_requested) {
        Step step = cancelled_here(c, std::move(job));
        step.attempt_outcome = "refused";
        step.bills.push_back({0, Billing::released});
        return step;
    }
    Step step;
    switch (refusal.kind) {
        case RefusalKind::permanent:
            step = finish(c, std::move(job), State::failed, refusal.reason,
                          "refused for good; nothing was made or billed");
            break;
        case RefusalKind::credentials:
        case RefusalKind::account:
            leave_remote(job);
            job.state = State::held;
            job.reason = refusal.kind == RefusalKind::credentials ? Reason::credentials
                                                                  : Reason::account;
            job.due_at = capped(job, c.now + idle_check);
            step = Step{std::move(job), {}, "the account was refused; nothing was made", {}};
            break;
        case RefusalKind::rate_limited:
            job = requeue(c, std::move(job));
            job.reason = Reason::rate_limit;
            step = Step{std::move(job), {}, "the provider asks to slow down", {}};
            break;
        case RefusalKind::retry:
            ++job.refusals;
            step = Step{wait_backoff(c, job, job.refusals, refusal.retry_after),
                        {},
                        "refused this time; nothing was made or billed",
                        {}};
            break;
    }
    step.attempt_outcome = "refused";
    step.bills.push_back({0, Billing::released});
    return step;
}

Step not_sent(const Context& c, const ErrorInfo& error) {
    Job job = c.job;
    job.error = error;
    Step step;
    if (job.cancel_requested) {
        step = cancelled_here(c, std::move(job));
    } else {
        ++job.refusals;
        step = Step{wait_backoff(c, job, job.refusals, std::nullopt),
                    {},
                    "no byte of the request left this machine",
                    {}};
    }
    step.attempt_outcome = "not_sent";
    step.bills.push_back({0, Billing::released});
    return step;
}

Step unknown(const Context& c, Reason reason, ErrorInfo error, std::optional<Remote> hint) {
    Job job = c.job;
    job.state = State::submit_unknown;
    job.reason = reason;
    job.error = std::move(error);
    job.remote = std::move(hint);
    ++job.billable_attempts;
    job.unknown_until = c.now + c.policy.submit_unknown_wait;
    job.due_at = std::min(*job.unknown_until, c.now + first_evidence_search);
    clear_polls(job);
    Step step{std::move(job), {}, "may have been accepted; it is not sent again", "unknown"};
    step.bills.push_back({0, Billing::possible});
    return step;
}

// The provider's figure counts. Without one, what made no result may be billed all the same.
Bill bill_without_result(std::optional<std::int64_t> micro_usd, bool free) {
    if (micro_usd) return {0, Billing::settled, micro_usd};
    return {0, free ? Billing::released : Billing::possible};
}

// The attempt is over without a result.
Step attempt_over(const Context& c, const ResultFailed& failed) {
    const Refusal& refusal = failed.refusal;
    Job job = c.job;
    job.error = refusal.error;
    const int most = std::min(job.request.max_attempts,
                              refusal.attempts_max.value_or(job.request.max_attempts));
    Step step;
    if (job.cancel_requested && remote_reason(job) != Reason::deadline) {
        step = finish(c, std::move(job), State::cancelled, Reason::after_submit,
                      "ended without a result after the cancel");
    } else if (refusal.kind == RefusalKind::permanent) {
        step = finish(c, std::move(job), State::failed, refusal.reason, "failed for good");
    } else if (deadline_passed(c)) {
        step = finish(c, std::move(job), State::failed, Reason::deadline,
                      "failed, and the deadline leaves no time for another attempt");
    } else if (job.billable_attempts >= most) {
        std::string why = most < job.request.max_attempts
                              ? fmt::format("failed {} times in a way that trying again does not mend",
                                            job.billable_attempts)
                              : fmt::format("failed, and all {} attempts are used",
                                            job.billable_attempts);
        step = finish(c, std::move(job), State::failed, Reason::attempts, std::move(why));
    } else {
        step = Step{wait_backoff(c, job, job.billable_attempts, refusal.retry_after),
                    {},
                    "failed at the provider; another attempt follows",
                    {}};
    }
    step.attempt_outcome = "failed";
    step.bills.push_back(bill_without_result(failed.cost_micro_usd, failed.free));
    return step;
}

Bill bill_of(const ResultSeen& result) {
    if (result.cost_micro_usd) return {0, Billing::settled, result.cost_micro_usd};
    return {0, Billing::estimated};
}

Step result_known(const Context& c, const ResultSeen& result) {
    Job job = c.job;
    job.state = State::fetching;
    job.reason = Reason::none;
    job.error.reset();
    job.outputs = result.outputs;
    job.values = result.values;
    job.queue_position.reset();
    job.progress.reset();
    job.fetch_failures = 0;
    clear_polls(job);
    if (job.outputs.empty()) {
        Step step = finish(c, std::move(job), State::completed, Reason::none,
                           "the result has values and no file");
        step.attempt_outcome = "completed";
        step.bills.push_back(bill_of(result));
        return step;
    }
    job.due_at = c.now + operation_check;
    Step step{std::move(job), {effect::Fetch{}}, "the result is known", "completed"};
    step.bills.push_back(bill_of(result));
    return step;
}

// A figure that comes after the result takes the place of the estimate, whatever became of the job.
Outcome late_figure(const Context& c, const std::optional<std::int64_t>& micro_usd,
                    std::string otherwise) {
    const bool open = c.job.money && (c.job.money->by_estimate_micro_usd > 0 ||
                                      c.job.money->possible_micro_usd > 0 ||
                                      c.job.money->unpriced > 0);
    if (!micro_usd || !open) return Ignored{std::move(otherwise)};
    Step step{c.job, {}, "the provider tells what it cost", {}};
    step.bills.push_back({0, Billing::settled, micro_usd});
    return step;
}

Step remote_cancelled(const Context& c, const RemoteCancelled& cancelled = {}) {
    const bool by_deadline = remote_reason(c.job) == Reason::deadline;
    Step step = by_deadline
                    ? deadline_over(c)
                    : finish(c, c.job, State::cancelled, Reason::after_submit,
                             c.job.cancel_requested ? "cancelled at the provider"
                                                    : "somebody else cancelled it at the provider");
    step.attempt_outcome = "cancelled";
    step.bills.push_back(bill_without_result(cancelled.cost_micro_usd, cancelled.free));
    return step;
}

Step poll_failed(const Context& c, const Refusal& refusal) {
    Job job = c.job;
    ++job.failed_polls;
    job.due_at = c.now + backoff(std::max(c.policy.poll_interval, Millis{1'000}),
                                 c.policy.poll_interval_max, job.failed_polls, c.jitter,
                                 refusal.retry_after);
    return Step{std::move(job), {}, {}, {}};
}

// No attempt begins for it, and nothing of the account is taken.
Step begin_upload(const Context& c) {
    Job job = c.job;
    job.state = State::scheduled;
    job.reason = Reason::upload;
    job.due_at = capped(job, c.now + operation_check);
    return Step{std::move(job), {effect::Upload{}}, "its files go to the provider first", {}};
}

Outcome uploaded(const Context& c, const InputUploaded& e) {
    Job job = c.job;
    InputFile& file = job.files[e.index];
    file.sha256 = e.sha256;
    file.url = e.url;
    file.uploaded_at = e.uploaded_at;
    file.expires_at = e.expires_at;
    if (!all_usable(job.files, c.now)) {
        if (job.files == c.job.files) return Ignored{};
        job.due_at = capped(job, c.now + operation_check);
        return Step{std::move(job), {}, e.how, {}};
    }
    job.error.reset();
    job.refusals = 0;
    return Step{requeue(c, std::move(job)), {}, e.how + "; every file is there", {}};
}

Step upload_failed(const Context& c, const Refusal& refusal) {
    Job job = c.job;
    job.error = refusal.error;
    switch (refusal.kind) {
        case RefusalKind::permanent: break;
        case RefusalKind::credentials:
        case RefusalKind::account:
            job.state = State::held;
            job.reason = refusal.kind == RefusalKind::credentials ? Reason::credentials
                                                                  : Reason::account;
            job.due_at = capped(job, c.now + idle_check);
            return Step{std::move(job), {}, "the account was refused an upload; nothing was made",
                        {}};
        case RefusalKind::rate_limited:
        case RefusalKind::retry:
            ++job.refusals;
            return Step{wait_backoff(c, job, job.refusals, refusal.retry_after),
                        {},
                        "an upload failed and is tried again; nothing was made or billed",
                        {}};
    }
    return finish(c, std::move(job), State::failed, refusal.reason,
                  "its files cannot be uploaded; nothing was made or billed");
}

Step hold(const Context& c) {
    Job job = c.job;
    job.state = State::held;
    job.reason = Reason::user;
    job.due_at = capped(job, c.now + idle_check);
    return Step{std::move(job), {}, "held by a person", {}};
}

// Found in a copy of the database: it may have been submitted, paid and finished since.
Outcome mark_restored(const Context& c) {
    if (c.job.restored == Mark::ask) return Ignored{};
    Job job = c.job;
    job.restored = Mark::ask;
    const bool undecided =
        job.reason == Reason::submit_unknown || job.reason == Reason::remote_missing;
    if (is_pending(job.state) && !undecided) {
        return Step{ask_first(c, std::move(job)),
                    {},
                    "the database is a copy; it may have been submitted since",
                    {}};
    }
    return Step{std::move(job), {}, "the database is a copy; another submit waits for a person", {}};
}

Step search_again(const Context& c, std::string note) {
    // Each wait is as long as all before it: evidence comes soon or late, rarely in between.
    Job job = c.job;
    const Instant since = *job.unknown_until - c.policy.submit_unknown_wait;
    const Millis elapsed = std::max(first_evidence_search, c.now - since);
    job.due_at = std::max(c.now + first_evidence_search,
                          std::min(*job.unknown_until, c.now + elapsed));
    return Step{std::move(job), {}, std::move(note), {}};
}

// ---- ignoring and rejecting, event by event: no catch-all, so that a new event does not compile
// until every state has decided about it ----

template <class E>
struct IgnoreOne {
    Outcome operator()(const E&) const { return Ignored{"came too late or too early"}; }
};
template <class... E>
struct Ignore : IgnoreOne<E>... {
    using IgnoreOne<E>::operator()...;
};
template <class E>
struct SkipOne {
    Outcome operator()(const E&) const { return Ignored{}; }
};
template <class... E>
struct Skip : SkipOne<E>... {
    using SkipOne<E>::operator()...;
};

using SubmitAnswers = Ignore<SubmitAccepted, SubmitRefused, SubmitNotSent, SubmitUnknown>;
using RemoteNews = Ignore<StatusSeen, ResultSeen, ResultFailed, RemoteCancelled>;
using RemoteNoise = Skip<PollFailed, RemoteMissing, ResultNotReady, WebhookHint, CancelAnswered>;
using UploadNews = Skip<UploadAdmitted, InputUploaded, UploadFailed>;
using FetchNews = Ignore<OutputPlanned, OutputStored, FetchFailed>;

// A submit of this job that nobody heard an answer of turned out to exist: it is followed instead
// of being made again.
Outcome adopt(const Context& c, const Adopted& e) {
    static constexpr std::string_view by[] = {"a webhook", "the provider's request history",
                                              "the answer's header"};
    const std::string shown = e.by == AdoptedBy::person
                                  ? fmt::format("a person names request {}", e.remote.request_id.str())
                                  : fmt::format("{} shows request {}",
                                                by[static_cast<std::size_t>(e.by)],
                                                e.remote.request_id.str());
    // It may be one that an answer had called refused: what exists at the provider is on the bill.
    Job job = c.job;
    job.billable_attempts = std::max(job.billable_attempts, 1);
    return accepted(Context{job, c.policy, c.now, c.jitter}, e.remote, std::nullopt, "adopted",
                    "adopted: " + shown);
}

// A request that the job cannot follow: a person is told why, other evidence is recorded.
Outcome not_adopted(const Adopted& e, std::string why) {
    if (e.by == AdoptedBy::person) return Rejected{std::move(why)};
    return Ignored{std::move(why)};
}

std::string follows(const Job& job) {
    return fmt::format("it follows request {} already",
                       job.remote ? job.remote->request_id.str() : "-");
}

// What a job at the provider does with news of its request; defined with that state.
template <class E>
Outcome at_provider(const Context& c, const E& news);

struct InHeld : UploadNews, SubmitAnswers, RemoteNoise, FetchNews,
                Skip<Admitted, SubmitInterrupted, AccountPaused> {
    const Context& c;
    explicit InHeld(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, AccountPaused>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        Job job = c.job;
        const bool searching = job.reason == Reason::submit_unknown;
        job.due_at = capped(job, c.now + (searching ? held_evidence_check : idle_check));
        Step step{std::move(job), {}, {}, {}};
        if (searching) step.effects.emplace_back(effect::SearchEvidence{});
        return step;
    }
    Outcome operator()(const EvidenceSearched& e) const {
        return Ignored{e.news && c.job.reason == Reason::submit_unknown ? e.detail : std::string{}};
    }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }
    Outcome operator()(const StatusSeen& e) const { return news(e); }
    Outcome operator()(const ResultSeen& e) const { return news(e); }
    Outcome operator()(const ResultFailed& e) const { return news(e); }
    Outcome operator()(const RemoteCancelled& e) const { return news(e); }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const {
        if (c.job.reason == Reason::user) return Ignored{};
        // Whoever holds an undecided submit must not hide that it is undecided.
        if (undecided()) return Ignored{"it is held already"};
        return hold(c);
    }
    Outcome operator()(const ReleaseRequested&) const {
        Job job = c.job;
        if (job.restored == Mark::ask) job.restored = Mark::released;
        Step step{requeue(c, std::move(job)),
                  {},
                  undecided() ? "a person decided to submit again; the earlier submit may be billed"
                              : "released by a person",
                  {}};
        // Its request is known by name and was taken: that must not look open for ever.
        if (c.job.reason == Reason::remote_missing) step.attempt_outcome = "missing";
        return step;
    }
    Outcome operator()(const AccountResumed&) const {
        if (c.job.reason != Reason::credentials && c.job.reason != Reason::account) {
            return Ignored{};
        }
        return Step{requeue(c, c.job), {}, "the account works again", {}};
    }

    bool undecided() const {
        return c.job.reason == Reason::submit_unknown || c.job.reason == Reason::remote_missing;
    }
    // A request that had vanished shows up again: follow it instead of paying for another.
    template <class E>
    Outcome news(const E& e) const {
        if (c.job.reason == Reason::remote_missing) return at_provider(c, e);
        return Ignored{"came too late or too early"};
    }
};

struct InBlocked : UploadNews, SubmitAnswers, RemoteNews, RemoteNoise, FetchNews,
                   Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                        AccountResumed> {
    const Context& c;
    explicit InBlocked(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        Job job = c.job;
        job.due_at = capped(job, c.now + idle_check);
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const Adopted& e) const {
        return not_adopted(e, "it waits for another job and was not submitted");
    }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const { return hold(c); }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{"it waits for another job, nobody holds it"};
    }
};

struct InScheduled : SubmitAnswers, RemoteNews, RemoteNoise, FetchNews,
                     Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                          AccountResumed> {
    const Context& c;
    explicit InScheduled(const Context& context) : c(context) {}
    using SubmitAnswers::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        if (is_uploading(c.job)) {
            Job job = c.job;
            job.due_at = capped(job, c.now + operation_check);
            return Step{std::move(job), {effect::Upload{}}, {}, {}};
        }
        return Step{requeue(c, c.job), {}, "its time has come", {}};
    }
    Outcome operator()(const UploadAdmitted&) const { return Ignored{}; }
    Outcome operator()(const InputUploaded& e) const {
        if (!is_uploading(c.job) || e.index >= c.job.files.size()) return Ignored{};
        return uploaded(c, e);
    }
    Outcome operator()(const UploadFailed& e) const {
        if (!is_uploading(c.job)) return Ignored{};
        return upload_failed(c, e.refusal);
    }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const { return hold(c); }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{is_uploading(c.job) ? "its files are on their way, nobody holds it"
                                            : "it waits for its time, nobody holds it"};
    }
};

struct InQueued : SubmitAnswers, RemoteNews, RemoteNoise, FetchNews,
                  Skip<SubmitInterrupted, EvidenceSearched, AccountResumed, InputUploaded,
                       UploadFailed> {
    const Context& c;
    explicit InQueued(const Context& context) : c(context) {}
    using SubmitAnswers::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<SubmitInterrupted, EvidenceSearched, AccountResumed, InputUploaded,
               UploadFailed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        Job job = c.job;
        job.due_at = capped(job, c.now + idle_check);
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const UploadAdmitted&) const {
        if (deadline_passed(c)) return deadline_over(c);
        if (all_usable(c.job.files, c.now)) return Ignored{};
        return begin_upload(c);
    }
    Outcome operator()(const Admitted&) const {
        if (deadline_passed(c)) return deadline_over(c);
        if (!all_usable(c.job.files, c.now)) return begin_upload(c);
        Job job = c.job;
        leave_remote(job);
        job.state = State::submitting;
        job.reason = Reason::none;
        ++job.attempt;
        job.due_at = c.now + c.policy.submit_timeout + operation_check;
        const std::string reserved = reserve(job);
        return Step{std::move(job),
                    {effect::SendSubmit{}},
                    "the intent is durable" + (reserved.empty() ? "" : "; " + reserved),
                    {}};
    }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const { return hold(c); }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{"it is queued already, nobody holds it"};
    }
    Outcome operator()(const AccountPaused& e) const {
        Job job = c.job;
        job.state = State::held;
        job.reason = e.reason;
        job.error = e.error;
        job.due_at = capped(job, c.now + idle_check);
        return Step{std::move(job), {}, "the provider's account is paused", {}};
    }
};

ErrorInfo interrupted_error() {
    return {"interrupted", "the daemon ended while the submit was in flight"};
}

struct InSubmitting : UploadNews, FetchNews, RemoteNews, RemoteNoise,
                      Skip<Admitted, EvidenceSearched, AccountPaused, AccountResumed> {
    const Context& c;
    explicit InSubmitting(const Context& context) : c(context) {}
    using UploadNews::operator();
    using FetchNews::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using Skip<Admitted, EvidenceSearched, AccountPaused, AccountResumed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        return unknown(c, Reason::interrupted, interrupted_error(), std::nullopt);
    }
    Outcome operator()(const SubmitInterrupted&) const {
        return unknown(c, Reason::interrupted, interrupted_error(), std::nullopt);
    }
    Outcome operator()(const SubmitAccepted& e) const {
        Job job = c.job;
        ++job.billable_attempts;
        return accepted(Context{job, c.policy, c.now, c.jitter}, e.remote, e.queue_position,
                        "accepted", "accepted by the provider");
    }
    Outcome operator()(const SubmitRefused& e) const { return refused(c, e.refusal); }
    Outcome operator()(const SubmitNotSent& e) const { return not_sent(c, e.error); }
    Outcome operator()(const SubmitUnknown& e) const {
        return unknown(c, e.reason, e.error, e.hint);
    }
    Outcome operator()(const Adopted& e) const {
        if (e.by == AdoptedBy::person) {
            return Rejected{"its submit is on its way; the answer may still tell its request"};
        }
        // A webhook that overtakes the submit's own answer.
        Job job = c.job;
        ++job.billable_attempts;
        Outcome outcome = adopt(Context{job, c.policy, c.now, c.jitter}, e);
        // The one on its way is followed no more, whatever its answer says.
        auto* step = std::get_if<Step>(&outcome);
        if (step != nullptr && e.attempt != c.job.attempt) {
            step->bills.push_back({c.job.attempt, Billing::possible});
        }
        return outcome;
    }
    Outcome operator()(const CancelRequested&) const {
        if (c.job.cancel_requested) return Ignored{};
        Job job = c.job;
        job.cancel_requested = true;
        job.reason = Reason::cancel_requested;
        return Step{std::move(job), {}, "to be cancelled as soon as the submit is answered", {}};
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{"it is on its way to the provider; cancel it instead"};
    }
    Outcome operator()(const ReleaseRequested&) const { return Rejected{"nobody holds it"}; }
};

struct InSubmitUnknown : UploadNews, FetchNews, RemoteNews, Skip<Admitted, SubmitInterrupted, RemoteMissing,
                                                     ResultNotReady, CancelAnswered, AccountPaused,
                                                     AccountResumed> {
    const Context& c;
    explicit InSubmitUnknown(const Context& context) : c(context) {}
    using UploadNews::operator();
    using FetchNews::operator();
    using RemoteNews::operator();
    using Skip<Admitted, SubmitInterrupted, RemoteMissing, ResultNotReady, CancelAnswered,
               AccountPaused, AccountResumed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        Job job = c.job;
        job.due_at = c.now + operation_check;
        return Step{std::move(job), {effect::SearchEvidence{}}, {}, {}};
    }
    Outcome operator()(const WebhookHint&) const {
        Job job = c.job;
        job.due_at = c.now + operation_check;
        return Step{std::move(job), {effect::SearchEvidence{}}, {}, {}};
    }
    // An answer after all.
    Outcome operator()(const SubmitAccepted& e) const {
        return accepted(c, e.remote, e.queue_position, "accepted", "the answer came after all");
    }
    Outcome operator()(const SubmitRefused& e) const {
        Job job = c.job;
        --job.billable_attempts;
        return refused(Context{job, c.policy, c.now, c.jitter}, e.refusal);
    }
    Outcome operator()(const SubmitNotSent& e) const {
        Job job = c.job;
        --job.billable_attempts;
        return not_sent(Context{job, c.policy, c.now, c.jitter}, e.error);
    }
    Outcome operator()(const SubmitUnknown&) const { return Ignored{}; }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }

    Outcome operator()(const PollFailed& e) const {
        // The search got no answer: that proves nothing, so only a person may decide on it. Where
        // the policy would submit again, an outage gets as long again to pass.
        const bool patient =
            c.policy.resubmit_unknown && !c.job.cancel_requested && !deadline_passed(c);
        const Millis more = patient ? c.policy.submit_unknown_wait : Millis{0};
        if (c.now >= *c.job.unknown_until + more) {
            Undecided unasked;
            unasked.found = fmt::format("no evidence of the submit (the provider could not be asked: {})",
                                        e.refusal.error.message);
            return decide(unasked);
        }
        Job job = c.job;
        ++job.failed_polls;
        job.due_at = c.now + backoff(first_evidence_search, c.policy.poll_interval_max,
                                     job.failed_polls, c.jitter, e.refusal.retry_after);
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const EvidenceSearched& e) const {
        // Only a look that began after the wait says that nothing came in all that time.
        if (e.early || c.now < *c.job.unknown_until) {
            return search_again(c, e.news ? e.detail : std::string{});
        }
        Undecided what;
        what.found = e.candidates == 0 ? fmt::format("no evidence of the submit ({})", e.detail)
                                       : e.detail;
        what.may_resubmit = e.candidates == 0 && e.doubt.empty();
        if (e.candidates == 0 && c.policy.resubmit_unknown) what.doubt = e.doubt;
        return decide(what);
    }
    Outcome operator()(const CancelRequested&) const {
        if (c.job.cancel_requested) return Ignored{};
        Job job = c.job;
        job.cancel_requested = true;
        return Step{std::move(job), {}, "to be cancelled as soon as the request is found", {}};
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{"its submit may have been accepted; it waits for evidence"};
    }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{"its submit may have been accepted; release works once the wait is over"};
    }

    struct Undecided {
        std::string found;          // a sentence
        std::string doubt{};        // why the policy does not act; empty: it may, or would not anyway
        bool may_resubmit = false;  // the look worked, and nothing was there
    };
    // The wait is over. What was found decides between a person, another submit and the end.
    Outcome decide(const Undecided& what) const {
        Job job = c.job;
        if (job.cancel_requested) {
            return finish(c, std::move(job), State::cancelled, Reason::after_submit,
                          "cancelled; whether the submit was accepted stayed unknown");
        }
        if (deadline_passed(c)) return deadline_over(c);
        if (c.policy.resubmit_unknown && what.may_resubmit &&
            job.restored != Mark::ask &&
            job.billable_attempts < job.request.max_attempts) {
            return Step{requeue(c, std::move(job)),
                        {},
                        what.found + "; the policy submits again, the earlier submit may be billed",
                        {}};
        }
        job.state = State::held;
        job.reason = Reason::submit_unknown;
        job.unknown_until.reset();
        job.due_at = capped(job, c.now + held_evidence_check);
        const std::string but =
            what.doubt.empty() ? "" : fmt::format("; the policy does not submit again: {}", what.doubt);
        return Step{std::move(job), {}, what.found + but + "; a person decides", {}};
    }
};

// submitted and running: the provider has it. They differ only in what the provider said last.
struct AtProvider : UploadNews, FetchNews, Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                                    AccountResumed>,
                    Ignore<SubmitRefused, SubmitNotSent, SubmitUnknown> {
    const Context& c;
    explicit AtProvider(const Context& context) : c(context) {}
    using UploadNews::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();
    using Ignore<SubmitRefused, SubmitNotSent, SubmitUnknown>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        Job job = c.job;
        job.due_at = c.now + operation_check;
        Step step{std::move(job), {}, {}, {}};
        if (deadline_passed(c) && !step.job.cancel_requested) {
            step.job.cancel_requested = true;
            step.job.quiet_polls = 0;
            step.job.reason = Reason::deadline;
            step.note = "the deadline passed: cancelling at the provider";
        }
        const bool ended = step.job.reason == Reason::result;
        if (step.job.cancel_requested && !ended) step.effects.emplace_back(effect::SendCancel{});
        if (ended) {
            step.effects.emplace_back(effect::ReadResult{});
        } else {
            step.effects.emplace_back(effect::PollStatus{});
        }
        return step;
    }
    Outcome operator()(const SubmitAccepted& e) const {
        if (c.job.remote && e.remote.request_id == c.job.remote->request_id) {
            return Ignored{"the webhook was faster than this answer"};
        }
        return Ignored{fmt::format("the answer names another request ({}) than the one followed",
                                   e.remote.request_id.str())};
    }
    Outcome operator()(const Adopted& e) const { return not_adopted(e, follows(c.job)); }
    Outcome operator()(const StatusSeen& e) const {
        Job job = c.job;
        if (e.phase == RemotePhase::ended) {
            job.state = State::running;
            if (!job.cancel_requested) job.reason = Reason::result;
            job.queue_position.reset();
            job.due_at = c.now + operation_check;
            const bool known = c.job.state == State::running && c.job.reason == job.reason &&
                               !c.job.queue_position;
            // Under a cancel each reading of the result follows such a status, which says nothing
            // about whether the result is still there: what failed in a row goes on counting.
            if (!known) clear_failures(job);
            return Step{std::move(job),
                        {effect::ReadResult{}},
                        known ? "" : "ended at the provider",
                        {}};
        }
        clear_failures(job);
        const bool running = e.phase == RemotePhase::running;
        job.state = running ? State::running : State::submitted;
        job.reason = remote_reason(job);
        job.queue_position = running ? std::nullopt : e.queue_position;
        if (e.progress) job.progress = e.progress;
        const bool changed = job.state != c.job.state ||
                             job.queue_position != c.job.queue_position ||
                             job.progress != c.job.progress;
        // A cancel is repeated with each poll, so under one only the first polls come fast.
        job.quiet_polls = changed && !job.cancel_requested ? 0 : job.quiet_polls + 1;
        std::string note;
        if (c.job.state == State::running && !running) note = "back in the provider's queue";
        const Instant next = next_poll(c, job);
        job.due_at = job.cancel_requested ? next : capped(job, next);
        return Step{std::move(job), {}, std::move(note), {}};
    }
    Outcome operator()(const PollFailed& e) const { return poll_failed(c, e.refusal); }
    Outcome operator()(const RemoteMissing&) const {
        Job job = c.job;
        ++job.missing_polls;
        if (job.missing_polls <= c.policy.missing_polls_max) {
            job.due_at = c.now + backoff(c.policy.poll_interval, c.policy.poll_interval_max,
                                         job.missing_polls, c.jitter, c.policy.poll_interval);
            return Step{std::move(job), {}, {}, {}};
        }
        if (job.cancel_requested) return remote_cancelled(c);
        const bool ended = job.reason == Reason::result;
        if (ended) {
            Step step = finish(
                c, std::move(job), State::failed, Reason::result_expired,
                "the provider had finished it, but gives the result no more",
                ErrorInfo{"result_expired", "the provider does not keep the result any more"});
            step.attempt_outcome = "failed";
            step.bills.push_back({0, Billing::possible});
            return step;
        }
        job.state = State::held;
        job.reason = Reason::remote_missing;
        job.error = ErrorInfo{"remote_missing",
                              "the provider does not know the request any more; release submits "
                              "again and may pay twice"};
        job.due_at = capped(job, c.now + idle_check);
        Step step{std::move(job), {}, "unknown to the provider; a person decides", {}};
        step.bills.push_back({0, Billing::possible});
        return step;
    }
    Outcome operator()(const ResultSeen& e) const { return result_known(c, e); }
    Outcome operator()(const ResultFailed& e) const { return attempt_over(c, e); }
    Outcome operator()(const ResultNotReady&) const {
        Job job = c.job;
        ++job.quiet_polls;
        job.failed_polls = 0;
        job.missing_polls = 0;
        job.reason = remote_reason(job);
        job.due_at = next_poll(c, job);
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const RemoteCancelled& e) const { return remote_cancelled(c, e); }
    Outcome operator()(const WebhookHint&) const {
        Job job = c.job;
        job.due_at = c.now + operation_check;
        return Step{std::move(job), {effect::PollStatus{}}, {}, {}};
    }
    Outcome operator()(const CancelAnswered& e) const {
        Job job = c.job;
        job.due_at = job.quiet_polls == 0 ? c.now + after_cancel : next_poll(c, job);
        return Step{std::move(job),
                    {},
                    e.accepted ? "the provider took the cancel" : "too late to cancel",
                    {}};
    }
    Outcome operator()(const CancelRequested&) const {
        if (c.job.cancel_requested) return Ignored{};
        Job job = c.job;
        job.cancel_requested = true;
        job.quiet_polls = 0;
        job.due_at = c.now + operation_check;
        if (job.reason != Reason::result) job.reason = Reason::cancel_requested;
        return Step{std::move(job), {effect::SendCancel{}},
                    "cancelling at the provider; it may still finish and be billed", {}};
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{"the provider has it already; cancel it instead"};
    }
    Outcome operator()(const ReleaseRequested&) const { return Rejected{"nobody holds it"}; }
};

template <class E>
Outcome at_provider(const Context& c, const E& news) {
    Job job = c.job;
    job.reason = Reason::none;
    job.error.reset();
    Outcome outcome = AtProvider(Context{job, c.policy, c.now, c.jitter})(news);
    auto* step = std::get_if<Step>(&outcome);
    if (step != nullptr && step->bills.empty()) step->bills.push_back({0, Billing::reserved});
    return outcome;
}

struct InFetching : UploadNews, SubmitAnswers, RemoteNoise,
                    Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                         AccountResumed>,
                    Ignore<StatusSeen, ResultFailed, RemoteCancelled> {
    const Context& c;
    explicit InFetching(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using RemoteNoise::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();
    using Ignore<StatusSeen, ResultFailed, RemoteCancelled>::operator();
    Outcome operator()(const Adopted& e) const { return not_adopted(e, follows(c.job)); }

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        Job job = c.job;
        job.due_at = c.now + operation_check;
        return Step{std::move(job), {effect::Fetch{}}, {}, {}};
    }
    Outcome operator()(const ResultSeen& e) const {
        // Asked again because a file's URL had expired: only the addresses are news.
        Job job = c.job;
        bool changed = false;
        for (std::size_t i = 0; i < job.outputs.size() && i < e.outputs.size(); ++i) {
            if (job.outputs[i].stored || job.outputs[i].url == e.outputs[i].url) continue;
            // What came with an answer is here; what had an address and came so now is not.
            if (job.outputs[i].inlined || e.outputs[i].inlined) continue;
            job.outputs[i].url = e.outputs[i].url;
            changed = true;
        }
        if (!changed) return late_figure(c, e.cost_micro_usd, "the result is known already");
        Step step{std::move(job), {}, "fresh addresses of the result", {}};
        if (e.cost_micro_usd) step.bills.push_back(bill_of(e));
        return step;
    }
    Outcome operator()(const OutputPlanned& e) const {
        if (!waits_for(e.index)) return Ignored{"no such output to fetch"};
        Job job = c.job;
        output(job, e.index).path = e.path;
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const OutputStored& e) const {
        if (!waits_for(e.index)) return Ignored{"no such output to fetch"};
        Job job = c.job;
        Output& stored = output(job, e.index);
        stored.stored = true;
        stored.path = e.path;
        stored.bytes = e.bytes;
        stored.sha256 = e.sha256;
        if (!e.content_type.empty()) stored.content_type = e.content_type;
        job.fetch_failures = 0;
        job.reason = Reason::none;
        const bool all = std::all_of(job.outputs.begin(), job.outputs.end(),
                                     [](const Output& o) { return o.stored; });
        if (!all) {
            job.due_at = c.now + operation_check;
            return Step{std::move(job), {}, "one more output is on disk", {}};
        }
        job.error.reset();
        return finish(c, std::move(job), State::completed, Reason::none,
                      "every output is on disk, verified");
    }
    Outcome operator()(const FetchFailed& e) const {
        if (!waits_for(e.index)) return Ignored{"no such output to fetch"};
        Job job = c.job;
        job.error = e.error;
        if (e.problem == FetchProblem::disk) {
            const bool known = job.reason == Reason::disk;
            job.reason = Reason::disk;
            job.due_at = c.now + disk_check;
            return Step{std::move(job), {}, known ? "" : "waits for room on the disk", {}};
        }
        ++job.fetch_failures;
        const auto over = [&](Reason reason) {
            return finish(c, std::move(job), State::failed, reason,
                          "the paid result did not arrive; retry fetches it without paying again");
        };
        switch (e.problem) {
            case FetchProblem::refused: return over(Reason::download);
            case FetchProblem::expired:
                if (job.fetch_failures >= expired_max) return over(Reason::result_expired);
                break;
            case FetchProblem::bad_media:
                if (job.fetch_failures >= bad_media_max) return over(Reason::media_invalid);
                break;
            case FetchProblem::retry:
                if (job.fetch_failures >= c.policy.fetch_failures_max) {
                    return over(Reason::download);
                }
                break;
            case FetchProblem::disk: break;
        }
        job.reason = Reason::backoff;
        job.due_at = c.now + backoff(c.policy.retry_base, c.policy.retry_max, job.fetch_failures,
                                     c.jitter, e.retry_after);
        Step step{std::move(job), {}, "the fetch failed and is tried again", {}};
        // The address may have expired while the result has not.
        if (e.problem == FetchProblem::expired) step.effects.emplace_back(effect::ReadResult{});
        return step;
    }
    Outcome operator()(const CancelRequested&) const {
        Job job = c.job;
        job.cancel_requested = true;
        return finish(c, std::move(job), State::cancelled, Reason::after_submit,
                      "cancelled while its result was being fetched; it is billed");
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{"its result is being fetched; there is nothing left to hold"};
    }
    Outcome operator()(const ReleaseRequested&) const { return Rejected{"nobody holds it"}; }

    bool waits_for(int index) const {
        return index >= 0 && static_cast<std::size_t>(index) < c.job.outputs.size() &&
               !c.job.outputs[static_cast<std::size_t>(index)].stored;
    }
    static Output& output(Job& job, int index) {
        return job.outputs[static_cast<std::size_t>(index)];
    }
};

struct InTerminal : UploadNews, SubmitAnswers, Ignore<StatusSeen>, RemoteNoise, FetchNews,
                    Skip<Due, Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                         AccountResumed, event::Restored> {
    const Context& c;
    explicit InTerminal(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using Ignore<StatusSeen>::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Due, Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed, event::Restored>::operator();

    Outcome operator()(const ResultSeen& e) const { return late(e.cost_micro_usd); }
    Outcome operator()(const ResultFailed& e) const { return late(e.cost_micro_usd); }
    Outcome operator()(const RemoteCancelled& e) const { return late(e.cost_micro_usd); }
    Outcome late(const std::optional<std::int64_t>& micro_usd) const {
        return late_figure(c, micro_usd, "came too late or too early");
    }
    Outcome operator()(const Adopted& e) const {
        return not_adopted(e, fmt::format("it is over already: {}", to_string(c.job.state)));
    }
    Outcome operator()(const CancelRequested&) const {
        if (c.job.state == State::cancelled) return Ignored{};
        return Rejected{fmt::format("it is over already: {}", to_string(c.job.state))};
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{fmt::format("it is over already: {}", to_string(c.job.state))};
    }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{fmt::format("it is over: {}; use retry", to_string(c.job.state))};
    }
};

}  // namespace

Outcome transition(const Job& job, const Event& event, const Policy& policy, Instant now,
                   Jitter jitter) {
    const Context context{job, policy, now, jitter};
    switch (job.state) {
        case State::held: return std::visit(InHeld(context), event);
        case State::blocked: return std::visit(InBlocked(context), event);
        case State::scheduled: return std::visit(InScheduled(context), event);
        case State::queued: return std::visit(InQueued(context), event);
        case State::submitting: return std::visit(InSubmitting(context), event);
        case State::submit_unknown: return std::visit(InSubmitUnknown(context), event);
        case State::submitted:
        case State::running: return std::visit(AtProvider(context), event);
        case State::fetching: return std::visit(InFetching(context), event);
        case State::completed:
        case State::failed:
        case State::cancelled: return std::visit(InTerminal(context), event);
    }
    return Ignored{"no such state"};
}

Job first_row(JobRequest request, std::string provider, Instant now) {
    Job job;
    job.request = std::move(request);
    job.provider = std::move(provider);
    job.created_at = now;
    job.money.emplace();
    const Policy policy;
    return requeue(Context{job, policy, now, Jitter{}}, job);
}

std::optional<Job> retry_row(const Job& ended, JobId id, Instant now) {
    if (ended.state != State::failed && ended.state != State::cancelled) return std::nullopt;
    JobRequest request = ended.request;
    request.id = std::move(id);
    // A deadline that has passed would end the new job at once.
    if (request.deadline && *request.deadline <= now) request.deadline.reset();
    Job job = first_row(std::move(request), ended.provider, now);
    job.retry_of = ended.request.id;
    job.files = ended.files;
    // What refused the input may have missed a file that was taken away before its time.
    for (InputFile& file : job.files) {
        if (ended.reason != Reason::invalid_input || file.as_data_uri) continue;
        file.fresh = true;
        file.url.clear();
        file.uploaded_at.reset();
        file.expires_at.reset();
    }
    if (ended.outputs.empty()) return job;
    job.state = State::fetching;
    job.reason = Reason::none;
    job.remote = ended.remote;
    job.attempt = ended.attempt;
    job.submitted_at = ended.submitted_at;
    // Its result was paid for with the ended job.
    job.cost_micro_usd = 0;
    job.money = Money{0, true};
    job.values = ended.values;
    // The ended job keeps its files; this one fetches its own from the same addresses.
    for (const Output& known : ended.outputs) {
        Output output;
        output.index = known.index;
        output.url = known.url;
        output.content_type = known.content_type;
        output.file_name = known.file_name;
        output.kind = known.kind;
        output.inlined = known.inlined;
        job.outputs.push_back(std::move(output));
    }
    job.due_at = now;
    return job;
}

}  // namespace reeld::domain
