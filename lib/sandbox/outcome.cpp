// How jobs end, and the file that a good end makes.
#include <fmt/format.h>

#include "base/encoding.hpp"
#include "sandbox/mp4.hpp"
#include "sandbox/world.hpp"

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

}  // namespace

Outcome video_outcome(const World& world, const Job& job) {
    json::object file{
        {"url", fmt::format("{}/files/b/{}/output.mp4", world.options.public_url, job.request_id)},
        {"content_type", "video/mp4"},
        {"file_name", "output.mp4"},
        {"file_size", make_output(world, job).size()}};
    Outcome outcome;
    json::object body{{"video", std::move(file)}};
    if (job.marks.contains("two_files")) {
        // Its size is not told, as some models do it.
        json::object picture{
            {"url", fmt::format("{}/files/b/{}/{}", world.options.public_url, job.request_id,
                                picture_name)},
            {"content_type", "image/png"},
            {"file_name", picture_name}};
        json::array pictures;
        pictures.push_back(std::move(picture));
        body["images"] = std::move(pictures);
    }
    outcome.body = std::move(body);
    return outcome;
}

Outcome plan_outcome(World& world, const Job& job) {
    const auto prompt = find_string(job.input, "prompt");
    if (!prompt || prompt->empty()) {
        Outcome outcome = model_error(422, prompt ? "string_too_short" : "missing",
                                      "field required", {"body", "prompt"});
        outcome.body.at("detail").at(0).get_object()["input"] = job.input;
        outcome.free = true;
        return outcome;
    }
    if (auto marked = marked_outcome(job)) return *marked;
    if (world.strikes(Fault::moderation, job.post, job.marks, true)) return content_policy();
    if (world.strikes(Fault::result_5xx, job.post, job.marks, true)) {
        constexpr std::array<int, 3> statuses{500, 503, 504};
        return server_error(statuses.at(world.draws.below("result_status", job.post, 3)));
    }
    Outcome outcome = video_outcome(world, job);
    if (world.strikes(Fault::result_empty, job.post, job.marks, true)) {
        outcome.body = json::object{{"video", nullptr}, {"images", json::array{}}};
    } else if (world.strikes(Fault::result_foreign, job.post, job.marks, true)) {
        outcome.body.at("video").get_object()["url"] =
            fmt::format("https://elsewhere.invalid/files/{}.mp4", job.request_id);
    }
    return outcome;
}

json::value write_result(const Job& job, Instant now) {
    json::value body = job.outcome.body;
    json::object* file = nullptr;
    if (json::object* object = body.if_object()) {
        const auto video = object->find("video");
        if (video != object->end()) file = video->value().if_object();
    }
    if (!job.url_life || file == nullptr) return body;
    const std::string url = find_string(*file, "url").value_or("");
    (*file)["url"] = fmt::format("{}?until={}", url, to_unix_ms(now + *job.url_life));
    return body;
}

std::string make_output(const World& world, const Job& job) {
    Mp4Spec spec;
    spec.seed = job.request_id;
    spec.seconds = 2 + static_cast<unsigned>(world.draws.below("seconds", job.post, 5));
    spec.columns = world.draws.below("columns", job.post, 2) == 0 ? 4 : 6;
    spec.faststart = world.draws.below("faststart", job.post, 2) == 0;
    return make_mp4(spec);
}

std::string make_picture() {
    constexpr std::string_view png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNo"
        "AAAAggCBd81ytgAAAABJRU5ErkJggg==";
    return from_base64url(png).value();
}

}  // namespace reeld::sandbox
