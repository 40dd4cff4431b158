#include "providers/eachlabs/outputs.hpp"

#include <algorithm>

#include "provider_api/http_message.hpp"

namespace reeld::providers::eachlabs {
namespace {

using domain::Output;

constexpr std::size_t outputs_max = 64;
constexpr std::size_t url_max = 8192;
// An "output" within an "output" is looked into; a tower of them is not.
constexpr int depth_max = 4;

void take_url(std::string_view url, std::vector<Output>& outputs) {
    if (outputs.size() >= outputs_max || url.size() > url_max || !parse_url(url)) return;
    const bool known = std::any_of(outputs.begin(), outputs.end(),
                                   [&](const Output& other) { return other.url == url; });
    if (known) return;
    Output output;
    output.index = static_cast<int>(outputs.size());
    output.url = std::string(url);
    outputs.push_back(std::move(output));
}

void take(const json::value& value, std::vector<Output>& outputs, int depth) {
    if (depth > depth_max) return;
    if (const auto* text = value.if_string()) return take_url(*text, outputs);
    if (const auto* list = value.if_array()) {
        for (const json::value& element : *list) take(element, outputs, depth + 1);
        return;
    }
    const auto* object = value.if_object();
    if (object == nullptr) return;
    const std::size_t before = outputs.size();
    for (const std::string_view name : {"url", "video", "output"}) {
        if (const auto* member = find(*object, name)) take(*member, outputs, depth + 1);
        if (outputs.size() > before) return;
    }
}

}  // namespace

std::vector<Output> find_outputs(const json::value& output) {
    std::vector<Output> outputs;
    take(output, outputs, 0);
    return outputs;
}

}  // namespace reeld::providers::eachlabs
