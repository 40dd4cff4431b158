#include "api/job_reads.hpp"

#include <fmt/format.h>

#include "api/job_json.hpp"
#include "api/money_json.hpp"
#include "api/query.hpp"
#include "api/undecided.hpp"
#include "base/encoding.hpp"

namespace reeld::api {
namespace {

constexpr int candidates_shown = 5;

Problem no_such_job(const std::string& text) {
    return {404, "not_found", fmt::format("There is no job \"{}\".", clip_utf8(text, 64))};
}

Problem retired(const store::RetiredJob& job) {
    return {410, "retired",
            fmt::format("The job \"{}\" was {} on {}; retention has removed its record. The export "
                        "folder has it.",
                        job.id.str(), domain::to_string(job.state),
                        to_rfc3339(job.finished_at))};
}

Problem ambiguous(const std::string& text, const std::vector<JobId>& ids) {
    Problem problem(409, "ambiguous",
                    fmt::format("More than one job's id begins with \"{}\"; give more of it.",
                                text));
    json::array candidates;
    for (const JobId& id : ids) {
        if (candidates.size() < candidates_shown) candidates.emplace_back(id.str());
    }
    problem.members["candidates"] = std::move(candidates);
    return problem;
}

struct Found {
    bool exact = false;
    std::optional<store::RetiredJob> retired;
    std::vector<JobId> ids;
};

}  // namespace

Answer<JobId> resolve_id(engine::Control& control, const std::string& text) {
    if (!is_job_id(text)) return no_such_job(text);
    const auto found = control.store().transact([&](store::Tx& tx) {
        Found result;
        result.exact = tx.find_job(JobId(text)).has_value();
        if (!result.exact) result.ids = tx.find_ids(text, candidates_shown + 1);
        if (!result.exact) result.retired = tx.find_retired(JobId(text));
        return result;
    });
    if (!found) return problem_of(found.error());
    if (found->exact) return JobId(text);
    if (found->retired) return retired(*found->retired);
    if (found->ids.empty()) return no_such_job(text);
    if (found->ids.size() > 1) return ambiguous(text, found->ids);
    return found->ids.front();
}

Answer<json::value> read_list(engine::Control& control, const store::JobFilter& filter) {
    store::JobFilter wanted = filter;
    ++wanted.limit;  // one more row tells whether there is a next page
    domain::MoneySum money;
    const auto rows = control.store().transact([&](store::Tx& tx) {
        if (!filter.batch.empty()) money = tx.money_of_batch(filter.batch);
        return tx.list_jobs(wanted);
    });
    if (!rows) return problem_of(rows.error());
    const auto limit = static_cast<std::size_t>(filter.limit);
    json::array jobs;
    for (const auto& job : *rows) {
        if (jobs.size() < limit) jobs.push_back(job_json(job, control.shown_reason(job)));
    }
    json::object answer;
    answer["jobs"] = std::move(jobs);
    answer["next_cursor"] =
        rows->size() > limit ? json::value(make_cursor((*rows)[limit - 1].seq)) : nullptr;
    // Of the whole batch: all pages, all states, and jobs whose records are gone.
    if (!filter.batch.empty()) answer["money"] = sum_json(money);
    return json::value(std::move(answer));
}

Answer<json::value> read_job(engine::Control& control, const std::string& id) {
    const auto resolved = resolve_id(control, id);
    if (const auto* problem = std::get_if<Problem>(&resolved)) return *problem;
    struct Seen {
        std::optional<domain::Job> job;
        json::value unknown;
        json::array also_billed;
    };
    const engine::EngineStatus status = control.status();
    const auto seen = control.store().transact([&](store::Tx& tx) {
        Seen found;
        found.job = tx.find_job(std::get<JobId>(resolved));
        if (!found.job) return found;
        found.unknown = unknown_json(status, tx, *found.job);
        found.also_billed = also_billed_json(tx, *found.job);
        return found;
    });
    if (!seen) return problem_of(seen.error());
    if (!seen->job) return no_such_job(id);
    json::object object = job_json(*seen->job, control.shown_reason(*seen->job));
    // Only where there is something to tell: all other jobs have exactly the usual members.
    if (!seen->unknown.is_null()) object["unknown"] = seen->unknown;
    if (!seen->also_billed.empty()) object["also_billed"] = seen->also_billed;
    return json::value(std::move(object));
}

Answer<json::value> read_events(engine::Control& control, const std::string& id) {
    const auto resolved = resolve_id(control, id);
    if (const auto* problem = std::get_if<Problem>(&resolved)) return *problem;
    const auto entries = control.store().transact(
        [&](store::Tx& tx) { return tx.events(std::get<JobId>(resolved)); });
    if (!entries) return problem_of(entries.error());
    json::array events;
    for (const auto& entry : *entries) events.push_back(event_json(entry));
    json::object answer;
    answer["events"] = std::move(events);
    return json::value(std::move(answer));
}

Answer<json::value> read_logs(engine::Control& control, const std::string& id) {
    const auto resolved = resolve_id(control, id);
    if (const auto* problem = std::get_if<Problem>(&resolved)) return *problem;
    const auto rows = control.store().transact(
        [&](store::Tx& tx) { return tx.logs(std::get<JobId>(resolved)); });
    if (!rows) return problem_of(rows.error());
    json::array logs;
    for (const auto& log : *rows) logs.push_back(log_json(log));
    json::object answer;
    answer["logs"] = std::move(logs);
    return json::value(std::move(answer));
}

Answer<json::value> read_attempts(engine::Control& control, const std::string& id) {
    const auto resolved = resolve_id(control, id);
    if (const auto* problem = std::get_if<Problem>(&resolved)) return *problem;
    const auto rows = control.store().transact(
        [&](store::Tx& tx) { return tx.attempts(std::get<JobId>(resolved)); });
    if (!rows) return problem_of(rows.error());
    json::array attempts;
    for (const auto& attempt : *rows) attempts.push_back(attempt_json(attempt));
    json::object answer;
    answer["attempts"] = std::move(attempts);
    return json::value(std::move(answer));
}

}  // namespace reeld::api
