#include "catalogue/file_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "domain/suggest.hpp"

namespace reeld::catalogue {
namespace {

constexpr std::array<std::string_view, 7> members{"types",      "bytes_max",  "short_side_min",
                                                  "aspect_min", "aspect_max", "seconds_min",
                                                  "seconds_max"};

std::optional<double> number_of(const json::object& rule, std::string_view name) {
    const auto* value = find(rule, name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double number = value->to_number<double>();
    return std::isfinite(number) && number > 0 && number < 1e15 ? std::optional(number)
                                                                : std::nullopt;
}

Error wrong(std::string_view name, std::string_view what) {
    return Error(ErrorCode::invalid, fmt::format("x-file: {} {}", domain::quoted(name), what));
}

bool is_type(std::string_view text) {
    const auto slash = text.find('/');
    return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() &&
           text.find(' ') == std::string_view::npos;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::uint64_t mib = 1024 * 1024;
    if (bytes % mib == 0) return fmt::format("{} ({} MiB)", bytes, bytes / mib);
    if (bytes % 1'000'000 == 0) return fmt::format("{} ({} MB)", bytes, bytes / 1'000'000);
    return fmt::format("{}", bytes);
}

bool fits(std::string_view type, std::string_view taken) {
    if (taken == "*/*" || type == taken) return true;
    if (!taken.ends_with("/*")) return false;
    taken.remove_suffix(1);
    return type.starts_with(taken);
}

std::string aspect_text(const FileRule& rule) {
    if (rule.aspect_min && rule.aspect_max) {
        return fmt::format("width to height from {:.4g} to {:.4g}", *rule.aspect_min,
                           *rule.aspect_max);
    }
    return rule.aspect_min ? fmt::format("width to height of at least {:.4g}", *rule.aspect_min)
                           : fmt::format("width to height of at most {:.4g}", *rule.aspect_max);
}

std::string seconds_text(const FileRule& rule) {
    if (rule.seconds_min && rule.seconds_max) {
        return fmt::format("{:.4g} to {:.4g} s", *rule.seconds_min, *rule.seconds_max);
    }
    return rule.seconds_min ? fmt::format("at least {:.4g} s", *rule.seconds_min)
                            : fmt::format("at most {:.4g} s", *rule.seconds_max);
}

void check_shape(const FileRule& rule, const FileSeen& seen, std::vector<std::string>& found) {
    if (!seen.width || !seen.height || *seen.width <= 0 || *seen.height <= 0) return;
    const int side = std::min(*seen.width, *seen.height);
    if (rule.short_side_min && side < *rule.short_side_min) {
        found.push_back(fmt::format("has {}x{} pixels; the shorter side must have at least {}",
                                    *seen.width, *seen.height, *rule.short_side_min));
    }
    const double aspect = static_cast<double>(*seen.width) / *seen.height;
    if ((rule.aspect_min && aspect < *rule.aspect_min) ||
        (rule.aspect_max && aspect > *rule.aspect_max)) {
        found.push_back(fmt::format("has {}x{} pixels, width to height {:.3g}; {} is taken",
                                    *seen.width, *seen.height, aspect, aspect_text(rule)));
    }
}

}  // namespace

Result<FileRule> read_file_rule(const json::object& rule) {
    FileRule read;
    for (const auto& member : rule) {
        const std::string_view name = member.key();
        if (std::find(members.begin(), members.end(), name) == members.end()) {
            return wrong(name, fmt::format("is unknown; known are {}", domain::listed(members)));
        }
        if (name != "types" && !number_of(rule, name)) return wrong(name, "must be a number above 0");
    }
    if (const auto* given = find(rule, "types")) {
        const auto* types = given->if_array();
        if (types == nullptr || types->empty()) {
            return wrong("types", "must be a list such as [\"image/jpeg\", \"image/png\"]");
        }
        for (const auto& type : *types) {
            if (!type.is_string() || !is_type(type.get_string())) {
                return wrong("types", "must hold types such as \"image/png\" or \"audio/*\"");
            }
            read.types.emplace_back(type.get_string());
        }
    }
    if (const auto bytes = number_of(rule, "bytes_max")) {
        read.bytes_max = static_cast<std::uint64_t>(*bytes);
    }
    if (const auto side = number_of(rule, "short_side_min")) {
        read.short_side_min = static_cast<int>(std::min(*side, 1e9));
    }
    read.aspect_min = number_of(rule, "aspect_min");
    read.aspect_max = number_of(rule, "aspect_max");
    read.seconds_min = number_of(rule, "seconds_min");
    read.seconds_max = number_of(rule, "seconds_max");
    if (read.aspect_min && read.aspect_max && *read.aspect_min > *read.aspect_max) {
        return wrong("aspect_min", "must not be above \"aspect_max\"");
    }
    if (read.seconds_min && read.seconds_max && *read.seconds_min > *read.seconds_max) {
        return wrong("seconds_min", "must not be above \"seconds_max\"");
    }
    return read;
}

FileRule file_rule_of(const json::object* member, std::string_view key) {
    const auto* rule = member == nullptr ? nullptr : find_object(*member, key);
    if (rule == nullptr) return {};
    auto read = read_file_rule(*rule);
    return read ? std::move(*read) : FileRule{};
}

bool takes_data_uri(const json::object* member) {
    return member != nullptr && find_bool(*member, "x-data-uri").value_or(false);
}

std::vector<std::string> why_wrong_file(const FileRule& rule, const FileSeen& seen) {
    std::vector<std::string> found;
    const bool typed = std::any_of(rule.types.begin(), rule.types.end(), [&](const auto& type) {
        return fits(seen.content_type, type);
    });
    if (!rule.types.empty() && !typed) {
        found.push_back(fmt::format("is {} by its content; {} is taken", seen.content_type,
                                    types_text(rule.types)));
    }
    if (rule.bytes_max && seen.bytes > *rule.bytes_max) {
        found.push_back(fmt::format("has {} bytes; at most {} are taken", seen.bytes,
                                    size_text(*rule.bytes_max)));
    }
    check_shape(rule, seen, found);
    if (seen.seconds && ((rule.seconds_min && *seen.seconds < *rule.seconds_min) ||
                         (rule.seconds_max && *seen.seconds > *rule.seconds_max))) {
        found.push_back(
            fmt::format("lasts {:.4g} s; {} are taken", *seen.seconds, seconds_text(rule)));
    }
    return found;
}

std::string types_text(const std::vector<std::string>& types) {
    std::string text;
    for (std::size_t i = 0; i < types.size(); ++i) {
        if (i > 0) text += i + 1 == types.size() ? " or " : ", ";
        const std::string& type = types[i];
        text += type.ends_with("/*") ? type.substr(0, type.size() - 2) + " of any kind" : type;
    }
    return text;
}

std::string file_text(const FileRule& rule) {
    std::string text = types_text(rule.types);
    const auto add = [&](std::string part) { text += (text.empty() ? "" : ", ") + part; };
    if (rule.bytes_max) add("at most " + size_text(*rule.bytes_max) + " bytes");
    if (rule.short_side_min) add(fmt::format("shorter side from {} pixels", *rule.short_side_min));
    if (rule.aspect_min || rule.aspect_max) add(aspect_text(rule));
    if (rule.seconds_min || rule.seconds_max) add(seconds_text(rule));
    return text;
}

}  // namespace reeld::catalogue
