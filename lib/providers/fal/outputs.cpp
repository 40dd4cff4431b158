#include "providers/fal/outputs.hpp"

#include <algorithm>
#include <array>

#include "provider_api/http_message.hpp"
#include "providers/fal/error_body.hpp"

namespace reeld::providers::fal {
namespace {

using domain::Output;

constexpr std::size_t outputs_max = 64;
constexpr std::size_t url_max = 8192;

void take_file(const json::value& value, std::vector<Output>& outputs) {
    const auto* file = value.if_object();
    if (file == nullptr || outputs.size() >= outputs_max) return;
    auto url = find_string(*file, "url");
    if (!url || url->size() > url_max || !parse_url(*url)) return;
    const bool known = std::any_of(outputs.begin(), outputs.end(),
                                   [&](const Output& other) { return other.url == *url; });
    if (known) return;
    Output output;
    output.index = static_cast<int>(outputs.size());
    output.url = std::move(*url);
    output.content_type = shown_text(find_string(*file, "content_type").value_or(""), 128);
    output.file_name = shown_text(find_string(*file, "file_name").value_or(""), 255);
    const auto size = find_int(*file, "file_size");
    if (size && *size >= 0) output.bytes = static_cast<std::uint64_t>(*size);
    outputs.push_back(std::move(output));
}

void take_files(const json::value& value, std::vector<Output>& outputs) {
    take_file(value, outputs);
    const auto* array = value.if_array();
    if (array == nullptr) return;
    for (const json::value& element : *array)
        take_file(element, outputs);
}

}  // namespace

std::vector<Output> find_outputs(const json::object& result) {
    static constexpr std::array<std::string_view, 4> named{"video", "audio", "images", "image"};
    std::vector<Output> outputs;
    for (const std::string_view name : named) {
        if (const auto* value = find(result, name)) take_files(*value, outputs);
    }
    if (!outputs.empty()) return outputs;
    for (const auto& member : result)
        take_files(member.value(), outputs);
    return outputs;
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
