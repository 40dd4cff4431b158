#include "domain/job.hpp"

#include <boost/json/serialize.hpp>

#include "base/crypto.hpp"

namespace reeld::domain {
namespace {

json::value opt(const std::optional<Instant>& at) {
    return at ? json::value(to_unix_ms(*at)) : json::value(nullptr);
}

template <class T>
json::value opt(const std::optional<T>& value) {
    return value ? json::value(*value) : json::value(nullptr);
}

json::value text(const std::string& value) {
    return value.empty() ? json::value(nullptr) : json::value(value);
}

json::object labels_of(const JobRequest& request) {
    json::object labels;
    for (const auto& [key, value] : request.labels) labels[key] = value;
    return labels;
}

json::object request_to_json(const JobRequest& request) {
    json::object object;
    object["model"] = request.model;
    // The input never changes and may be large: its digest proves it as well as a copy would.
    object["input_sha256"] = sha256_hex(request.input);
    object["batch"] = text(request.batch);
    object["priority"] = request.priority;
    object["not_before"] = opt(request.not_before);
    object["deadline"] = opt(request.deadline);
    object["max_attempts"] = request.max_attempts;
    object["output"] = text(request.output);
    object["labels"] = labels_of(request);
    return object;
}

json::object output_to_json(const Output& output) {
    json::object object;
    object["index"] = output.index;
    object["url"] = output.url;
    object["path"] = text(output.path);
    object["content_type"] = text(output.content_type);
    object["file_name"] = text(output.file_name);
    object["bytes"] = opt(output.bytes);
    object["sha256"] = text(output.sha256);
    object["stored"] = output.stored;
    // Only where they mean something, so that an older trail folds to the same form.
    if (output.kind != MediaKind::any) object["kind"] = to_string(output.kind);
    if (output.inlined) object["inlined"] = true;
    return object;
}

// A data URI is a copy of the file, which its digest proves as well.
json::array files_to_json(const Job& job) {
    std::vector<InputFile> files = job.files;
    for (InputFile& file : files) file.url = shown_url(file);
    return to_json(files);
}

// What may change in a job's life.
void add_progress(json::object& object, const Job& job) {
    object["state"] = to_string(job.state);
    object["reason"] = text(std::string(to_string(job.reason)));
    object["error_code"] = job.error ? json::value(job.error->code) : nullptr;
    object["error_message"] = job.error ? json::value(job.error->message) : nullptr;
    object["attempt"] = job.attempt;
    object["billable_attempts"] = job.billable_attempts;
    object["refusals"] = job.refusals;
    object["fetch_failures"] = job.fetch_failures;
    object["request_id"] = job.remote ? json::value(job.remote->request_id.str()) : nullptr;
    object["status_url"] = job.remote ? text(job.remote->status_url) : nullptr;
    object["response_url"] = job.remote ? text(job.remote->response_url) : nullptr;
    object["cancel_url"] = job.remote ? text(job.remote->cancel_url) : nullptr;
    object["queue_position"] = opt(job.queue_position);
    object["progress"] = opt(job.progress);
    object["cancel_requested"] = job.cancel_requested;
    // Only where it means something, so that an older trail folds to the same form.
    if (job.restored != Restored::no) object["restored"] = to_string(job.restored);
    // Likewise.
    if (!job.files.empty()) object["files"] = files_to_json(job);
    json::array outputs;
    for (const Output& output : job.outputs) outputs.push_back(output_to_json(output));
    object["outputs"] = std::move(outputs);
    // What is no JSON is kept as a text: verification is to tell of it, not to stumble.
    if (!job.values.empty()) {
        auto values = parse_json(job.values);
        object["result_values"] = values ? std::move(*values) : json::value(job.values);
    }
    object["cost_micro_usd"] = opt(job.cost_micro_usd);
    // Only where it is counted, so that an older trail folds to the same form.
    if (job.money) {
        object["estimate_micro_usd"] = opt(job.money->estimate_micro_usd);
        object["estimate_sure"] = job.money->sure;
        object["reserved_micro_usd"] = job.money->reserved_micro_usd;
        object["cost_by_estimate_micro_usd"] = job.money->by_estimate_micro_usd;
        object["possibly_billed_micro_usd"] = job.money->possible_micro_usd;
        object["unpriced_attempts"] = job.money->unpriced;
    }
    object["submitted_at"] = opt(job.submitted_at);
    object["finished_at"] = opt(job.finished_at);
}

}  // namespace

std::string_view to_string(Restored restored) {
    switch (restored) {
        case Restored::no: return "";
        case Restored::ask: return "ask";
        case Restored::released: return "released";
    }
    return "";
}

const std::string& sent_input(const Job& job, const Attempt& attempt) {
    return attempt.input.empty() ? job.request.input : attempt.input;
}

json::object to_audit(const Job& job) {
    json::object object = request_to_json(job.request);
    object["id"] = job.request.id.str();
    object["provider"] = job.provider;
    object["retry_of"] = job.retry_of ? json::value(job.retry_of->str()) : nullptr;
    object["created_at"] = to_unix_ms(job.created_at);
    add_progress(object, job);
    return object;
}

json::object audit_patch(const Job& before, const Job& after) {
    json::object old;
    json::object fresh;
    add_progress(old, before);
    add_progress(fresh, after);
    return diff_audit(old, fresh);
}

json::object diff_audit(const json::object& before, const json::object& after) {
    json::object patch;
    for (const auto& member : after) {
        const auto* old = before.if_contains(member.key());
        if (old == nullptr || *old != member.value()) patch[member.key()] = member.value();
    }
    return patch;
}

void fold_audit(json::object& into, const json::object& patch) {
    for (const auto& member : patch) into[member.key()] = member.value();
}

std::string content_hash(const JobRequest& request) {
    return sha256_hex(canonical_json(request_to_json(request)));
}

}  // namespace reeld::domain
