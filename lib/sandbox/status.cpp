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

// An event holds what is new of the log: fal's client appends. True when there is anything.
bool drop_told_logs(StatusStream& stream, json::object& status) {
    json::value* logs = status.if_contains("logs");
    json::array* lines = logs == nullptr ? nullptr : logs->if_array();
    if (lines == nullptr) return true;
    const std::size_t told = std::min(stream.told, lines->size());
    stream.told = lines->size();
    lines->erase(lines->begin(), lines->begin() + static_cast<std::ptrdiff_t>(told));
    return !lines->empty();
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
    json::object status = write_status(world, job, stream.logs, now);
    const bool news = drop_told_logs(stream, status);
    const std::string event = python_json(status);
    if (event != stream.last && (news || !stream.was_running || job.stage != Stage::running)) {
        step.bytes = "data: " + event + "\n\n";
        stream.last = event;
        stream.quiet_since = now;
        stream.was_running = job.stage == Stage::running;
        step.ended = stream.was_running && stream.ends;
    } else if (now - stream.quiet_since >= keepalive_interval) {
        step.bytes = ": keepalive\n\n";
        stream.quiet_since = now;
    }
    step.ended = step.ended || job.stage == Stage::completed;
    step.again_at = std::min(now + look_again, stream.quiet_since + keepalive_interval);
    return step;
}

}  // namespace reeld::sandbox
