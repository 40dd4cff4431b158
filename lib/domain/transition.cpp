#include "domain/transition.hpp"

#include "domain/transition_steps.hpp"

namespace reeld::domain {

Outcome transition(const Job& job, const Event& event, const Policy& policy, Instant now,
                   Jitter jitter) {
    const steps::Context context{job, policy, now, jitter};
    switch (job.state) {
        case State::held: return steps::in_held(context, event);
        case State::blocked: return steps::in_blocked(context, event);
        case State::scheduled: return steps::in_scheduled(context, event);
        case State::queued: return steps::in_queued(context, event);
        case State::submitting: return steps::in_submitting(context, event);
        case State::submit_unknown: return steps::in_submit_unknown(context, event);
        case State::submitted:
        case State::running: return steps::at_provider(context, event);
        case State::fetching: return steps::in_fetching(context, event);
        case State::completed:
        case State::failed:
        case State::cancelled: return steps::in_terminal(context, event);
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
    return steps::requeue(steps::Context{job, policy, now, Jitter{}}, job);
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
