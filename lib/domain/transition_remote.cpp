#include "domain/transition_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::domain::steps {
namespace {

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

}  // namespace

Outcome at_provider(const Context& c, const Event& event) {
    return std::visit(AtProvider(c), event);
}

Outcome back_at_provider(const Context& c, const Event& news) {
    Job job = c.job;
    job.reason = Reason::none;
    job.error.reset();
    Outcome outcome = at_provider(Context{job, c.policy, c.now, c.jitter}, news);
    auto* step = std::get_if<Step>(&outcome);
    if (step != nullptr && step->bills.empty()) step->bills.push_back({0, Billing::reserved});
    return outcome;
}

}  // namespace reeld::domain::steps
