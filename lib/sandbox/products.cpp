#include "sandbox/products.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.hpp"
#include "sandbox/mp4.hpp"
#include "sandbox/sound.hpp"

namespace reeld::sandbox {

namespace {

enum class Makes { video, images, speech, music, cloned_voice, designed_voice };

constexpr std::int64_t images_max = 9;

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

Makes made_by(std::string_view endpoint) {
    if (has(endpoint, "/voice-clone")) return Makes::cloned_voice;
    if (has(endpoint, "/voice-design")) return Makes::designed_voice;
    if (has(endpoint, "/speech-") || endpoint.ends_with("/text-to-speech")) return Makes::speech;
    if (has(endpoint, "-music")) return Makes::music;
    if (has(endpoint, "/image-01")) return Makes::images;
    return Makes::video;
}

std::string url_of(const World& world, const Job& job, const std::string& name) {
    return fmt::format("{}/files/b/{}/{}", world.options.public_url, job.request_id, name);
}

json::object file_of(const World& world, const Job& job, const std::string& name) {
    const Product product = make_product(world, job, name).value();
    return {{"url", url_of(world, job, name)},
            {"content_type", product.content_type},
            {"file_name", name},
            {"file_size", product.bytes.size()}};
}

json::object video_result(const World& world, const Job& job) {
    json::object body{{"video", file_of(world, job, "output.mp4")}};
    if (!job.marks.contains("two_files")) return body;
    json::object picture = file_of(world, job, std::string(picture_name));
    picture.erase("file_size");  // some models do not tell it
    json::array pictures;
    pictures.push_back(std::move(picture));
    body["images"] = std::move(pictures);
    return body;
}

json::object images_result(const World& world, const Job& job) {
    json::array images;
    const std::int64_t count = find_int(job.input, "num_images").value_or(1);
    for (std::int64_t i = 1; i <= count; ++i)
        images.push_back(file_of(world, job, fmt::format("image-{}.png", i)));
    return {{"images", std::move(images)}};
}

SoundSpec sound_of(const Job& job) {
    SoundSpec spec;
    spec.seed = job.request_id;
    // As long as reading the text aloud takes, within a minute.
    const std::size_t letters = text_of(job.endpoint, job.input).size();
    spec.milliseconds = static_cast<unsigned>(std::clamp<std::size_t>(letters * 60, 500, 60'000));
    const auto* setting = find_object(job.input, "audio_setting");
    if (setting == nullptr) return spec;
    spec.format = find_string(*setting, "format").value_or(spec.format);
    const auto number = [&](const char* name, unsigned otherwise) {
        const auto value = find_int(*setting, name);
        return value && *value >= 8'000 && *value <= 256'000 ? static_cast<unsigned>(*value)
                                                             : otherwise;
    };
    spec.sample_rate = number("sample_rate", spec.sample_rate);
    spec.bitrate = number("bitrate", spec.bitrate);
    return spec;
}

std::string sound_name(const Job& job) {
    return "speech." + sound_of(job).format;
}

json::object speech_result(const World& world, const Job& job) {
    const SoundSpec spec = sound_of(job);
    json::object body{{"duration_ms", spec.milliseconds}};
    if (find_string(job.input, "output_format").value_or("hex") == "hex") {
        body["audio"] = to_hex(make_sound(spec));
    } else {
        body["audio"] = file_of(world, job, sound_name(job));
    }
    return body;
}

json::object voice_result(const World& world, const Job& job, bool spoken) {
    const std::string id = to_hex(world.draws.bytes("voice", job.post)).substr(0, 16);
    json::object body{{"custom_voice_id", "moss_audio_" + id}};
    if (spoken) body["audio"] = file_of(world, job, sound_name(job));
    return body;
}

std::string make_video(const World& world, const Job& job) {
    Mp4Spec spec;
    spec.seed = job.request_id;
    spec.seconds = 2 + static_cast<unsigned>(world.draws.below("seconds", job.post, 5));
    spec.columns = world.draws.below("columns", job.post, 2) == 0 ? 4 : 6;
    spec.faststart = world.draws.below("faststart", job.post, 2) == 0;
    return make_mp4(spec);
}

std::string preview() {
    constexpr std::string_view png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNo"
        "AAAAggCBd81ytgAAAABJRU5ErkJggg==";
    return from_base64url(png).value();
}

// The number in "image-3.png".
std::optional<std::int64_t> image_number(std::string_view name) {
    constexpr std::string_view head = "image-";
    constexpr std::string_view tail = ".png";
    if (!name.starts_with(head) || !name.ends_with(tail)) return std::nullopt;
    name = name.substr(head.size(), name.size() - head.size() - tail.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

std::string sound_type(const std::string& format) {
    return format == "pcm"    ? "audio/pcm"
           : format == "flac" ? "audio/flac"
           : format == "wav"  ? "audio/wav"
                              : "audio/mpeg";
}

}  // namespace

std::string text_member(std::string_view endpoint) {
    const bool older = has(endpoint, "/speech-02") || has(endpoint, "/speech-2.5") ||
                       endpoint.ends_with("/text-to-speech");
    return older && made_by(endpoint) == Makes::speech ? "text" : "prompt";
}

std::string text_of(std::string_view endpoint, const json::object& input) {
    if (made_by(endpoint) == Makes::cloned_voice) return find_string(input, "text").value_or("");
    return find_string(input, text_member(endpoint)).value_or("");
}

std::optional<Complaint> find_fault(std::string_view endpoint, const json::object& input) {
    const auto needs = [&](const std::string& member) -> std::optional<Complaint> {
        const auto text = find_string(input, member);
        if (text && !text->empty()) return std::nullopt;
        return Complaint{member, text ? "string_too_short" : "missing"};
    };
    const Makes makes = made_by(endpoint);
    if (makes == Makes::cloned_voice) return needs("audio_url");
    if (auto complaint = needs(text_member(endpoint))) return complaint;
    if (makes == Makes::designed_voice) return needs("preview_text");
    if (makes != Makes::images) return std::nullopt;
    const std::int64_t count = find_int(input, "num_images").value_or(1);
    if (count >= 1 && count <= images_max) return std::nullopt;
    return Complaint{"num_images", count < 1 ? "greater_than_equal" : "less_than_equal"};
}

Outcome video_outcome(const World& world, const Job& job) {
    Outcome outcome;
    outcome.body = video_result(world, job);
    return outcome;
}

Outcome good_outcome(const World& world, const Job& job) {
    Outcome outcome;
    switch (made_by(job.endpoint)) {
        case Makes::video: outcome.body = video_result(world, job); break;
        case Makes::images: outcome.body = images_result(world, job); break;
        case Makes::speech: outcome.body = speech_result(world, job); break;
        case Makes::music:
            outcome.body = json::object{{"audio", file_of(world, job, sound_name(job))}};
            break;
        case Makes::cloned_voice:
            outcome.body = voice_result(world, job, job.input.contains("text"));
            break;
        case Makes::designed_voice: outcome.body = voice_result(world, job, true); break;
    }
    return outcome;
}

std::optional<Product> make_product(const World& world, const Job& job, std::string_view name) {
    if (name == picture_name) return Product{"image/png", preview()};
    if (name == "output.mp4") return Product{"video/mp4", make_video(world, job)};
    const Makes makes = made_by(job.endpoint);
    if (makes == Makes::video) return std::nullopt;
    if (makes == Makes::images) {
        const auto number = image_number(name);
        const std::int64_t count = find_int(job.input, "num_images").value_or(1);
        if (!number || *number < 1 || *number > count) return std::nullopt;
        return Product{"image/png",
                       make_png(fmt::format("{}/{}", job.request_id, *number), 64, 64)};
    }
    if (name != sound_name(job)) return std::nullopt;
    const SoundSpec spec = sound_of(job);
    return Product{sound_type(spec.format), make_sound(spec)};
}

}  // namespace reeld::sandbox
