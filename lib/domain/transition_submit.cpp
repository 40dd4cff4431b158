#include "domain/transition_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::domain::steps {
namespace {

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

Step search_again(const Context& c, std::string note) {
    // Each wait is as long as all before it: evidence comes soon or late, rarely in between.
    Job job = c.job;
    const Instant since = *job.unknown_until - c.policy.submit_unknown_wait;
    const Millis elapsed = std::max(first_evidence_search, c.now - since);
    job.due_at = std::max(c.now + first_evidence_search,
                          std::min(*job.unknown_until, c.now + elapsed));
    return Step{std::move(job), {}, std::move(note), {}};
}

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

}  // namespace

Outcome in_submitting(const Context& c, const Event& event) {
    return std::visit(InSubmitting(c), event);
}

Outcome in_submit_unknown(const Context& c, const Event& event) {
    return std::visit(InSubmitUnknown(c), event);
}

}  // namespace reeld::domain::steps
