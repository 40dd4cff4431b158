#include "store/rows.hpp"

#include <boost/json/serialize.hpp>

#include "base/json.hpp"
#include "store/sqlite_error.hpp"
#include "store_sql.hpp"

namespace reeld::store {

State state_of(const std::string& text) {
    const auto state = domain::parse_state(text);
    if (!state) throw CorruptRow("unknown state '" + text + "'");
    return *state;
}

Reason reason_of(const std::string& text) {
    if (text.empty()) return Reason::none;
    const auto reason = domain::parse_reason(text);
    if (!reason) throw CorruptRow("unknown reason '" + text + "'");
    return *reason;
}

json::object object_of(const std::string& text, const char* column) {
    auto value = parse_json(text);
    if (!value || !value->is_object()) {
        throw CorruptRow(std::string("column ") + column + " holds no JSON object");
    }
    return std::move(value->as_object());
}

std::vector<domain::InputFile> files_of(const std::string& text) {
    const auto value = parse_json(text);
    auto files = value ? domain::input_files_of(*value) : std::nullopt;
    if (!files) throw CorruptRow("column files holds no list of files");
    return std::move(*files);
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
    json::object object;
    for (const auto& [key, value] : labels) object[key] = value;
    return canonical_json(object);
}

namespace {

std::map<std::string, std::string> labels_of(const std::string& text) {
    std::map<std::string, std::string> labels;
    for (const auto& member : object_of(text, "labels")) {
        const auto* value = member.value().if_string();
        if (value == nullptr) throw CorruptRow("column labels holds more than texts");
        labels.emplace(std::string(member.key()), std::string(*value));
    }
    return labels;
}

std::optional<domain::Remote> read_remote(const Query& row) {
    if (row.is_null("request_id")) return std::nullopt;
    return domain::Remote{RequestId(row.text("request_id")), row.text("status_url"),
                          row.text("response_url"), row.text("cancel_url")};
}

std::string files_text(const Job& job) {
    return job.files.empty() ? std::string() : canonical_json(domain::to_json(job.files));
}

std::optional<Instant> files_until(const Job& job) {
    return domain::usable_until(job.files);
}

domain::JobRequest read_request(const Query& row) {
    domain::JobRequest request;
    request.id = JobId(row.text("id"));
    request.model = row.text("model");
    request.input = row.text("input");
    request.batch = row.text("batch");
    request.priority = row.integer("priority");
    request.not_before = row.maybe_time("not_before");
    request.deadline = row.maybe_time("deadline");
    request.max_attempts = row.small("max_attempts");
    request.output = row.text("output");
    request.labels = labels_of(row.text("labels"));
    return request;
}

// Counted or not as a whole.
std::optional<domain::Money> read_money(const Query& row) {
    if (row.is_null("reserved_micro_usd")) return std::nullopt;
    domain::Money money;
    money.estimate_micro_usd = row.maybe_integer("estimate_micro_usd");
    money.sure = row.flag("estimate_sure");
    money.reserved_micro_usd = row.integer("reserved_micro_usd");
    money.by_estimate_micro_usd = row.integer("cost_by_estimate_micro_usd");
    money.possible_micro_usd = row.integer("possibly_billed_micro_usd");
    money.unpriced = row.small("unpriced_attempts");
    return money;
}

void bind_money(Query& query, const std::optional<domain::Money>& money) {
    if (!money) return;
    query.integer(":estimate_micro_usd", money->estimate_micro_usd)
        .integer(":estimate_sure", money->sure ? 1 : 0)
        .integer(":reserved_micro_usd", money->reserved_micro_usd)
        .integer(":cost_by_estimate_micro_usd", money->by_estimate_micro_usd)
        .integer(":possibly_billed_micro_usd", money->possible_micro_usd)
        .integer(":unpriced_attempts", money->unpriced);
}

}  // namespace

Job read_job(const Query& row) {
    Job job;
    job.seq = row.integer("seq");
    job.version = row.integer("version");
    job.request = read_request(row);
    job.provider = row.text("provider");
    job.state = state_of(row.text("state"));
    job.reason = reason_of(row.text("reason"));
    if (!row.is_null("error_code")) {
        job.error = domain::ErrorInfo{row.text("error_code"), row.text("error_message")};
    }
    job.attempt = row.small("attempt");
    job.billable_attempts = row.small("billable_attempts");
    job.refusals = row.small("refusals");
    job.fetch_failures = row.small("fetch_failures");
    job.remote = read_remote(row);
    job.queue_position = row.maybe_integer("queue_position");
    job.progress = row.maybe_real("progress");
    job.cancel_requested = row.flag("cancel_requested");
    const std::string restored = row.text("restored");
    if (restored == "ask") job.restored = domain::Restored::ask;
    if (restored == "released") job.restored = domain::Restored::released;
    job.values = row.text("result_values");
    if (const auto files = row.maybe_text("files")) job.files = files_of(*files);
    job.cost_micro_usd = row.maybe_integer("cost_micro_usd");
    job.money = read_money(row);
    if (auto id = row.maybe_text("retry_of")) job.retry_of = JobId(std::move(*id));
    job.created_at = row.time("created_at");
    job.submitted_at = row.maybe_time("submitted_at");
    job.finished_at = row.maybe_time("finished_at");
    job.due_at = row.maybe_time("due_at");
    job.unknown_until = row.maybe_time("unknown_until");
    job.quiet_polls = row.small("quiet_polls");
    job.missing_polls = row.small("missing_polls");
    job.failed_polls = row.small("failed_polls");
    return job;
}

Output read_output(const Query& row) {
    Output output;
    output.index = row.small("idx");
    output.url = row.text("url");
    output.path = row.text("path");
    output.content_type = row.text("content_type");
    output.file_name = row.text("file_name");
    if (const auto bytes = row.maybe_integer("bytes")) {
        output.bytes = static_cast<std::uint64_t>(*bytes);
    }
    output.sha256 = row.text("sha256");
    output.stored = row.flag("stored");
    const auto kind = domain::parse_media_kind(row.text("kind"));
    if (!kind) throw CorruptRow("unknown kind '" + row.text("kind") + "' of an output");
    output.kind = *kind;
    output.inlined = row.flag("inlined");
    return output;
}

Attempt read_attempt(const Query& row) {
    Attempt attempt;
    attempt.job = JobId(row.text("job"));
    attempt.number = row.small("number");
    attempt.provider = row.text("provider");
    attempt.token = Token(row.text("token"));
    attempt.intent_at = row.time("intent_at");
    attempt.answered_at = row.maybe_time("answered_at");
    attempt.ended_at = row.maybe_time("ended_at");
    attempt.outcome = row.text("outcome");
    attempt.remote = read_remote(row);
    attempt.detail = row.text("detail");
    const auto billing = domain::parse_billing(row.text("billing"));
    if (!billing) throw CorruptRow("unknown billing '" + row.text("billing") + "' of an attempt");
    attempt.billing = *billing;
    attempt.reserved_micro_usd = row.maybe_integer("reserved_micro_usd");
    attempt.billed_micro_usd = row.maybe_integer("billed_micro_usd");
    attempt.day = row.text("day");
    attempt.input = row.text("input");
    return attempt;
}

void bind_remote(Query& query, const std::optional<domain::Remote>& remote) {
    if (!remote) return;
    query.text(":request_id", remote->request_id.str())
        .text_or_null(":status_url", remote->status_url)
        .text_or_null(":response_url", remote->response_url)
        .text_or_null(":cancel_url", remote->cancel_url);
}

void bind_timer(Query& query, const Job& job) {
    query.time(":due_at", job.due_at)
        .time(":unknown_until", job.unknown_until)
        .integer(":quiet_polls", job.quiet_polls)
        .integer(":missing_polls", job.missing_polls)
        .integer(":failed_polls", job.failed_polls);
}

void bind_request(Query& query, const Job& job) {
    const domain::JobRequest& request = job.request;
    query.text(":id", request.id.str())
        .text(":model", request.model)
        .text(":input", request.input)
        .text_or_null(":batch", request.batch)
        .integer(":priority", request.priority)
        .time(":not_before", request.not_before)
        .time(":deadline", request.deadline)
        .integer(":max_attempts", request.max_attempts)
        .text_or_null(":output", request.output)
        .text(":labels", labels_text(request.labels))
        .text(":content_hash", domain::content_hash(request))
        .time(":created_at", job.created_at);
    if (job.retry_of) query.text(":retry_of", job.retry_of->str());
}

void bind_progress(Query& query, const Job& job) {
    query.text(":provider", job.provider)
        .text(":state", domain::to_string(job.state))
        .text_or_null(":reason", domain::to_string(job.reason))
        .integer(":attempt", job.attempt)
        .integer(":billable_attempts", job.billable_attempts)
        .integer(":refusals", job.refusals)
        .integer(":fetch_failures", job.fetch_failures)
        .integer(":queue_position", job.queue_position)
        .real(":progress", job.progress)
        .integer(":cancel_requested", job.cancel_requested ? 1 : 0)
        .text_or_null(":restored", domain::to_string(job.restored))
        .text_or_null(":result_values", job.values)
        .integer(":cost_micro_usd", job.cost_micro_usd)
        .text_or_null(":files", files_text(job))
        .time(":files_until", files_until(job))
        .time(":submitted_at", job.submitted_at)
        .time(":finished_at", job.finished_at);
    if (job.error) {
        query.text(":error_code", job.error->code).text(":error_message", job.error->message);
    }
    if (!job.outputs.empty()) query.text_or_null(":video_url", job.outputs.front().url);
    bind_money(query, job.money);
    bind_remote(query, job.remote);
    bind_timer(query, job);
}

std::vector<std::int64_t> read_seqs(Query& query) {
    std::vector<std::int64_t> seqs;
    while (query.next()) seqs.push_back(query.first_integer());
    return seqs;
}

std::optional<std::int64_t> seq_of(Connection& connection, const JobId& id) {
    Query query(connection, sql::seq_by_id);
    query.text(":id", id.str());
    if (!query.next()) return std::nullopt;
    return query.integer("seq");
}

std::vector<Output> load_outputs(Connection& connection, std::int64_t seq) {
    Query query(connection, sql::outputs_of_job);
    query.integer(":job_seq", seq);
    std::vector<Output> outputs;
    while (query.next()) outputs.push_back(read_output(query));
    return outputs;
}

std::optional<Job> load_job(Connection& connection, std::int64_t seq) {
    std::optional<Job> job;
    {
        Query query(connection, sql::job_by_seq);
        query.integer(":seq", seq);
        if (!query.next()) return std::nullopt;
        job = read_job(query);
    }
    job->outputs = load_outputs(connection, seq);
    return job;
}

std::vector<Job> load_jobs(Connection& connection, const std::vector<std::int64_t>& seqs) {
    std::vector<Job> jobs;
    jobs.reserve(seqs.size());
    for (const std::int64_t seq : seqs) {
        if (auto job = load_job(connection, seq)) jobs.push_back(std::move(*job));
    }
    return jobs;
}

}  // namespace reeld::store
