#include "domain/transition_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::domain::steps {

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
            std::optional<ErrorInfo> error) {
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

namespace {

// Whether the copy that this job comes from missed a submit nobody knows: a person may.
Job ask_first(const Context& c, Job job) {
    job.state = State::held;
    job.reason = Reason::restored;
    job.due_at = capped(job, c.now + idle_check);
    return job;
}

}  // namespace

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

Step cancelled_here(const Context& c, Job job) {
    const bool may_bill = job.billable_attempts > 0;
    return finish(c, std::move(job), State::cancelled,
                  may_bill ? Reason::after_submit : Reason::before_submit,
                  may_bill ? "cancelled; an earlier submit may be billed"
                           : "cancelled before the provider took anything");
}

Bill bill_of(const ResultSeen& result) {
    if (result.cost_micro_usd) return {0, Billing::settled, result.cost_micro_usd};
    return {0, Billing::estimated};
}

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

Outcome not_adopted(const Adopted& e, std::string why) {
    if (e.by == AdoptedBy::person) return Rejected{std::move(why)};
    return Ignored{std::move(why)};
}

std::string follows(const Job& job) {
    return fmt::format("it follows request {} already",
                       job.remote ? job.remote->request_id.str() : "-");
}

}  // namespace reeld::domain::steps
