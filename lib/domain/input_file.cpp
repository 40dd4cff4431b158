#include "domain/input_file.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::domain {
namespace {

constexpr Millis margin_max{3'600'000};
constexpr int margin_part = 5;

// Every text of a value with the words that lead to it.
template <class F>
void each_text(json::value& value, const std::string& field, F&& visit) {
    if (auto* text = value.if_string()) {
        visit(field, *text);
    } else if (auto* object = value.if_object()) {
        for (auto& member : *object) {
            each_text(member.value(), fmt::format("{}.{}", field, std::string_view(member.key())),
                      visit);
        }
    } else if (auto* array = value.if_array()) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            each_text((*array)[i], fmt::format("{}[{}]", field, i), visit);
        }
    }
}

std::optional<Instant> find_time(const json::object& object, std::string_view key) {
    const auto ms = find_int(object, key);
    return ms ? std::optional(from_unix_ms(*ms)) : std::nullopt;
}

std::optional<InputFile> input_file_of(const json::value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) return std::nullopt;
    InputFile file;
    const auto field = find_string(*object, "field");
    const auto path = find_string(*object, "path");
    const auto bytes = find_int(*object, "bytes");
    const auto modified = find_int(*object, "modified_ns");
    const auto type = find_string(*object, "content_type");
    if (!field || !path || !bytes || *bytes < 0 || !modified || !type) return std::nullopt;
    file.field = *field;
    file.path = *path;
    file.bytes = static_cast<std::uint64_t>(*bytes);
    file.modified_ns = *modified;
    file.content_type = *type;
    file.fresh = find_bool(*object, "fresh").value_or(false);
    file.as_data_uri = find_bool(*object, "as_data_uri").value_or(false);
    file.sha256 = find_string(*object, "sha256").value_or("");
    file.url = find_string(*object, "url").value_or("");
    file.uploaded_at = find_time(*object, "uploaded_at");
    file.expires_at = find_time(*object, "expires_at");
    return file;
}

}  // namespace

std::optional<Instant> last_use(std::optional<Instant> uploaded_at,
                                std::optional<Instant> expires_at) {
    if (!expires_at) return std::nullopt;
    Millis margin = margin_max;
    if (uploaded_at) {
        const Millis life = std::max(Millis{0}, *expires_at - *uploaded_at);
        margin = std::min(margin, life / margin_part);
    }
    return *expires_at - margin;
}

bool is_usable(const InputFile& file, Instant now) {
    if (file.url.empty()) return false;
    const auto last = last_use(file.uploaded_at, file.expires_at);
    return !last || now < *last;
}

bool all_usable(std::span<const InputFile> files, Instant now) {
    return std::all_of(files.begin(), files.end(),
                       [&](const InputFile& file) { return is_usable(file, now); });
}

std::optional<Instant> usable_until(std::span<const InputFile> files) {
    std::optional<Instant> until;
    for (const InputFile& file : files) {
        if (file.url.empty()) return Instant{};
        const auto last = last_use(file.uploaded_at, file.expires_at);
        if (last && (!until || *last < *until)) until = *last;
    }
    return until;
}

std::string with_urls(const std::string& input, const std::vector<InputFile>& files) {
    auto value = parse_json(input);
    if (!value) return input;
    each_text(*value, "input", [&](const std::string& field, json::string& text) {
        for (const InputFile& file : files) {
            if (file.field == field && !file.url.empty()) text = file.url;
        }
    });
    return canonical_json(*value);
}

std::string shown_url(const InputFile& file) {
    if (!file.as_data_uri || file.url.empty()) return file.url;
    return fmt::format("data:{} of {} bytes", file.content_type, file.bytes);
}

json::array to_json(const std::vector<InputFile>& files) {
    json::array array;
    for (const InputFile& file : files) {
        json::object object;
        object["field"] = file.field;
        object["path"] = file.path;
        object["bytes"] = static_cast<std::int64_t>(file.bytes);
        object["modified_ns"] = file.modified_ns;
        object["content_type"] = file.content_type;
        if (file.fresh) object["fresh"] = true;
        if (file.as_data_uri) object["as_data_uri"] = true;
        if (!file.sha256.empty()) object["sha256"] = file.sha256;
        if (!file.url.empty()) object["url"] = file.url;
        if (file.uploaded_at) object["uploaded_at"] = to_unix_ms(*file.uploaded_at);
        if (file.expires_at) object["expires_at"] = to_unix_ms(*file.expires_at);
        array.push_back(std::move(object));
    }
    return array;
}

std::optional<std::vector<InputFile>> input_files_of(const json::value& value) {
    const auto* array = value.if_array();
    if (array == nullptr) return std::nullopt;
    std::vector<InputFile> files;
    for (const json::value& one : *array) {
        auto file = input_file_of(one);
        if (!file) return std::nullopt;
        files.push_back(std::move(*file));
    }
    return files;
}

}  // namespace reeld::domain
