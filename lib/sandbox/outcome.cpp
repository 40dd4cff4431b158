// How jobs end, and the file that a good end makes.
#include <fmt/format.h>

#include <array>

#include "sandbox/products.hpp"
#include "sandbox/uploads.hpp"

namespace reeld::sandbox {

namespace {

Outcome model_error(int status, std::string_view type, std::string_view message,
                    json::array place) {
    json::object entry{{"loc", std::move(place)},
                       {"msg", message},
                       {"type", type},
                       {"url", fmt::format("https://docs.fal.ai/errors/#{}", type)}};
    return {status,
            json::object{{"detail", json::array{std::move(entry)}}},
            std::string(message),
            std::string(type),
            false,
            false,
            false};
}

Outcome infrastructure_error(int status, std::string_view type, std::string_view message) {
    return {status,
            json::object{{"detail", message}, {"error_type", type}},
            std::string(message),
            std::string(type),
            true,
            false,
            true};
}

Outcome content_policy() {
    return model_error(422, "content_policy_violation",
                       "The content could not be processed because it contained material flagged "
                       "by a content checker.",
                       {"body", "prompt"});
}

Outcome server_error(int status) {
    if (status == 503) {
        return infrastructure_error(503, "runner_disconnected", "Runner disconnected");
    }
    if (status == 504)
        return model_error(504, "generation_timeout", "Generation timeout", {"body"});
    return model_error(500, "internal_server_error", "Internal server error", {"body"});
}

std::optional<Outcome> marked_outcome(const Job& job) {
    if (job.marks.contains("content_policy")) return content_policy();
    for (const int status : {500, 503, 504}) {
        if (job.marks.contains(std::to_string(status))) return server_error(status);
    }
    return std::nullopt;
}

// The first file of a result that has an address; nullptr when none has.
json::object* first_file(json::value& body) {
    json::object* members = body.if_object();
    for (const char* name : {"video", "audio", "images"}) {
        const auto at = members == nullptr ? nullptr : members->if_contains(name);
        if (at == nullptr) continue;
        json::value& one = at->is_array() && !at->get_array().empty() ? at->get_array()[0] : *at;
        if (one.is_object() && one.get_object().contains("url")) return &one.get_object();
    }
    return nullptr;
}

}  // namespace

Outcome plan_outcome(World& world, const Job& job) {
    if (const auto fault = find_fault(job.endpoint, job.input)) {
        Outcome outcome = model_error(422, fault->type, "field required", {"body", fault->member});
        outcome.body.at("detail").at(0).get_object()["input"] = job.input;
        outcome.free = true;
        return outcome;
    }
    if (auto way = missing_file(world, job.input, job.eligible_at)) {
        way->insert(way->begin(), "body");
        Outcome outcome = model_error(422, "file_download_error",
                                      "Failed to download the file. It must be reachable without "
                                      "a login.",
                                      std::move(*way));
        outcome.free = true;
        return outcome;
    }
    if (auto marked = marked_outcome(job)) return *marked;
    if (world.strikes(Fault::moderation, job.post, job.marks, true)) return content_policy();
    if (world.strikes(Fault::result_5xx, job.post, job.marks, true)) {
        constexpr std::array<int, 3> statuses{500, 503, 504};
        return server_error(statuses.at(world.draws.below("result_status", job.post, 3)));
    }
    Outcome outcome = good_outcome(world, job);
    if (world.strikes(Fault::result_empty, job.post, job.marks, true)) {
        outcome.body = json::object{{"video", nullptr}, {"images", json::array{}}};
    } else if (world.strikes(Fault::result_foreign, job.post, job.marks, true)) {
        json::object* file = first_file(outcome.body);
        if (file != nullptr) {
            (*file)["url"] =
                fmt::format("https://elsewhere.invalid/files/{}.mp4", job.request_id);
        }
    }
    return outcome;
}

json::value write_result(const Job& job, Instant now) {
    json::value body = job.outcome.body;
    json::object* file = first_file(body);
    if (!job.url_life || file == nullptr) return body;
    const std::string url = find_string(*file, "url").value_or("");
    (*file)["url"] = fmt::format("{}?until={}", url, to_unix_ms(now + *job.url_life));
    return body;
}

}  // namespace reeld::sandbox
