#include "base/encoding.hpp"
#include "http/server.hpp"

#include <algorithm>

namespace reeld::http {
namespace {

std::optional<std::string> decoded(std::string_view text) {
    std::string spaced(text);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');  // as HTML forms write a space
    return percent_decode(spaced);
}

bool clean(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && c != 0x7F && c != '#';
    });
}

}  // namespace

std::optional<std::string> Target::get(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return std::nullopt;
}

std::optional<Target> parse_target(std::string_view text) {
    if (text.empty() || text.front() != '/' || !clean(text)) return std::nullopt;
    const auto mark = std::min(text.find('?'), text.size());
    Target target;
    target.path = std::string(text.substr(0, mark));
    const auto path = percent_decode(target.path);
    if (!path || !is_utf8(*path)) return std::nullopt;
    std::string_view rest = text.substr(std::min(mark + 1, text.size()));
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto key = decoded(pair.substr(0, equals));
        auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
        // Everything stored is UTF-8, and an answer that repeats the question has to be.
        if (!key || !value || !is_utf8(*key) || !is_utf8(*value)) return std::nullopt;
        target.query.emplace_back(std::move(*key), std::move(*value));
    }
    return target;
}

}  // namespace reeld::http
