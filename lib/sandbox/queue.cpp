#include "sandbox/queue.hpp"

#include <algorithm>

namespace reeld::sandbox {

std::string_view to_string(Stage stage) {
    switch (stage) {
        case Stage::queued:
            return "IN_QUEUE";
        case Stage::running:
            return "IN_PROGRESS";
        case Stage::completed:
            break;
    }
    return "COMPLETED";
}

Outcome cancelled_outcome() {
    return {499,
            {{"detail", "Request was cancelled by the client"}, {"error_type", "client_cancelled"}},
            "Request was cancelled by the client",
            "client_cancelled",
            true,
            false,
            false};
}

namespace {

Outcome start_timeout_outcome() {
    return {504,
            {{"detail", "Request did not start in time"}, {"error_type", "request_timeout"}},
            "Request did not start in time",
            "request_timeout",
            true,
            true,
            true};
}

// What a provider charges for: work that was done, whatever came of it, but not its own failures.
bool is_billed(const Job& job) {
    if (job.dialect == Dialect::eachlabs && job.outcome.status != 200) return false;
    return job.started_at && job.outcome.status < 500 && !job.outcome.free;
}

}  // namespace

Job& Queue::add(Job job) {
    job.index = jobs_.size();
    by_id_[job.request_id] = job.index;
    lines_[job.endpoint].push_back(job.index);
    if (job.start_by) start_deadlines_.emplace(*job.start_by, job.index);
    jobs_.push_back(std::move(job));
    return jobs_.back();
}

Job* Queue::find(const std::string& request_id) {
    const auto at = by_id_.find(request_id);
    return at == by_id_.end() ? nullptr : &jobs_[at->second];
}

std::size_t Queue::position(const Job& job) const {
    const auto& line = lines_.at(job.endpoint);
    return static_cast<std::size_t>(std::find(line.begin(), line.end(), job.index) - line.begin());
}

std::size_t Queue::length(const std::string& endpoint) const {
    const auto at = lines_.find(endpoint);
    return at == lines_.end() ? 0 : at->second.size();
}

std::size_t Queue::in_flight(Dialect dialect) const {
    return static_cast<std::size_t>(
        std::count_if(jobs_.begin(), jobs_.end(), [&](const Job& job) {
            return job.dialect == dialect && job.stage != Stage::completed;
        }));
}

// The earlier one; ties go to the older job, so that a run repeats exactly.
void Queue::consider(std::optional<Event>& best, Event event) const {
    event.at = std::max(event.at, now_);
    if (!best || std::pair(event.at, event.job) < std::pair(best->at, best->job)) best = event;
}

std::optional<Queue::Event> Queue::next() const {
    std::optional<Event> best;
    for (const std::size_t index : running_) {
        const Job& job = jobs_[index];
        if (job.retry_at) {
            consider(best, {*job.retry_at, index, Event::Kind::retry});
        } else {
            consider(best, {job.ends_at, index, Event::Kind::end});
        }
    }
    if (!start_deadlines_.empty()) {
        const auto& [at, index] = *start_deadlines_.begin();
        consider(best, {at, index, Event::Kind::expire});
    }
    if (running_.size() >= concurrency_) return best;
    for (const auto& [endpoint, line] : lines_) {
        if (line.empty()) continue;
        consider(best, {jobs_[line.front()].eligible_at, line.front(), Event::Kind::start});
    }
    return best;
}

std::optional<Instant> Queue::next_event() const {
    const auto event = next();
    return event ? std::optional(event->at) : std::nullopt;
}

std::vector<std::size_t> Queue::advance(Instant now) {
    for (auto event = next(); event && event->at <= now; event = next()) {
        now_ = event->at;
        apply(*event);
    }
    now_ = std::max(now_, now);
    return std::exchange(finished_, {});
}

void Queue::apply(const Event& event) {
    Job& job = jobs_[event.job];
    switch (event.kind) {
        case Event::Kind::start:
            return start(job, event.at);
        case Event::Kind::end:
            return complete(job, job.planned, event.at);
        case Event::Kind::expire:
            start_deadlines_.erase(start_deadlines_.begin());
            if (job.stage == Stage::queued) complete(job, start_timeout_outcome(), event.at);
            return;
        case Event::Kind::retry:
            break;
    }
    std::erase(running_, job.index);
    job.stage = Stage::queued;
    job.retry_at.reset();
    --job.server_retries;
    job.gateway_request_id = job.next_gateway_id;
    job.eligible_at = event.at + job.run_time / 4;
    lines_[job.endpoint].push_front(job.index);
}

void Queue::start(Job& job, Instant at) {
    leave_line(job);
    job.stage = Stage::running;
    job.started_at = at;
    job.ends_at = at + job.run_time;
    if (job.server_retries > 0) job.retry_at = at + job.run_time / 2;
    if (job.start_by) start_deadlines_.erase({*job.start_by, job.index});
    running_.push_back(job.index);
}

void Queue::leave_line(const Job& job) {
    std::erase(lines_[job.endpoint], job.index);
}

void Queue::complete(Job& job, Outcome outcome, Instant at) {
    leave_line(job);
    std::erase(running_, job.index);
    if (job.start_by) start_deadlines_.erase({*job.start_by, job.index});
    job.stage = Stage::completed;
    job.outcome = std::move(outcome);
    job.finished_at = at;
    job.billed = is_billed(job);
    finished_.push_back(job.index);
}

void Queue::finish_now(Job& job, Instant now) {
    now_ = std::max(now_, now);
    job.started_at = now_;
    complete(job, job.planned, now_);
}

void Queue::cancel(Job& job, bool ignores, Instant now) {
    now_ = std::max(now_, now);
    job.cancel_requested = true;
    if (job.stage == Stage::running && ignores) return;
    complete(job, cancelled_outcome(), now_);
}

}  // namespace reeld::sandbox
