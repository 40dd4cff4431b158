#include "provider_api/shown_text.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace reeld {
namespace {

// Drops the query and fragment of every URL in the text.
std::string without_queries(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto scheme = text.find("://");
        if (scheme == std::string_view::npos) break;
        const auto end = std::min(text.find_first_of(" \t\r\n\"'<>)]},;", scheme), text.size());
        out += text.substr(0, std::min(text.find_first_of("?#", scheme), end));
        text.remove_prefix(end);
    }
    return out.append(text);
}

}  // namespace

std::string shown_text(std::string_view text, std::size_t limit) {
    // Cut first: what follows is linear in a text that a stranger may have made very long.
    std::string clean = without_queries(text.substr(0, std::min(text.size(), limit * 4)));
    std::replace_if(
        clean.begin(), clean.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    const auto valid = clip_utf8(clean, clean.size());
    if (valid.size() <= limit) return std::string(valid);
    return std::string(clip_utf8(valid, limit - 3)) + "...";
}

std::string as_code(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    };
    const bool good =
        !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
    return good ? std::string(text) : "";
}

}  // namespace reeld
