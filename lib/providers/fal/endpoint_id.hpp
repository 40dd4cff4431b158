#pragma once
// fal's endpoint ids: which texts are one, and the app root that every call after the submit uses.
//   id     = [namespace "/"] owner "/" alias ["/" path…]     namespace = "workflows" | "comfy"
//   legacy = digits "-" alias, one segment: the same as digits "/" alias
#include <optional>
#include <string>
#include <string_view>

namespace reeld::providers::fal {

struct EndpointId {
    std::string full;  // where a submit goes; a legacy id is already split
    std::string root;  // [namespace "/"] owner "/" alias
};

// Nothing for a text that is no endpoint id. Segments hold letters, digits, '-', '_', '.' and '~'
// only and are never "." or "..", so that an id cannot leave its place in a URL.
std::optional<EndpointId> parse_endpoint_id(std::string_view text);

}  // namespace reeld::providers::fal
