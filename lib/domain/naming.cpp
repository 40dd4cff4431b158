#include "domain/naming.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "domain/suggest.hpp"

namespace reeld::domain {
namespace {

constexpr std::size_t component_bytes_max = 200;
constexpr std::size_t template_bytes_max = 1000;
constexpr std::size_t components_max = 16;
constexpr std::size_t tail_bytes_max = 40;
constexpr std::string_view hostile = "<>:\"|?*\\/";
constexpr std::array<std::string_view, 8> known_names{"id",    "batch",   "model", "ext",
                                                      "index", "attempt", "n",     "date"};

Error bad(std::string message) {
    return Error(ErrorCode::invalid, std::move(message));
}

std::vector<std::string_view> split_components(std::string_view text) {
    std::vector<std::string_view> components;
    while (true) {
        const std::size_t slash = text.find('/');
        components.push_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return components;
        text.remove_prefix(slash + 1);
    }
}

Status check_placeholder(std::string_view name) {
    if (std::find(known_names.begin(), known_names.end(), name) != known_names.end()) return ok();
    if (name.starts_with("label.") && is_job_id(name.substr(6))) return ok();
    const std::string_view nearest = nearest_name(name, known_names);
    return bad(fmt::format("{{{}}} is unknown; {}", clip_utf8(name, 64),
                           nearest.empty() ? "known are {id} {batch} {model} {ext} {n} {index} "
                                             "{attempt} {date} {label.KEY}"
                                           : fmt::format("did you mean {{{}}}?", nearest)));
}

Status check_literal(std::string_view text) {
    if (const auto at = text.find_first_of(hostile); at != std::string_view::npos) {
        return bad(fmt::format("the character '{}' has no place in a file name; use \"_\" or \"-\"",
                               text[at]));
    }
    return ok();
}

Status check_braces(std::string_view component) {
    while (!component.empty()) {
        const std::size_t open = std::min(component.find_first_of("{}"), component.size());
        if (const auto literal = check_literal(component.substr(0, open)); !literal) return literal;
        if (open == component.size()) return ok();
        const std::size_t close = component.find_first_of("{}", open + 1);
        if (component[open] == '}' || close == std::string_view::npos || component[close] == '{') {
            return bad("a brace is left alone; placeholders look like {id}");
        }
        const auto known = check_placeholder(component.substr(open + 1, close - open - 1));
        if (!known) return known;
        component.remove_prefix(close + 1);
    }
    return ok();
}

Status check_component(std::string_view component) {
    if (component.empty()) {
        return bad("a part between two \"/\" is empty, or the template ends with \"/\"");
    }
    if (component.front() == '.') {
        return bad(
            fmt::format("{} starts with a dot; parts that do are hidden or lead out of the "
                        "outputs folder",
                        quoted(component)));
    }
    if (component.size() > component_bytes_max) {
        return bad(fmt::format("a part between two \"/\" has {} bytes; at most {} are taken",
                               component.size(), component_bytes_max));
    }
    return check_braces(component);
}

// What the placeholders of one file stand for.
class Values {
  public:
    Values(const Job& job, const Output& output, std::string_view extension)
        : job_(job), output_(output), extension_(extension) {}

    std::string expand(std::string_view text) const {
        std::string out;
        while (!text.empty()) {
            const std::size_t open = std::min(text.find('{'), text.size());
            out += text.substr(0, open);
            text.remove_prefix(open);
            if (text.empty()) break;
            const std::size_t close = text.find('}');
            if (close == std::string_view::npos) {
                out += text;
                break;
            }
            out += value_of(text.substr(1, close - 1));
            text.remove_prefix(close + 1);
        }
        return out;
    }

  private:
    std::string value_of(std::string_view name) const {
        const JobRequest& request = job_.request;
        if (name == "id") return request.id.str();
        if (name == "batch") return request.batch;
        if (name == "model") return request.model;
        if (name == "ext") return std::string(extension_);
        if (name == "n") return fmt::to_string(output_.index + 1);
        if (name == "index") return fmt::to_string(output_.index);
        if (name == "attempt") return fmt::to_string(job_.attempt);
        if (name == "date") return to_rfc3339(job_.created_at).substr(0, 10);
        if (name.starts_with("label.")) {
            const auto at = request.labels.find(std::string(name.substr(6)));
            return at == request.labels.end() ? std::string() : at->second;
        }
        return {};
    }

    const Job& job_;
    const Output& output_;
    std::string_view extension_;
};

// One path component out of any text: no separator, no control character, no leading dot, nothing
// that a Windows share refuses. Text that is no UTF-8 keeps its ASCII only.
std::string safe(std::string_view text) {
    const bool utf8 = is_utf8(text);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool c1 = utf8 && c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) ++i;
        const bool replaced = c < 0x20 || c == 0x7F || c1 || (!utf8 && c >= 0x80) ||
                              hostile.find(text[i]) != std::string_view::npos;
        out.push_back(replaced ? '_' : text[i]);
    }
    for (std::size_t i = 0; i < out.size() && out[i] == '.'; ++i)
        out[i] = '_';
    return out;
}

std::string safe_end(std::string text) {
    for (std::size_t i = text.size(); i > 0 && (text[i - 1] == '.' || text[i - 1] == ' '); --i) {
        text[i - 1] = '_';
    }
    return text;
}

// The last dot that stands outside of braces begins the extension: "{id}.{ext}", "{label.a}.mp4".
std::size_t tail_begin(std::string_view component) {
    std::size_t at = component.size();
    bool inside = false;
    for (std::size_t i = 0; i < component.size(); ++i) {
        if (component[i] == '{') inside = true;
        if (component[i] == '}') inside = false;
        if (component[i] == '.' && !inside && i > 0) at = i;
    }
    return at;
}

std::string last_component(std::string_view text, const Values& values, const std::string& suffix,
                           const std::string& fallback) {
    const std::size_t split = tail_begin(text);
    std::string stem = safe(values.expand(text.substr(0, split)));
    if (stem.empty()) stem = safe(fallback);
    std::string tail;
    if (split < text.size()) {
        const std::string extension = safe(values.expand(text.substr(split + 1)));
        tail = std::string(clip_utf8("." + extension, tail_bytes_max));
    }
    const std::size_t room = component_bytes_max - suffix.size() - tail.size();
    return safe_end(std::string(clip_utf8(stem, room)) + suffix + tail);
}

bool names_the_output(std::string_view text) {
    return text.find("{n}") != std::string_view::npos ||
           text.find("{index}") != std::string_view::npos;
}

struct KnownType {
    std::string_view content_type;
    std::string_view extension;
};
// The first row of a content type gives its extension; every extension here is taken from URLs.
constexpr std::array<KnownType, 36> known_types{
    {{"audio/pcm", "pcm"},        {"audio/x-pcm", "pcm"},    {"audio/l16", "pcm"},
     {"video/mp4", "mp4"},        {"video/webm", "webm"},     {"video/quicktime", "mov"},
     {"video/x-matroska", "mkv"}, {"video/matroska", "mkv"},  {"video/x-msvideo", "avi"},
     {"video/mp2t", "ts"},        {"video/ogg", "ogv"},       {"video/x-m4v", "m4v"},
     {"audio/mpeg", "mp3"},       {"audio/mp3", "mp3"},       {"audio/mp4", "m4a"},
     {"audio/x-m4a", "m4a"},      {"audio/aac", "aac"},       {"audio/wav", "wav"},
     {"audio/x-wav", "wav"},      {"audio/wave", "wav"},      {"audio/vnd.wave", "wav"},
     {"audio/flac", "flac"},      {"audio/x-flac", "flac"},   {"audio/ogg", "ogg"},
     {"audio/opus", "opus"},      {"image/png", "png"},       {"image/jpeg", "jpg"},
     {"image/jpg", "jpg"},        {"image/jpeg", "jpeg"},     {"image/webp", "webp"},
     {"image/gif", "gif"},        {"image/avif", "avif"},     {"image/heic", "heic"},
     {"application/ogg", "ogg"},  {"application/mp4", "mp4"}, {"application/zip", "zip"}}};

std::string usual_extension(MediaKind kind) {
    switch (kind) {
        case MediaKind::any: return "bin";
        case MediaKind::video: return "mp4";
        case MediaKind::audio: return "mp3";
        case MediaKind::image: return "png";
    }
    return "bin";
}

}  // namespace

Status check_template(std::string_view text) {
    if (text.empty()) return bad("the template is empty; the default is {batch}/{id}.{ext}");
    if (!is_utf8(text)) return bad("the template must be valid UTF-8");
    if (has_control(text)) return bad("the template holds a control character");
    if (text.front() == '/') {
        return bad(
            "the template is an absolute path; it is relative to the outputs folder: leave the "
            "first \"/\" away");
    }
    if (text.size() > template_bytes_max) {
        return bad(fmt::format("the template has {} bytes; at most {} are taken", text.size(),
                               template_bytes_max));
    }
    const auto components = split_components(text);
    if (components.size() > components_max) {
        return bad(fmt::format("the template has {} parts between \"/\"; at most {} are taken",
                               components.size(), components_max));
    }
    for (const std::string_view component : components) {
        if (const auto checked = check_component(component); !checked) return checked;
    }
    return ok();
}

std::string file_name(const Job& job, const Output& output, std::string_view extension,
                      int collision) {
    // A row may hold a template that an older check let pass; the default is always safe.
    const bool own = !job.request.output.empty() && check_template(job.request.output).has_value();
    const std::string_view text = own ? std::string_view(job.request.output) : default_template;
    const Values values(job, output, extension.empty() ? "bin" : extension);
    std::string suffix;
    if (job.outputs.size() > 1 && !names_the_output(text)) {
        suffix += fmt::format("-{}", output.index + 1);
    }
    if (collision > 0) suffix += fmt::format("-{}", collision + 1);
    const auto components = split_components(text);
    std::string path;
    for (std::size_t i = 0; i + 1 < components.size(); ++i) {
        const std::string component = safe(values.expand(components[i]));
        const std::string_view clipped = clip_utf8(component, component_bytes_max);
        if (!clipped.empty()) path += safe_end(std::string(clipped)) + "/";
    }
    const std::string fallback = job.request.id.empty() ? "output" : job.request.id.str();
    return path + last_component(components.back(), values, suffix, fallback);
}

std::string extension_of(std::string_view content_type, std::string_view url, MediaKind kind) {
    content_type = content_type.substr(0, content_type.find(';'));
    while (content_type.ends_with(' '))
        content_type.remove_suffix(1);
    for (const KnownType& type : known_types) {
        if (equals_ignoring_case(type.content_type, content_type)) {
            return std::string(type.extension);
        }
    }
    const std::string_view path = url.substr(0, url.find_first_of("?#"));
    const std::size_t dot = path.find_last_of("./");
    if (dot == std::string_view::npos || path[dot] != '.') return usual_extension(kind);
    const std::string_view extension = path.substr(dot + 1);
    for (const KnownType& type : known_types) {
        if (equals_ignoring_case(type.extension, extension)) return std::string(type.extension);
    }
    return usual_extension(kind);
}

}  // namespace reeld::domain
