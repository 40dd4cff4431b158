#include "catalogue/camera.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "domain/suggest.hpp"

namespace reeld::catalogue {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::vector<std::string_view> parts_of(std::string_view group) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto comma = group.find(',');
        parts.push_back(trimmed(group.substr(0, comma)));
        if (comma == std::string_view::npos) return parts;
        group.remove_prefix(comma + 1);
    }
}

std::vector<std::string_view> names_of(const json::object& rule) {
    std::vector<std::string_view> names;
    if (const auto* moves = find_array(rule, "moves")) {
        for (const auto& move : *moves) {
            if (move.is_string()) names.push_back(move.get_string());
        }
    }
    return names;
}

bool is_known(std::span<const std::string_view> names, std::string_view move) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return to_lower(name) == to_lower(move);
    });
}

void check_group(std::string_view group, std::span<const std::string_view> names,
                 std::size_t most, std::vector<std::string>& wrong) {
    const auto parts = parts_of(group);
    if (parts.size() > most) {
        wrong.push_back(fmt::format("[{}] combines {} camera moves; at most {} go together",
                                    clip_utf8(group, 100), parts.size(), most));
    }
    for (const std::string_view part : parts) {
        if (is_known(names, part)) continue;
        const auto nearest = domain::nearest_name(part, names);
        wrong.push_back(
            nearest.empty()
                ? fmt::format("{} in brackets is no camera move; known are {}",
                              domain::quoted(part), domain::listed(names))
                : fmt::format("{} in brackets is no camera move; did you mean \"{}\"? Known are {}",
                              domain::quoted(part), nearest, domain::listed(names)));
    }
}

}  // namespace

std::vector<std::string> wrong_moves(const json::object& rule, std::string_view prompt) {
    constexpr std::size_t told_max = 10;
    const auto names = names_of(rule);
    const auto most = static_cast<std::size_t>(find_int(rule, "together_max").value_or(3));
    std::vector<std::string> wrong;
    while (wrong.size() < told_max) {
        const auto open = prompt.find('[');
        if (open == std::string_view::npos) break;
        const auto close = prompt.find(']', open);
        if (close == std::string_view::npos) {
            wrong.emplace_back("a bracket is opened and never closed; camera moves are written as "
                               "[Pan left]");
            break;
        }
        check_group(prompt.substr(open + 1, close - open - 1), names, most, wrong);
        prompt.remove_prefix(close + 1);
    }
    return wrong;
}

}  // namespace reeld::catalogue
