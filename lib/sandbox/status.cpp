#include "sandbox/status.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/python_json.hpp"
#include "sandbox/submit.hpp"

namespace reeld::sandbox {

namespace {

constexpr Millis keepalive_interval{15'000};
constexpr Millis look_again{250};
constexpr int log_lines = 10;

std::string log_time(Instant at) {
    std::string text = to_rfc3339(at);
    text.pop_back();
    return text + "000+00:00";
}

json::array write_logs(const Job& job, Instant now) {
    json::array lines;
    if (!job.started_at) return lines;
    const Instant until = std::min(now, job.finished_at.value_or(now));
    for (int step = 1; step <= log_lines; ++step) {
        const Instant at = *job.started_at + job.run_time * (step - 1) / log_lines;
        if (at > until) break;
        lines.push_back(json::object{{"message", fmt::format("step {} of {}", step, log_lines)},
                                     {"level", "INFO"},
                                     {"source", "USER"},
                                     {"timestamp", log_time(at)}});
    }
    return lines;
}

void write_end(const World& world, const Job& job, json::object& out) {
    const auto ran = job.started_at ? *job.finished_at - *job.started_at : Millis{0};
    out["metrics"] = json::object{{"inference_time", static_cast<double>(ran.count()) / 1000.0}};
    // Some failures are named in the status and some are not: only the result call decides.
    if (job.outcome.status == 200 || world.draws.below("names_error", job.post, 2) == 0) return;
    out["error"] = job.outcome.error;
    out["error_type"] = job.outcome.error_type;
}

}  // namespace

json::object write_status(const World& world, const Job& job, bool logs, Instant now) {
    json::object out = describe(world, job);
    out["status"] = to_string(job.stage);
    if (job.stage == Stage::queued) {
        out["queue_position"] = world.queue.position(job);
        return out;
    }
    out["logs"] = nullptr;
    if (logs) out["logs"] = write_logs(job, now);
    if (job.stage == Stage::completed) write_end(world, job, out);
    return out;
}

StreamStep step_stream(World& world, StatusStream& stream, Instant now) {
    world.advance(now);
    const Job& job = world.queue.jobs()[stream.job];
    StreamStep step;
    if (stream.cut && !stream.last.empty()) {
        step.ended = step.broken = true;
        return step;
    }
    const std::string event = python_json(write_status(world, job, stream.logs, now));
    if (event != stream.last) {
        step.bytes = "data: " + event + "\n\n";
        stream.last = event;
        stream.quiet_since = now;
    } else if (now - stream.quiet_since >= keepalive_interval) {
        step.bytes = ": keepalive\n\n";
        stream.quiet_since = now;
    }
    step.ended = job.stage == Stage::completed;
    step.again_at = std::min(now + look_again, stream.quiet_since + keepalive_interval);
    return step;
}

}  // namespace reeld::sandbox
