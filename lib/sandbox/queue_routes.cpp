// Everything below an endpoint's path: submit, status, stream, result, cancel.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/python_json.hpp"
#include "sandbox/status.hpp"
#include "sandbox/submit.hpp"

namespace reeld::sandbox {

namespace {

Answer unknown_request() {
    return json_answer(404, {{"status", "NOT_FOUND"}});
}

bool is_true(const std::optional<std::string>& text) {
    return text == "1" || text == "true" || text == "True";
}

// A status object that says so whatever is true.
json::object said(const World& world, const Job& job, Stage stage) {
    json::object body = describe(world, job);
    body["status"] = to_string(stage);
    body["logs"] = nullptr;
    return body;
}

Answer garbled(World& world, std::uint64_t at, json::object body) {
    switch (world.draws.below("garbled_as", at, 3)) {
        case 0:
            return json_answer(200, nullptr);
        case 1:
            body["status"] = "ARCHIVED";
            return json_answer(200, body);
        default:
            break;
    }
    Answer answer = json_answer(200, body);
    answer.body.resize(answer.body.size() / 2);
    return answer;
}

std::optional<Answer> spoilt_status(World& world, const Call& call, Job& job, std::uint64_t at) {
    const bool first = job.polls == 1;
    if (goes_missing(world, Fault::status_404, at, job, first, call.now, job.unknown_until)) {
        return unknown_request();
    }
    if (world.strikes(Fault::status_429, at, job.marks, first)) {
        Answer answer = json_answer(429, {{"detail", "Too many requests"}});
        world.hint_retry(answer, at, call.now, Millis{30'000});
        return answer;
    }
    if (world.strikes(Fault::status_portal, at, job.marks, first)) return portal_answer();
    if (world.strikes(Fault::status_garbled, at, job.marks, first)) {
        return garbled(world, at, said(world, job, job.stage));
    }
    return std::nullopt;
}

Answer status(World& world, const Call& call, Job& job) {
    const auto at = World::nth(job, ++job.polls);
    if (world.strikes(Fault::status_5xx, at, job.marks, job.polls == 1)) {
        if (world.draws.below("status_status", at, 2) == 0)
            return html_answer(502, "502 Bad Gateway");
        return json_answer(500, {{"detail", "Internal error"}, {"error_type", "internal_error"}});
    }
    if (auto spoilt = spoilt_status(world, call, job, at)) return *spoilt;
    json::object body = write_status(world, job, is_true(call.target.get("logs")), call.now);
    if (job.stage == Stage::running) {
        const bool first = ++job.polls_running == 1;
        if (world.strikes(Fault::status_regress, at, job.marks, first)) {
            body = describe(world, job);
            body["status"] = to_string(Stage::queued);
            body["queue_position"] = 0;
        } else if (world.strikes(Fault::status_early, at, job.marks, first)) {
            return json_answer(200, said(world, job, Stage::completed));
        }
    }
    if (job.stage == Stage::completed && job.started_at &&
        world.strikes(Fault::status_stale, at, job.marks, job.polls == 1)) {
        return json_answer(202, said(world, job, Stage::running));
    }
    Answer answer = json_answer(job.stage == Stage::completed ? 200 : 202, body);
    answer.headers.add("x-fal-request-id", job.request_id);
    return answer;
}

Answer stream(World& world, const Call& call, Job& job) {
    const auto at = World::nth(job, ++job.streams);
    if (world.strikes(Fault::stream_refused, at, job.marks, job.streams == 1)) {
        return html_answer(503, "503 Service Temporarily Unavailable");
    }
    Answer answer;
    answer.headers.add("Content-Type", "text/event-stream");
    answer.headers.add("Cache-Control", "no-cache");
    answer.headers.add("x-fal-request-id", job.request_id);
    StatusStream events;
    events.job = job.index;
    events.logs = is_true(call.target.get("logs"));
    events.cut = world.strikes(Fault::stream_cut, at, job.marks, job.streams == 1);
    events.ends = world.strikes(Fault::stream_ends, at, job.marks, job.streams == 1);
    events.quiet_since = call.now;
    answer.stream = std::move(events);
    return answer;
}

bool is_expired(const World& world, const Job& job, Instant now) {
    const bool large = python_json(job.outcome.body).size() >= 10'240;
    const Millis usual = large ? world.options.retention_large : world.options.retention;
    const Millis keep = job.keep.value_or(usual);
    return now - *job.finished_at > keep;
}

Answer result(World& world, const Call& call, Job& job) {
    if (job.stage != Stage::completed) {
        return json_answer(400, {{"detail", "Request is still in progress"}});
    }
    if (is_expired(world, job, call.now))
        return json_answer(404, {{"detail", "Request not found"}});
    const auto at = World::nth(job, ++job.results);
    const bool first = job.results == 1;
    if (goes_missing(world, Fault::result_404, at, job, first, call.now,
                     job.result_unknown_until)) {
        return json_answer(404, {{"detail", "Request not found"}});
    }
    if (world.strikes(Fault::result_portal, at, job.marks, first)) return portal_answer();
    Answer answer = tell_result(job, call.now);
    const bool good = job.outcome.status == 200;
    if (good && world.strikes(Fault::result_garbled, at, job.marks, first)) {
        answer.body.resize(answer.body.size() / 2);
    }
    return answer;
}

Answer cancel(World& world, const Call& call, Job& job) {
    const auto at = World::nth(job, ++job.cancels);
    if (world.strikes(Fault::cancel_5xx, at, job.marks, job.cancels == 1)) {
        if (world.draws.below("cancel_status", at, 2) == 0)
            return html_answer(502, "502 Bad Gateway");
        return json_answer(500, {{"detail", "Internal error"}, {"error_type", "internal_error"}});
    }
    if (job.stage == Stage::completed) return json_answer(400, {{"status", "ALREADY_COMPLETED"}});
    const bool running = job.stage == Stage::running;
    if (!running && !job.cancel_lied &&
        world.strikes(Fault::cancel_lies, job.post, job.marks, true)) {
        job.cancel_lied = true;
    }
    if (!running && job.cancel_lied) return json_answer(200, {{"status", "OK"}});
    const bool ignores =
        running &&
        (job.cancel_requested || job.cancel_lied || world.strikes(Fault::cancel_ignored, job.post, job.marks, true));
    world.queue.cancel(job, ignores, call.now);
    if (running) return json_answer(202, {{"status", "CANCELLATION_REQUESTED"}});
    return json_answer(200, {{"status", "OK"}});
}

Answer wrong_method() {
    return json_answer(405, {{"detail", "Method Not Allowed"}});
}

Answer answer_request(World& world, const Call& call, Job& job, const std::string& verb) {
    if (verb == "cancel") {
        return call.method == "PUT" ? cancel(world, call, job) : wrong_method();
    }
    if (call.method != "GET") return wrong_method();
    if (verb.empty() || verb == "response") return result(world, call, job);
    if (verb == "status") return status(world, call, job);
    if (verb == "status/stream") return stream(world, call, job);
    return json_answer(404, {{"detail", fmt::format("Path /{} not found", verb)}});
}

std::string join(const std::vector<std::string>& parts, std::size_t from, std::size_t to) {
    std::string out;
    for (std::size_t i = from; i < to; ++i) {
        out += (out.empty() ? "" : "/") + parts[i];
    }
    return out;
}

Answer answer_later_call(World& world, const Call& call, std::size_t at) {
    if (!is_authorized(world, call)) {
        return json_answer(401, {{"detail", "invalid key credentials"}});
    }
    const auto& parts = call.segments;
    Job* job = world.queue.find(parts[at + 1]);
    if (job == nullptr) return unknown_request();
    const std::string owner = join(parts, 0, at);
    const bool full = owner == job->endpoint && !world.options.strict_paths;
    if (owner != app_root(job->endpoint) && !full) return unknown_request();
    return answer_request(world, call, *job, join(parts, at + 2, parts.size()));
}

}  // namespace

Answer tell_result(const Job& job, Instant now) {
    const Outcome& outcome = job.outcome;
    Answer answer = json_answer(outcome.status, write_result(job, now));
    answer.headers.add("x-fal-request-id", job.request_id);
    answer.headers.add("X-Fal-Billable-Units", job.billed ? "1" : "0");
    if (outcome.status == 200) return answer;
    if (outcome.infrastructure) answer.headers.add("X-Fal-Error-Type", outcome.error_type);
    if (outcome.user_timeout) answer.headers.add("X-Fal-Request-Timeout-Type", "user");
    const bool again = outcome.status >= 500 && !outcome.user_timeout;
    answer.headers.add("X-Fal-Retryable", again ? "true" : "false");
    answer.headers.add("X-Fal-Needs-Retry", again ? "1" : "0");
    return answer;
}

std::optional<Answer> answer_queue(World& world, const Call& call) {
    const auto& parts = call.segments;
    for (std::size_t i = 2; i + 1 < parts.size(); ++i) {
        if (parts[i] == "requests") return answer_later_call(world, call, i);
    }
    if (call.method != "POST" || parts.size() < 2) return std::nullopt;
    return submit(world, call, join(parts, 0, parts.size()));
}

std::optional<Answer> answer_direct(World& world, const Call& call) {
    const auto& parts = call.segments;
    if (parts.empty() || parts[0] != "fal.run") return std::nullopt;
    if (call.method != "POST") return wrong_method();
    if (parts.size() < 3) return std::nullopt;
    return run_directly(world, call, join(parts, 1, parts.size()));
}

}  // namespace reeld::sandbox
