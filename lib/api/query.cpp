#include "api/query.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/encoding.hpp"

namespace reeld::api {
namespace {

constexpr std::string_view label_prefix = "label.";
constexpr std::string_view cursor_mark = "seq:";

Problem parameter_problem(std::string code, std::string_view name, std::string detail) {
    Problem problem(400, std::move(code), std::move(detail));
    problem.members["parameter"] = name;
    return problem;
}

Problem unknown_parameter(std::string_view name, std::string_view known) {
    return parameter_problem(
        "unknown_parameter", name,
        fmt::format("There is no parameter \"{}\" here{}{}.", name,
                    known.empty() ? "; this call takes none" : "; known are: ", known));
}

Problem given_twice(std::string_view name) {
    return parameter_problem("invalid_parameter", name,
                             fmt::format("The parameter \"{}\" is given twice.", name));
}

std::string state_names() {
    std::string names;
    for (const auto state : domain::all_states) {
        if (!names.empty()) names += ", ";
        names += domain::to_string(state);
    }
    return names;
}

std::optional<Problem> read_states(std::string_view text, store::JobFilter& filter) {
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        const std::string_view word = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (word.empty()) continue;
        const auto state = domain::parse_state(word);
        if (!state) {
            return parameter_problem("invalid_parameter", "state",
                                     fmt::format("\"{}\" is no state; the states are: {}.", word,
                                                 state_names()));
        }
        filter.states.push_back(*state);
    }
    return std::nullopt;
}

std::optional<Problem> read_limit(std::string_view text, store::JobFilter& filter) {
    const auto limit = read_count(text);
    if (!limit || *limit < 1 || *limit > list_limit_max) {
        return parameter_problem("invalid_parameter", "limit",
                                 fmt::format("limit is a number from 1 to {}.", list_limit_max));
    }
    filter.limit = static_cast<int>(*limit);
    return std::nullopt;
}

std::optional<Problem> read_one(std::string_view name, const std::string& value,
                                store::JobFilter& filter) {
    if (name.starts_with(label_prefix) && name.size() > label_prefix.size()) {
        filter.labels[std::string(name.substr(label_prefix.size()))] = value;
        return std::nullopt;
    }
    if (name != "state" && name != "batch" && name != "model" && name != "limit" &&
        name != "cursor") {
        return unknown_parameter(name, "state, batch, model, label.KEY, limit, cursor");
    }
    if (value.empty()) return std::nullopt;
    if (name == "state") return read_states(value, filter);
    if (name == "limit") return read_limit(value, filter);
    if (name == "batch") filter.batch = value;
    if (name == "model") filter.model = value;
    if (name == "cursor") {
        const auto seq = read_cursor(value);
        if (!seq) {
            return parameter_problem("invalid_cursor", "cursor",
                                     "This cursor was not made here; start without one.");
        }
        filter.before_seq = *seq;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Problem> check_parameters(const http::Target& target,
                                        std::initializer_list<std::string_view> known) {
    std::set<std::string> seen;
    for (const auto& [name, value] : target.query) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            return unknown_parameter(name, fmt::format("{}", fmt::join(known, ", ")));
        }
        if (!seen.insert(name).second) return given_twice(name);
    }
    return std::nullopt;
}

std::variant<store::JobFilter, Problem> read_list_query(const http::Target& target) {
    store::JobFilter filter;
    filter.limit = list_limit_default;
    std::set<std::string> seen;
    for (const auto& [name, value] : target.query) {
        if (name != "state" && !seen.insert(name).second) return given_twice(name);
        if (auto problem = read_one(name, value, filter)) return std::move(*problem);
    }
    return filter;
}

std::string make_cursor(std::int64_t seq) {
    return to_base64url(fmt::format("{}{}", cursor_mark, seq));
}

std::optional<std::int64_t> read_cursor(std::string_view text) {
    const auto plain = from_base64url(text);
    if (!plain || !plain->starts_with(cursor_mark)) return std::nullopt;
    const auto seq = read_count(std::string_view(*plain).substr(cursor_mark.size()));
    return seq && *seq > 0 ? seq : std::nullopt;
}

std::optional<std::int64_t> read_count(std::string_view text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || text.front() == '-' || error != std::errc{} || at != end) {
        return std::nullopt;
    }
    return value;
}

}  // namespace reeld::api
