#include "providers/fal/outputs.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "domain/media_kind.hpp"
#include "provider_api/http_message.hpp"
#include "providers/fal/error_body.hpp"
#include "providers/fal/inline_file.hpp"

namespace reeld::providers::fal {
namespace {

using domain::MediaKind;
using domain::Output;
using domain::event::ResultSeen;

constexpr std::size_t outputs_max = 64;
constexpr std::size_t url_max = 8192;

struct Named {
    std::string_view member;
    MediaKind kind;
};
constexpr std::array<Named, 4> named{{{"video", MediaKind::video},
                                      {"audio", MediaKind::audio},
                                      {"images", MediaKind::image},
                                      {"image", MediaKind::image}}};

bool is_named(std::string_view member) {
    return std::any_of(named.begin(), named.end(),
                       [&](const Named& one) { return one.member == member; });
}

std::string type_of(const std::string& bytes) {
    const domain::ReadAt read = [&bytes](std::uint64_t offset,
                                         std::span<char> out) -> Result<std::size_t> {
        const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes.size()));
        const std::size_t count = std::min(out.size(), bytes.size() - from);
        std::copy_n(bytes.data() + from, count, out.data());
        return count;
    };
    const auto facts = domain::probe_media(read, bytes.size());
    return facts ? facts->content_type : std::string();
}

class Reader {
  public:
    explicit Reader(const json::object& result) : result_(result) {}

    ResultSeen read() {
        for (const Named& one : named) {
            if (const auto* value = find(result_, one.member)) take_files(*value, one.kind, true);
        }
        const bool found = !seen_.outputs.empty();
        for (const auto& member : result_) {
            if (is_named(member.key())) continue;
            const std::size_t before = seen_.outputs.size();
            if (!found) take_files(member.value(), MediaKind::any, false);
            if (seen_.outputs.size() == before) take_value(member.key(), member.value());
        }
        if (!values_.empty()) seen_.values = canonical_json(values_);
        return std::move(seen_);
    }

  private:
    // The whole shape of `output_format = "hex"` is told nowhere: fal's types name a File, MiniMax's
    // own API gives the text itself. So both are taken, and base64 beside hexadecimals.
    std::optional<InlineFile> inline_of(const json::value& value, bool is_file_member) const {
        if (const auto* text = value.if_string()) {
            if (!is_file_member) return std::nullopt;
            if (auto file = read_data_url(*text)) return file;
            return read_encoded(*text, false);
        }
        const auto* object = value.if_object();
        if (object == nullptr) return std::nullopt;
        for (const char* member : {"url", "file_data"}) {
            const auto* text = find(*object, member);
            if (text == nullptr || !text->is_string()) continue;
            if (auto file = read_data_url(text->get_string())) return file;
            if (std::string_view(member) != "file_data") continue;
            if (auto file = read_encoded(text->get_string(), true)) return file;
        }
        return std::nullopt;
    }

    void take_file(const json::value& value, MediaKind kind, bool is_file_member) {
        if (seen_.outputs.size() >= outputs_max) return;
        static const json::object nothing;
        const auto* object = value.if_object();
        const json::object& told = object == nullptr ? nothing : *object;
        Output output;
        output.content_type = shown_text(find_string(told, "content_type").value_or(""), 128);
        output.file_name = shown_text(find_string(told, "file_name").value_or(""), 255);
        auto url = find_string(told, "url");
        if (url && url->size() <= url_max && parse_url(*url)) {
            const bool known = std::any_of(seen_.outputs.begin(), seen_.outputs.end(),
                                           [&](const Output& one) { return one.url == *url; });
            if (known) return;
            output.url = std::move(*url);
            const auto size = find_int(told, "file_size");
            if (size && *size >= 0) output.bytes = static_cast<std::uint64_t>(*size);
        } else if (!take_content(value, is_file_member, output)) {
            return;
        }
        // The type is told for this very file; the member's name stands for the model's usual one.
        const MediaKind told_kind = domain::kind_of(output.content_type);
        output.kind = told_kind == MediaKind::any ? kind : told_kind;
        // For the file's extension only: what the bytes look like promises nothing.
        if (!sniffed_.empty()) output.content_type = std::exchange(sniffed_, {});
        output.index = static_cast<int>(seen_.outputs.size());
        seen_.outputs.push_back(std::move(output));
    }

    bool take_content(const json::value& value, bool is_file_member, Output& output) {
        auto file = inline_of(value, is_file_member);
        if (!file || file->bytes.size() > inline_bytes_max - content_bytes_) return false;
        content_bytes_ += file->bytes.size();
        output.inlined = true;
        output.bytes = file->bytes.size();
        if (output.content_type.empty()) output.content_type = shown_text(file->content_type, 128);
        if (domain::kind_of(output.content_type) == MediaKind::any) {
            sniffed_ = type_of(file->bytes);
        }
        domain::event::OutputContent content;
        content.index = static_cast<int>(seen_.outputs.size());
        content.bytes = std::make_shared<const std::string>(std::move(file->bytes));
        seen_.contents.push_back(std::move(content));
        return true;
    }

    void take_files(const json::value& value, MediaKind kind, bool is_file_member) {
        const auto* array = value.if_array();
        if (array == nullptr) return take_file(value, kind, is_file_member);
        for (const json::value& element : *array)
            take_file(element, kind, is_file_member);
    }

    // Also not the address of a file that is not fetched: addresses may be signed.
    static bool is_file(const json::value& value) {
        if (const auto* array = value.if_array()) {
            return !array->empty() && std::any_of(array->begin(), array->end(), is_file);
        }
        const auto* object = value.if_object();
        if (object == nullptr) return false;
        const auto url = find_string(*object, "url");
        return (url && (parse_url(*url) || url->starts_with("data:"))) ||
               object->contains("file_data");
    }

    void take_value(json::string_view name, const json::value& value) {
        if (value.is_null() || is_file(value)) return;
        const std::size_t size = canonical_json(value).size() + name.size() * 6 + 4;
        if (size > values_bytes_max - values_bytes_) return;
        values_bytes_ += size;
        values_[name] = value;
    }

    const json::object& result_;
    ResultSeen seen_;
    json::object values_;
    std::size_t values_bytes_ = 2;
    std::size_t content_bytes_ = 0;
    std::string sniffed_;
};

// Made and paid for: a voice. A request_id, too, would be an id, and proves nothing.
bool names_a_voice(const json::object& values) {
    return std::any_of(values.begin(), values.end(), [](const auto& member) {
        const std::string_view name(member.key());
        const auto* text = member.value().if_string();
        return name.ends_with("voice_id") && text != nullptr && !text->empty();
    });
}

}  // namespace

ResultSeen find_result(const json::object& result) {
    return Reader(result).read();
}

bool is_whole(const ResultSeen& seen, const json::object& result) {
    if (!seen.outputs.empty()) return true;
    if (seen.values.empty() || result.contains("error") || result.contains("detail")) return false;
    const auto values = parse_json(seen.values);
    return values && names_a_voice(values->get_object());
}

void describe_outputs(const std::string& input, std::vector<Output>& outputs) {
    const auto value = parse_json(input);
    const auto* asked = value ? value->if_object() : nullptr;
    const auto* setting = asked == nullptr ? nullptr : find_object(*asked, "audio_setting");
    const std::string format =
        setting == nullptr ? std::string() : find_string(*setting, "format").value_or("");
    for (Output& output : outputs) {
        if (output.kind != MediaKind::audio) continue;
        const bool told = domain::kind_of(output.content_type) == MediaKind::audio;
        // Whatever type such a file is served as, it has no container.
        if (format == "pcm") output.content_type = "audio/pcm";
        if (told) continue;
        if (format == "flac") output.content_type = "audio/flac";
        if (format == "mp3" || (format.empty() && output.inlined)) {
            output.content_type = "audio/mpeg";
        }
    }
}

std::string name_members(const json::object& result) {
    std::string names;
    for (const auto& member : result) {
        if (!names.empty()) names += ", ";
        names += std::string_view(member.key());
        if (names.size() > 200) break;
    }
    return names.empty() ? "nothing" : shown_text(names, 200);
}

}  // namespace reeld::providers::fal
