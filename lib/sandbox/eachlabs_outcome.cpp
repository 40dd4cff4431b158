// How predictions end, and what is said of their end.
#include <fmt/format.h>

#include <array>

#include "base/encoding.hpp"
#include "sandbox/eachlabs.hpp"
#include "sandbox/products.hpp"
#include "sandbox/python_json.hpp"
#include "sandbox/uploads.hpp"

namespace reeld::sandbox {

namespace {

struct Failure {
    std::string_view code;
    std::string_view category;
    std::string_view message;
    bool retryable = false;
};

constexpr std::array<Failure, 10> failures{
    {{"INPUT_VALIDATION_ERROR", "VALIDATION", "prompt must not be longer than 2000 characters"},
     {"PROVIDER_REJECTED", "VALIDATION", "the first frame could not be fetched"},
     {"PROVIDER_BAD_REQUEST", "VALIDATION", "the provider found the request malformed"},
     {"INPUT_DOWNLOAD_ERROR", "VALIDATION", "first_frame_image: download failed"},
     {"PROVIDER_RATE_LIMIT", "RATE_LIMIT", "the provider is busy", true},
     {"NETWORK_ERROR", "NETWORK", "the provider was not reached", true},
     {"PROVIDER_SERVER_ERROR", "PROVIDER", "the provider answered 503", true},
     {"PROVIDER_AUTH_ERROR", "AUTH", "the provider refused the platform's key"},
     {"PROVIDER_FAILED", "PROVIDER", "the provider says no more than that it failed"},
     {"EXECUTION_TIMEOUT", "TIMEOUT", "no result within 600 s"}}};

Outcome failed(json::value envelope, std::string_view error) {
    Outcome outcome;
    outcome.status = 500;
    outcome.body = std::move(envelope);
    outcome.error = std::string(error);
    outcome.free = true;
    return outcome;
}

json::object envelope_of(const Job& job, const Failure& failure) {
    return {{"classification", {{"category", failure.category}}},
            {"error", "Execution failed"},
            {"error_code", failure.code},
            {"error_message", failure.message},
            {"error_step", "Submit Job"},
            {"execution_id", job.request_id},
            {"model_slug", job.endpoint.substr(job.endpoint.find('/') + 1)},
            {"provider", "minimax"},
            {"provider_error_code", "failed"},
            {"retryable", failure.retryable},
            {"status", "ERROR"},
            {"success", false}};
}

Outcome fail_with(const Job& job, const Failure& failure) {
    return failed(envelope_of(job, failure), failure.message);
}

Outcome moderated(const Job& job) {
    const Failure failure{"PROVIDER_REJECTED", "CONTENT_MODERATION", "input new_sensitive"};
    json::object envelope = envelope_of(job, failure);
    envelope["provider_error_code"] = "1026";
    return failed(std::move(envelope), failure.message);
}

// A job that was never dispatched has only a sentence.
Outcome not_dispatched() {
    return failed(json::object{{"error", "dispatch failed"}}, "dispatch failed");
}

std::optional<Outcome> marked_outcome(const Job& job) {
    if (job.marks.contains("content_policy")) return moderated(job);
    if (job.marks.contains("dispatch")) return not_dispatched();
    constexpr std::array<std::pair<std::string_view, std::size_t>, 3> by_status{
        {{"500", 6}, {"503", 5}, {"504", 9}}};
    for (const auto& [status, index] : by_status) {
        if (job.marks.contains(std::string(status))) return fail_with(job, failures.at(index));
    }
    for (const Failure& failure : failures) {
        if (job.marks.contains(to_lower(failure.code))) return fail_with(job, failure);
    }
    return std::nullopt;
}

std::string url_in(const json::value& body) {
    const auto* object = body.if_object();
    const auto* video = object == nullptr ? nullptr : find_object(*object, "video");
    return video == nullptr ? "" : find_string(*video, "url").value_or("");
}

}  // namespace

Outcome plan_prediction(World& world, const Job& job) {
    if (const auto way = missing_file(world, job.input, job.eligible_at)) {
        const json::value& member = way->front();
        const std::string message = std::string(member.as_string()) + ": download failed";
        return fail_with(job, {"INPUT_DOWNLOAD_ERROR", "VALIDATION", message});
    }
    if (auto marked = marked_outcome(job)) return *marked;
    if (world.strikes(Fault::moderation, job.post, job.marks, true)) return moderated(job);
    if (world.strikes(Fault::result_5xx, job.post, job.marks, true)) {
        const auto which = world.draws.below("failure", job.post, failures.size() + 1);
        return which == failures.size() ? not_dispatched() : fail_with(job, failures.at(which));
    }
    Outcome outcome = video_outcome(world, job);
    if (world.strikes(Fault::result_empty, job.post, job.marks, true)) {
        outcome.body = json::object{{"video", nullptr}};
    } else if (world.strikes(Fault::result_foreign, job.post, job.marks, true)) {
        outcome.body.at("video").get_object()["url"] =
            fmt::format("https://elsewhere.invalid/files/{}.mp4", job.request_id);
    }
    return outcome;
}

std::string_view prediction_word(const Job& job, bool legacy) {
    // Cancelled in the record, and running all the same.
    if (job.cancel_lied && job.stage != Stage::completed) return legacy ? "canceled" : "cancelled";
    if (job.stage == Stage::queued) return legacy ? "starting" : "created";
    if (job.stage == Stage::running) return "processing";
    if (job.outcome.status == 499) return legacy ? "canceled" : "cancelled";
    if (job.outcome.status == 200) return legacy ? "succeeded" : "success";
    return legacy ? "failed" : "error";
}

json::value write_output(const Job& job, Instant now) {
    if (job.stage != Stage::completed || job.outcome.status == 499) return nullptr;
    if (job.outcome.status != 200) return job.outcome.body;
    const json::value body = write_result(job, now);
    const std::string url = url_in(body);
    if (url.empty()) return nullptr;
    const auto* pictures = find_array(body.get_object(), "images");
    if (pictures != nullptr) {
        json::array all{url};
        for (const json::value& picture : *pictures) all.push_back(picture.at("url"));
        return all;
    }
    if (job.shape == 1) return json::array{url};
    if (job.shape == 2) return json::object{{"url", url}};
    return json::string(url);
}

std::string write_prediction_hook(const Job& job, const std::string& id, bool legacy) {
    const bool good = job.outcome.status == 200;
    json::value output = write_output(job, *job.finished_at);
    if (legacy) {
        return python_json(json::object{
            {"id", id},
            {"status", prediction_word(job, false)},
            {"output", std::move(output)},
            {"input", job.input},
            {"metrics", {{"predict_time", 0}, {"cost", job.billed ? job.price_usd : 0.0}}}});
    }
    json::object body{{"exec_id", id},
                      {"flow_id", nullptr},
                      {"status", good ? "succeeded" : "failed"},
                      {"output", std::move(output)},
                      {"error", ""}};
    if (!good) {
        json::object step{
            {"id", ""}, {"status", ""}, {"output", ""}, {"error", "Error: " + job.outcome.error}};
        body["output"] = json::array{std::move(step)};
    }
    return python_json(body);
}

}  // namespace reeld::sandbox
