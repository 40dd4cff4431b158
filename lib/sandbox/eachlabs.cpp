// The Eachlabs personality: predictions, their list, webhook records, models and uploads.
#include "sandbox/eachlabs.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/encoding.hpp"
#include "sandbox/media.hpp"
#include "sandbox/uploads.hpp"

namespace reeld::sandbox {

namespace {

constexpr Millis put_life{900'000};

bool has_key(const World& world, const Call& call) {
    const std::string* plain = call.headers.find("x-api-key");
    const std::string* bearer = call.headers.find("authorization");
    constexpr std::string_view scheme = "Bearer ";
    std::string key;
    if (plain != nullptr) key = *plain;
    if (bearer != nullptr && bearer->starts_with(scheme)) key = bearer->substr(scheme.size());
    return !key.empty() && (world.options.key.empty() || key == world.options.key);
}

Answer no_key(const World& world) {
    if (world.options.bare_401) return json_answer(401, json::object{});
    return eachlabs_error(401, "Invalid or missing API key");
}

Answer unknown_prediction() { return eachlabs_error(404, "Prediction not found"); }

json::object write_prediction(const World& world, const Job& job, bool legacy, Instant now) {
    const std::string url = world.options.public_url + "/v1/prediction/" + job.request_id;
    const auto ran = job.started_at && job.finished_at ? *job.finished_at - *job.started_at
                                                       : Millis{0};
    json::object body{
        {"id", job.request_id},
        {"input", job.input},
        {"status", prediction_word(job, legacy)},
        {"output", write_output(job, now)},
        {"logs", nullptr},
        {"metrics",
         {{"predict_time", static_cast<double>(ran.count()) / 1000.0},
          {"cost", job.billed ? job.price_usd : 0.0}}},
        {"urls", {{"cancel", url + "/cancel"}, {"get", url}}}};
    if (job.listed_blank == true) body["input"] = nullptr;
    return body;
}

// Cut, empty, or with a word that nobody knows.
Answer garbled(const World& world, std::uint64_t at, json::object body) {
    const auto how = world.draws.below("garbled_as", at, 3);
    if (how == 0) return json_answer(200, nullptr);
    if (how == 1) body["status"] = "archived";
    Answer answer = json_answer(200, body);
    if (how == 2) answer.body.resize(answer.body.size() / 2);
    return answer;
}

std::optional<Answer> spoilt_read(World& world, const Call& call, Job& job, std::uint64_t at) {
    const bool first = job.polls == 1;
    if (world.strikes(Fault::status_5xx, at, job.marks, first)) {
        if (world.draws.below("status_status", at, 2) == 0) return html_answer(502, "502 Bad Gateway");
        return eachlabs_error(500, "internal error");
    }
    if (goes_missing(world, Fault::status_404, at, job, first, call.now, job.unknown_until)) {
        return unknown_prediction();
    }
    if (world.strikes(Fault::status_429, at, job.marks, first)) {
        Answer answer = eachlabs_error(429, "too many requests");
        world.hint_retry(answer, at, call.now, Millis{30'000});
        return answer;
    }
    if (world.strikes(Fault::status_portal, at, job.marks, first)) return portal_answer();
    if (world.strikes(Fault::status_garbled, at, job.marks, first)) {
        return garbled(world, at, write_prediction(world, job, false, call.now));
    }
    return std::nullopt;
}

// What it was a while ago: live, so without output and cost.
json::object outdated(const World& world, const Job& job, std::string_view word, Instant now) {
    json::object body = write_prediction(world, job, false, now);
    body["status"] = word;
    body["output"] = nullptr;
    body["metrics"] = json::object{{"predict_time", 0}, {"cost", 0}};
    return body;
}

Answer get_prediction(World& world, const Call& call, Job& job) {
    const auto at = World::nth(job, ++job.polls);
    if (auto spoilt = spoilt_read(world, call, job, at)) return *spoilt;
    const bool first = job.polls == 1;
    if (job.stage == Stage::running && !job.cancel_lied &&
        world.strikes(Fault::status_regress, at, job.marks, ++job.polls_running == 1)) {
        return json_answer(200, outdated(world, job, "created", call.now));
    }
    if (job.stage == Stage::completed && job.started_at &&
        world.strikes(Fault::status_stale, at, job.marks, first)) {
        return json_answer(200, outdated(world, job, "processing", call.now));
    }
    const bool legacy = world.strikes(Fault::legacy_words, at, job.marks, first);
    return json_answer(200, write_prediction(world, job, legacy, call.now));
}

Answer get_stranger(const Stranger& stranger) {
    return json_answer(200, {{"id", stranger.id},
                             {"input", stranger.input},
                             {"status", "success"},
                             {"output", "https://elsewhere.invalid/uploads/stranger.mp4"},
                             {"logs", nullptr},
                             {"metrics", {{"predict_time", 12.5}, {"cost", 0.43}}}});
}

// Often the record alone is marked; what runs may run on and be paid for.
void take_cancel(World& world, Job& job, Instant now) {
    const bool running = job.stage == Stage::running;
    if (!running && !job.cancel_lied &&
        world.strikes(Fault::cancel_lies, job.post, job.marks, true)) {
        job.cancel_lied = true;
    }
    if (job.cancel_lied) return;
    const bool ignores =
        running && (job.cancel_requested ||
                    world.strikes(Fault::cancel_ignored, job.post, job.marks, true));
    world.queue.cancel(job, ignores, now);
}

Answer cancel_prediction(World& world, const Call& call, Job& job) {
    const auto at = World::nth(job, ++job.cancels);
    if (world.strikes(Fault::cancel_5xx, at, job.marks, job.cancels == 1)) {
        if (world.draws.below("cancel_status", at, 2) == 0) return html_answer(502, "502 Bad Gateway");
        return eachlabs_error(500, "internal error");
    }
    if (job.stage == Stage::completed) return eachlabs_error(400, "Prediction already finished");
    take_cancel(world, job, call.now);
    const bool one = world.draws.below("cancel_word", at, 2) == 0;
    return json_answer(200, {{"status", one ? "cancelled" : "success"},
                             {"predictionID", job.request_id},
                             {"message", "Prediction canceled successfully"}});
}

Answer answer_prediction(World& world, const Call& call) {
    const auto& parts = call.segments;
    if (parts.size() == 2) {
        return call.method == "POST" ? create_prediction(world, call)
                                     : eachlabs_error(405, "method not allowed");
    }
    if (parts[2] == "run" && parts.size() == 3 && call.method == "POST") {
        return eachlabs_error(400, "model does not support synchronous runs");
    }
    Job* job = world.queue.find(parts[2]);
    if (job != nullptr && job->dialect != Dialect::eachlabs) job = nullptr;
    const bool cancels = parts.size() == 4 && parts[3] == "cancel" && call.method == "POST";
    if (job == nullptr) {
        const auto stranger =
            std::find_if(world.strangers.begin(), world.strangers.end(),
                         [&](const Stranger& one) { return one.id == parts[2]; });
        const bool reads = call.method == "GET" && parts.size() == 3;
        return reads && stranger != world.strangers.end() ? get_stranger(*stranger)
                                                          : unknown_prediction();
    }
    if (cancels) return cancel_prediction(world, call, *job);
    if (parts.size() == 3 && call.method == "GET") return get_prediction(world, call, *job);
    return json_answer(404, {{"status", 404}, {"error", "not found"}});
}

json::object write_record(const std::string& id, const WebhookRecord& record) {
    json::object headers;
    for (const Header& header : record.headers.all()) headers[header.name] = header.value;
    return {{"execution_id", id},
            {"url", record.url},
            {"request", record.body},
            {"headers", std::move(headers)},
            {"source", "api-gateway"},
            {"created_at", to_rfc3339(record.created_at)}};
}

json::array write_tries(const WebhookRecord& record) {
    json::array tries;
    for (const WebhookRecord::Try& one : record.tries) {
        const bool good = one.status && *one.status / 100 == 2;
        json::object row{{"status", !one.answered ? "PENDING" : good ? "SUCCESS" : "FAILED"},
                         {"status_code", nullptr},
                         {"response", ""},
                         {"error_message", nullptr},
                         {"created_at", to_rfc3339(one.at)}};
        if (one.status) row["status_code"] = *one.status;
        if (one.answered && !one.status) row["error_message"] = "no answer";
        tries.push_back(std::move(row));
    }
    return tries;
}

Answer answer_webhooks(const World& world, const Call& call) {
    const auto& records = world.webhooks.records();
    if (call.segments.size() == 3) {
        const auto at = records.find(call.segments[2]);
        if (at == records.end()) return eachlabs_error(404, "webhook not found");
        json::object body = write_record(at->first, at->second);
        body["attempts"] = write_tries(at->second);
        return json_answer(200, body);
    }
    json::array all;
    for (const auto& [id, record] : records) all.push_back(write_record(id, record));
    return json_answer(200, {{"webhooks", std::move(all)}, {"limit", 50}, {"offset", 0}});
}

json::object write_model(std::string_view slug) {
    json::object properties;
    json::array required;
    for (const std::string_view name : required_inputs(slug)) {
        properties[name] = json::object{{"type", "string"}};
        required.emplace_back(name);
    }
    properties["prompt_optimizer"] = json::object{{"type", "boolean"}, {"default", true}};
    return {{"title", slug},
            {"slug", slug},
            {"version", "0.0.1"},
            {"output_type", "string"},
            {"request_schema",
             {{"type", "object"}, {"properties", properties}, {"required", required}}}};
}

std::string_view ending_of(std::string_view type) {
    if (type == "image/png") return ".png";
    if (type == "image/jpeg") return ".jpg";
    if (type == "video/mp4") return ".mp4";
    return "";
}

Answer presign(World& world, const Call& call) {
    const auto body = parse_json(call.body);
    const auto* wish = body ? body->if_object() : nullptr;
    const auto type = wish == nullptr ? std::nullopt : find_string(*wish, "content_type");
    if (!type || type->empty()) return eachlabs_error(400, "content_type is required");
    constexpr std::int64_t life_usual = 180 * 86'400, life_least = 60, life_most = 31'536'000;
    const auto life = std::clamp(find_int(*wish, "expires_in_seconds").value_or(life_usual),
                                 life_least, life_most);
    const std::string id = world.draws.uuid_v7("upload_id", world.storage.count(), call.now);
    Upload& upload =
        world.storage.open(id, id + std::string(ending_of(*type)), *type, call.now);
    Millis kept = std::chrono::seconds(life);
    if (world.options.upload_life > Millis{0}) kept = std::min(kept, world.options.upload_life);
    upload.expires_at = call.now + kept;
    const std::string base = world.options.public_url + "/uploads/" + id;
    return json_answer(
        200, {{"id", id},
              {"presigned_url", base + "?until=" + std::to_string(to_unix_ms(call.now + put_life))},
              {"public_url", base + std::string(ending_of(*type))},
              {"expires_at", to_rfc3339(*upload.expires_at)},
              {"required_headers", {{"x-amz-meta-file-id", id}}}});
}

Answer put_upload(World& world, const Call& call, Upload& upload) {
    const std::string* type = call.headers.find("content-type");
    const std::string* meta = call.headers.find("x-amz-meta-file-id");
    const auto until = call.target.get("until");
    const bool in_time = until && call.now <= from_unix_ms(std::atoll(until->c_str()));
    const bool as_signed = type != nullptr && *type == upload.content_type && meta != nullptr &&
                           *meta == upload.id;
    if (!in_time || !as_signed) return html_answer(403, "SignatureDoesNotMatch");
    const bool fits = call.body.size() <= world.options.upload_call_max &&
                      world.storage.put(upload, call.body).has_value();
    return fits ? Answer{} : html_answer(400, "EntityTooLarge");
}

// Without a key: who has the URL may.
Answer answer_uploads(World& world, const Call& call) {
    const std::string& name = call.segments[1];
    const std::string id = name.substr(0, name.find('.'));
    Upload* upload = world.storage.find(id);
    if (upload == nullptr) return html_answer(404, "NoSuchKey");
    if (call.method == "PUT") {
        const auto store = [&] { return put_upload(world, call, *upload); };
        return use_ticket(world, call, Dialect::eachlabs, *upload, store);
    }
    if (!upload->is_there(call.now)) return html_answer(404, "NoSuchKey");
    return serve_bytes(upload->bytes, upload->content_type, call.headers, false);
}

Answer remove_file(World& world, const std::string& id) {
    if (id.size() != 36) return eachlabs_error(400, "invalid file id");
    Upload* upload = world.storage.find(id);
    if (upload == nullptr) return eachlabs_error(404, "file not found");
    upload->complete = false;
    Answer answer;
    answer.status = 204;
    return answer;
}

}  // namespace

Answer eachlabs_error(int status, std::string_view error, std::string_view details) {
    if (details.empty()) return json_answer(status, {{"error", error}});
    return json_answer(status, {{"status", status}, {"error", error}, {"details", details}});
}

bool is_known_slug(std::string_view slug) {
    return slug.starts_with("minimax-") || slug.starts_with("hailuo-");
}

std::vector<std::string_view> required_inputs(std::string_view slug) {
    if (slug.find("s2v") != slug.npos) return {"prompt", "subject_image"};
    if (slug.find("image-to-video") != slug.npos) return {"prompt", "image_url"};
    if (slug.find("i2v") != slug.npos) return {"prompt", "first_frame_image"};
    return {"prompt"};
}

std::optional<Answer> answer_eachlabs(World& world, const Call& call) {
    const auto& parts = call.segments;
    if (parts.size() == 2 && parts[0] == "uploads") return answer_uploads(world, call);
    if (parts.size() < 2 || parts[0] != "v1") return std::nullopt;
    const bool reads = call.method == "GET";
    const bool lists = reads && parts.size() == 2;
    const bool is_ours = parts[1] == "prediction" || (lists && parts[1] == "executions") ||
                         (reads && parts[1] == "webhooks" && parts.size() < 4) ||
                         (lists && (parts[1] == "model" || parts[1] == "models")) ||
                         call.path == "/v1/upload/presign" ||
                         (parts[1] == "files" && call.method == "DELETE" && parts.size() == 3);
    if (!is_ours || (parts[1] == "prediction" && parts.size() > 4)) return std::nullopt;
    if (!has_key(world, call)) {
        if (call.path == "/v1/prediction" && call.method == "POST") ++world.posts;
        return no_key(world);
    }
    if (parts[1] == "prediction") return answer_prediction(world, call);
    if (parts[1] == "executions") return list_executions(world, call);
    if (parts[1] == "webhooks") return answer_webhooks(world, call);
    if (parts[1] == "upload") {
        const auto open = [&] { return presign(world, call); };
        return start_upload(world, call, Dialect::eachlabs, open);
    }
    if (parts[1] == "files") return remove_file(world, parts[2]);
    if (parts[1] == "models") {
        json::array models{write_model("minimax-i2v-01")};
        return json_answer(200, models);
    }
    const std::string slug = call.target.get("slug").value_or("");
    if (!is_known_slug(slug)) return eachlabs_error(404, "Failed to fetch model: model not found");
    return json_answer(200, write_model(slug));
}

}  // namespace reeld::sandbox
