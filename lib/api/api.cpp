#include "api/api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/adopt_body.hpp"
#include "api/backup.hpp"
#include "api/dry_run.hpp"
#include "api/event_stream.hpp"
#include "api/files.hpp"
#include "api/job_json.hpp"
#include "api/job_reads.hpp"
#include "api/models.hpp"
#include "api/problem.hpp"
#include "api/query.hpp"
#include "api/status.hpp"
#include "api/submission.hpp"
#include "api/verify.hpp"

namespace reeld::api {
namespace {

http::ServerResponse unknown_route(std::string_view path) {
    return to_response(Problem(
        404, "no_such_route",
        fmt::format("There is nothing at {}; the calls are /v1/jobs, /v1/jobs/ID, "
                    "/v1/jobs/ID/events, /v1/jobs/ID/attempts, /v1/jobs/ID/logs, "
                    "/v1/jobs/ID/cancel, hold, release, retry or adopt, /v1/models, "
                    "/v1/models/ID, /v1/files/SHA256, /v1/backup, /v1/events, /v1/status, "
                    "/v1/verify and /metrics.",
                    path.substr(0, 200))));
}

http::ServerResponse wrong_method(std::string_view method, std::string_view allow) {
    http::ServerResponse response = to_response(
        Problem(405, "method_not_allowed",
                fmt::format("{} is not for this path; it takes {}.", method.substr(0, 20), allow)));
    response.headers.add("Allow", std::string(allow));
    return response;
}

std::string provider_names(const engine::EngineStatus& status) {
    std::string names;
    for (const auto& provider : status.providers) {
        if (!names.empty()) names += ", ";
        names += provider.name;
    }
    return names;
}

http::ServerResponse submitted_response(engine::Control& control,
                                        const std::vector<engine::Submitted>& submitted,
                                        bool array) {
    const bool all_existed = std::all_of(submitted.begin(), submitted.end(),
                                         [](const auto& one) { return one.existed; });
    const int status = all_existed ? 200 : 201;
    json::array jobs;
    for (const auto& one : submitted) {
        jobs.push_back(job_json(one.job, control.shown_reason(one.job)));
    }
    if (!array && jobs.size() == 1) {
        http::ServerResponse response = json_response(status, jobs.front());
        response.headers.add("Location", "/v1/jobs/" + submitted.front().job.request.id.str());
        return response;
    }
    json::object answer;
    answer["jobs"] = std::move(jobs);
    return json_response(status, answer);
}

// Calls that take no parameters but the list and the stream.
std::optional<Problem> check_query(const Route& call, const http::Target& target) {
    if (std::holds_alternative<route::ListJobs>(call)) return std::nullopt;
    if (std::holds_alternative<route::EventStream>(call)) {
        return check_parameters(target, {"after", "all"});
    }
    if (std::holds_alternative<route::Verify>(call)) {
        return check_parameters(target, {"files", "since"});
    }
    if (std::holds_alternative<route::ShowFile>(call)) return check_parameters(target, {"name"});
    if (std::holds_alternative<route::PutFile>(call)) {
        return check_parameters(target, {"name", "size", "offset"});
    }
    if (std::holds_alternative<route::SubmitJobs>(call)) {
        return check_parameters(target, {"dry_run"});
    }
    return check_parameters(target, {});
}

Answer<json::value> read_rows(engine::Control& control, const Route& call,
                              const http::Target& target) {
    if (const auto* show = std::get_if<route::ShowJob>(&call)) return read_job(control, show->id);
    if (const auto* events = std::get_if<route::JobEvents>(&call)) {
        return read_events(control, events->id);
    }
    if (const auto* attempts = std::get_if<route::JobAttempts>(&call)) {
        return read_attempts(control, attempts->id);
    }
    if (const auto* logs = std::get_if<route::JobLogs>(&call)) return read_logs(control, logs->id);
    auto filter = read_list_query(target);
    if (auto* problem = std::get_if<Problem>(&filter)) return std::move(*problem);
    return read_list(control, std::get<store::JobFilter>(filter));
}

}  // namespace

Api::Api(engine::Control& control, runtime::Clock& clock, std::string version, Millis keepalive)
    : control_(control), clock_(clock), version_(std::move(version)), keepalive_(keepalive) {}

http::awaitable<http::ServerResponse> Api::handle(http::ServerRequest request) {
    const bool head = request.method == "HEAD";
    http::ServerResponse response = co_await answer(std::move(request));
    if (head) response.source.reset();
    co_return response;
}

http::awaitable<http::ServerResponse> Api::answer(http::ServerRequest request) {
    const auto target = http::parse_target(request.target);
    if (!target) {
        co_return to_response(
            Problem(400, "malformed_target", "The request's path or query is malformed."));
    }
    const Route call = match_route(request.method, target->path);
    if (std::holds_alternative<route::Unknown>(call)) co_return unknown_route(target->path);
    if (const auto* wrong = std::get_if<route::WrongMethod>(&call)) {
        co_return wrong_method(request.method, wrong->allow);
    }
    if (const auto problem = check_query(call, *target)) co_return to_response(*problem);
    if (std::holds_alternative<route::SubmitJobs>(call)) {
        co_return co_await submit(request, *target);
    }
    if (const auto* action = std::get_if<route::Act>(&call)) {
        co_return co_await act(*action, engine::Person(request.peer_uid));
    }
    if (const auto* adopted = std::get_if<route::Adopt>(&call)) {
        co_return co_await adopt(*adopted, request);
    }
    if (std::holds_alternative<route::Backup>(call)) co_return co_await backup(request);
    if (const auto* shown = std::get_if<route::ShowFile>(&call)) co_return file(shown->sha256);
    if (const auto* put = std::get_if<route::PutFile>(&call)) {
        auto piece = read_piece(put->sha256, *target, std::move(request.body));
        if (const auto* problem = std::get_if<Problem>(&piece)) co_return to_response(*problem);
        co_return co_await put_file(std::move(std::get<engine::SpoolPiece>(piece)));
    }
    if (std::holds_alternative<route::EventStream>(call)) co_return stream(request, *target);
    if (std::holds_alternative<route::ListModels>(call)) co_return models();
    if (const auto* show = std::get_if<route::ShowModel>(&call)) co_return model(show->id);
    if (std::holds_alternative<route::ServerStatus>(call)) co_return status();
    if (std::holds_alternative<route::Metrics>(call)) co_return metrics();
    if (std::holds_alternative<route::Verify>(call)) {
        co_return verify(*target, request.method == "HEAD");
    }
    co_return co_await read(call, *target);
}

http::awaitable<http::ServerResponse> Api::submit(http::ServerRequest request,
                                                  http::Target target) {
    const auto dry = read_dry_run(target);
    if (const auto* problem = std::get_if<Problem>(&dry)) co_return to_response(*problem);
    const std::string providers = provider_names(control_.status());
    auto submission =
        read_submission(request, control_, clock_.now(), providers, std::get<bool>(dry));
    if (const auto* problem = std::get_if<Problem>(&submission)) co_return to_response(*problem);
    auto& accepted = std::get<Submission>(submission);
    if (std::get<bool>(dry)) co_return dry_run(accepted);
    engine::JobFiles files;
    for (auto& checked : accepted.files) files.push_back(std::move(checked.files));
    const auto submitted =
        co_await control_.submit(std::move(accepted.requests), std::move(files));
    if (!submitted) co_return to_response(problem_of(submitted.error()));
    // Jobs that existed already may stand in a group that is not durable yet.
    const Status durable = co_await control_.read_barrier();
    if (!durable) co_return to_response(problem_of(durable.error()));
    co_return submitted_response(control_, *submitted, accepted.array);
}

http::awaitable<http::ServerResponse> Api::act(route::Act call, engine::Person person) {
    const auto id = resolve_id(control_, call.id);
    if (const auto* problem = std::get_if<Problem>(&id)) {
        const Status durable = co_await control_.read_barrier();
        co_return to_response(durable ? *problem : problem_of(durable.error()));
    }
    auto job = co_await control_.act(std::get<JobId>(id), call.action, person);
    co_return co_await changed(std::move(job));
}

http::awaitable<http::ServerResponse> Api::adopt(route::Adopt call, http::ServerRequest request) {
    const auto body = read_adopt_body(request);
    if (const auto* problem = std::get_if<Problem>(&body)) co_return to_response(*problem);
    const auto id = resolve_id(control_, call.id);
    if (const auto* problem = std::get_if<Problem>(&id)) {
        const Status durable = co_await control_.read_barrier();
        co_return to_response(durable ? *problem : problem_of(durable.error()));
    }
    auto job = co_await control_.adopt(std::get<JobId>(id), std::get<RequestId>(body),
                                       engine::Person(request.peer_uid));
    if (!job && job.error().code() == ErrorCode::unreachable) {
        co_return to_response(Problem(503, "provider_unavailable",
                                      job.error().context() + "; nothing was changed."));
    }
    co_return co_await changed(std::move(job));
}

http::awaitable<http::ServerResponse> Api::changed(Result<domain::Job> job) {
    const Status durable = co_await control_.read_barrier();
    if (!job) co_return to_response(problem_of(job.error()));
    if (!durable) co_return to_response(problem_of(durable.error()));
    co_return json_response(200, job_json(*job, control_.shown_reason(*job)));
}

http::awaitable<http::ServerResponse> Api::backup(http::ServerRequest request) {
    auto path = read_backup_request(request);
    if (const auto* problem = std::get_if<Problem>(&path)) co_return to_response(*problem);
    std::function<bool()> gone = std::move(request.peer_gone);
    if (!gone) gone = [] { return false; };
    const auto done = co_await control_.backup(std::get<std::string>(path), std::move(gone));
    if (!done) co_return to_response(backup_problem(done.error()));
    co_return json_response(201, backup_json(*done));
}

http::awaitable<http::ServerResponse> Api::put_file(engine::SpoolPiece piece) {
    const std::string sha256 = piece.sha256;
    const auto kept = co_await control_.spool(std::move(piece));
    if (kept) co_return file_response(*kept, kept->path.empty() ? 200 : 201);
    const auto known = control_.spooled(sha256);
    co_return to_response(file_problem(kept.error(), known ? known->received : 0));
}

http::ServerResponse Api::file(const std::string& sha256) {
    const auto known = control_.spooled(sha256);
    if (!known) return to_response(file_problem(known.error(), 0));
    return file_response(*known);
}

http::awaitable<http::ServerResponse> Api::read(Route call, http::Target target) {
    // Read, then wait: what was read is durable when it is shown, whatever was written meanwhile.
    const auto rows = read_rows(control_, call, target);
    const Status durable = co_await control_.read_barrier();
    if (!durable) co_return to_response(problem_of(durable.error()));
    if (const auto* problem = std::get_if<Problem>(&rows)) co_return to_response(*problem);
    co_return json_response(200, std::get<json::value>(rows));
}

http::ServerResponse Api::stream(const http::ServerRequest& request, const http::Target& target) {
    auto wanted = read_stream_request(request, target);
    if (const auto* problem = std::get_if<Problem>(&wanted)) return to_response(*problem);
    http::ServerResponse response;
    response.headers.add("Content-Type", "text/event-stream");
    response.headers.add("Cache-Control", "no-store");
    response.source =
        make_event_stream(control_, std::get<StreamRequest>(wanted), keepalive_);
    return response;
}

http::ServerResponse Api::verify(const http::Target& target, bool head) {
    auto options = read_verify_query(target);
    if (const auto* problem = std::get_if<Problem>(&options)) return to_response(*problem);
    if (verifying_ && !head) {
        return to_response(
            Problem(503, "busy", "A verification is at work already; wait for its end."));
    }
    http::ServerResponse response;
    response.headers.add("Content-Type", "application/x-ndjson");
    response.headers.add("Cache-Control", "no-store");
    if (head) return response;
    response.source =
        make_verification(control_, clock_, std::move(std::get<engine::VerifyOptions>(options)),
                          verifying_);
    return response;
}

http::ServerResponse Api::dry_run(const Submission& submission) {
    json::array jobs;
    for (std::size_t i = 0; i < submission.requests.size(); ++i) {
        jobs.push_back(dry_run_json(control_, submission.requests[i], submission.files[i],
                                    clock_.now()));
    }
    if (!submission.array) return json_response(200, jobs.front());
    json::object answer;
    answer["jobs"] = std::move(jobs);
    return json_response(200, answer);
}

http::ServerResponse Api::models() { return json_response(200, models_json(control_)); }

http::ServerResponse Api::model(const std::string& id) {
    const auto found = model_json(control_, id);
    if (const auto* problem = std::get_if<Problem>(&found)) return to_response(*problem);
    return json_response(200, std::get<json::value>(found));
}

http::ServerResponse Api::status() {
    return json_response(200, status_json(control_.status(), version_));
}

http::ServerResponse Api::metrics() {
    http::ServerResponse response;
    response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = metrics_text(control_.status(), control_.counters(), version_);
    return response;
}

}  // namespace reeld::api
