#include "api/job_json.hpp"

#include <algorithm>
#include <array>

#include "api/money_json.hpp"

namespace reeld::api {
namespace {

constexpr std::size_t token_characters_shown = 6;

json::value input_json(std::string_view text) {
    auto parsed = parse_json(text);
    return parsed ? std::move(*parsed) : json::value(nullptr);
}

void add_money(json::object& object, const domain::Job& job) {
    object["cost_usd"] = usd_json(job.cost_micro_usd);
    const domain::Money money = job.money.value_or(domain::Money{});
    object["cost_by_estimate_usd"] = usd_json(money.by_estimate_micro_usd);
    object["estimated_cost_usd"] = usd_json(money.estimate_micro_usd);
    object["estimate_is_sure"] = money.sure;
    object["reserved_usd"] = usd_json(money.reserved_micro_usd);
    object["possibly_billed_usd"] = usd_json(money.possible_micro_usd);
    object["unpriced_submits"] = money.unpriced;
}

json::object labels_json(const std::map<std::string, std::string>& labels) {
    json::object object;
    for (const auto& [key, value] : labels) object[key] = value;
    return object;
}

json::object output_json(const domain::Output& output) {
    json::object object;
    object["url"] = text_or_null(output.url);
    // The path is reserved before the first byte; it is shown once a whole file stands there.
    object["path"] = output.stored ? text_or_null(output.path) : nullptr;
    object["bytes"] = output.bytes ? json::value(*output.bytes) : nullptr;
    object["sha256"] = text_or_null(output.sha256);
    object["content_type"] = text_or_null(output.content_type);
    object["kind"] = text_or_null(domain::to_string(output.kind));
    return object;
}

json::object input_file_json(const domain::InputFile& file) {
    json::object object;
    object["field"] = file.field;
    object["path"] = file.path;
    object["bytes"] = file.bytes;
    object["content_type"] = file.content_type;
    object["sha256"] = text_or_null(file.sha256);
    object["url"] = text_or_null(domain::shown_url(file));
    object["expires_at"] = time_json(file.expires_at);
    return object;
}

json::array files_json(const std::vector<domain::InputFile>& files) {
    json::array array;
    for (const auto& file : files) array.push_back(input_file_json(file));
    return array;
}

json::value video_url(const std::vector<domain::Output>& outputs) {
    const auto video = std::find_if(outputs.begin(), outputs.end(), [](const auto& output) {
        return output.content_type.starts_with("video/");
    });
    if (video != outputs.end()) return text_or_null(video->url);
    return outputs.empty() ? json::value(nullptr) : text_or_null(outputs.front().url);
}

json::value error_json(const std::optional<domain::ErrorInfo>& error) {
    if (!error) return nullptr;
    json::object object;
    object["code"] = error->code;
    object["message"] = error->message;
    return object;
}

void add_request(json::object& object, const domain::JobRequest& request) {
    object["id"] = request.id.str();
    object["model"] = request.model;
    object["input"] = input_json(request.input);
    object["batch"] = text_or_null(request.batch);
    object["priority"] = request.priority;
    object["not_before"] = time_json(request.not_before);
    object["deadline"] = time_json(request.deadline);
    object["max_attempts"] = request.max_attempts;
    object["output"] = text_or_null(request.output);
    object["labels"] = labels_json(request.labels);
}

bool is_time_column(std::string_view name) {
    return name.ends_with("_at") || name == "not_before" || name == "deadline";
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> money_columns{
    {{"cost_micro_usd", "cost_usd"},
     {"cost_by_estimate_micro_usd", "cost_by_estimate_usd"},
     {"estimate_micro_usd", "estimated_cost_usd"},
     {"reserved_micro_usd", "reserved_usd"},
     {"possibly_billed_micro_usd", "possibly_billed_usd"}}};

// The public name of a column of money; empty for any other.
std::string_view money_name(std::string_view column) {
    const auto at = std::find_if(money_columns.begin(), money_columns.end(),
                                 [&](const auto& one) { return one.first == column; });
    return at == money_columns.end() ? std::string_view() : at->second;
}

// The database's columns in the public words: times as text, money in dollars, the input parsed.
json::object public_changes(const json::object& patch) {
    json::object changes;
    for (const auto& [key, value] : patch) {
        const std::string_view name(key.data(), key.size());
        if (is_time_column(name) && value.is_int64()) {
            changes[key] = time_json(from_unix_ms(value.get_int64()));
        } else if (const auto money = money_name(name); !money.empty()) {
            changes[money] = value.is_int64() ? usd_json(value.get_int64()) : json::value(nullptr);
        } else if (name == "estimate_sure") {
            changes["estimate_is_sure"] = value;
        } else if (name == "unpriced_attempts") {
            changes["unpriced_submits"] = value;
        } else if (name == "files") {
            const auto files = domain::input_files_of(value);
            changes[key] = files ? json::value(files_json(*files)) : value;
        } else if (name == "result_values") {
            changes["values"] = value;
        } else if (name == "input" && value.is_string()) {
            changes[key] = input_json(value.get_string());
        } else {
            changes[key] = value;
        }
    }
    return changes;
}

}  // namespace

json::value time_json(const std::optional<Instant>& at) {
    return at ? json::value(to_rfc3339(*at)) : json::value(nullptr);
}

json::value text_or_null(std::string_view text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object job_json(const domain::Job& job, domain::Reason reason) {
    json::object object;
    add_request(object, job.request);
    object["state"] = domain::to_string(job.state);
    object["reason"] = text_or_null(domain::to_string(reason));
    object["provider"] = text_or_null(job.provider);
    object["request_id"] = job.remote ? text_or_null(job.remote->request_id.str()) : nullptr;
    object["attempt"] = job.attempt;
    object["queue_position"] = job.queue_position ? json::value(*job.queue_position) : nullptr;
    object["progress"] = job.progress ? json::value(*job.progress) : nullptr;
    object["video_url"] = video_url(job.outputs);
    object["files"] = files_json(job.files);
    json::array outputs;
    for (const auto& output : job.outputs) outputs.push_back(output_json(output));
    object["outputs"] = std::move(outputs);
    object["values"] = job.values.empty() ? json::value(json::object{}) : input_json(job.values);
    add_money(object, job);
    object["error"] = error_json(job.error);
    object["retry_of"] = job.retry_of ? json::value(job.retry_of->str()) : nullptr;
    object["created_at"] = time_json(job.created_at);
    object["submitted_at"] = time_json(job.submitted_at);
    object["finished_at"] = time_json(job.finished_at);
    return object;
}

json::object event_json(const store::AuditEntry& entry) {
    json::object object;
    object["id"] = entry.id;
    object["job"] = entry.job.str();
    object["number"] = entry.number;
    object["at"] = time_json(entry.at);
    object["event"] = entry.event;
    object["from"] = entry.from ? json::value(domain::to_string(*entry.from)) : nullptr;
    object["to"] = domain::to_string(entry.to);
    object["reason"] = text_or_null(domain::to_string(entry.reason));
    object["note"] = text_or_null(entry.note);
    object["changes"] = public_changes(entry.patch);
    return object;
}

json::object attempt_json(const domain::Attempt& attempt) {
    json::object object;
    object["number"] = attempt.number;
    object["provider"] = attempt.provider;
    object["outcome"] = attempt.outcome;
    object["detail"] = text_or_null(attempt.detail);
    object["request_id"] =
        attempt.remote ? text_or_null(attempt.remote->request_id.str()) : nullptr;
    object["token_prefix"] = text_or_null(attempt.token.str().substr(0, token_characters_shown));
    object["billing"] = text_or_null(domain::to_string(attempt.billing));
    object["reserved_usd"] = usd_json(attempt.reserved_micro_usd);
    object["billed_usd"] = usd_json(attempt.billed_micro_usd);
    object["day"] = text_or_null(attempt.day);
    object["intent_at"] = time_json(attempt.intent_at);
    object["answered_at"] = time_json(attempt.answered_at);
    object["ended_at"] = time_json(attempt.ended_at);
    return object;
}

json::object log_json(const store::StoredLog& log) {
    json::object object;
    object["job"] = log.job.str();
    object["attempt"] = log.attempt;
    object["at"] = time_json(log.line.at);
    object["level"] = text_or_null(log.line.level);
    object["source"] = text_or_null(log.line.source);
    object["message"] = log.line.message;
    return object;
}

}  // namespace reeld::api
