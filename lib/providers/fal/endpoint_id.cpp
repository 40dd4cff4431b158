#include "providers/fal/endpoint_id.hpp"

#include <algorithm>
#include <vector>

namespace reeld::providers::fal {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_segment(std::string_view text) {
    const auto allowed = [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '~';
    };
    return !text.empty() && text != "." && text != ".." &&
           std::all_of(text.begin(), text.end(), allowed);
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> segments;
    for (;;) {
        const auto slash = text.find('/');
        segments.push_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        text.remove_prefix(slash + 1);
    }
}

std::optional<EndpointId> parse_legacy(std::string_view text) {
    const auto dash = std::find_if_not(text.begin(), text.end(), is_digit);
    if (dash == text.begin() || dash == text.end() || *dash != '-') return std::nullopt;
    const std::string owner(text.begin(), dash);
    const std::string alias(dash + 1, text.end());
    const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-'; };
    if (alias.empty() || !std::all_of(alias.begin(), alias.end(), allowed)) return std::nullopt;
    return EndpointId{owner + "/" + alias, owner + "/" + alias};
}

}  // namespace

std::optional<EndpointId> parse_endpoint_id(std::string_view text) {
    constexpr std::size_t length_max = 256;
    if (text.size() > length_max) return std::nullopt;
    const auto segments = split(text);
    if (segments.size() == 1) return parse_legacy(text);
    if (!std::all_of(segments.begin(), segments.end(), is_segment)) return std::nullopt;
    const bool has_namespace = segments[0] == "workflows" || segments[0] == "comfy";
    const std::size_t root_segments = has_namespace ? 3 : 2;
    if (segments.size() < root_segments) return std::nullopt;
    EndpointId id{std::string(text), std::string(segments[0])};
    for (std::size_t i = 1; i < root_segments; ++i) {
        id.root += '/';
        id.root += segments[i];
    }
    return id;
}

}  // namespace reeld::providers::fal
