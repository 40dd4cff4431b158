#include "catalogue/wanted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <vector>

#include "base/encoding.hpp"
#include "catalogue/file_rule.hpp"
#include "domain/suggest.hpp"

namespace reeld::catalogue {
namespace {

constexpr std::size_t shown_bytes_max = 80;
constexpr std::size_t listed_max = 40;

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

std::string choices(const json::array& values) {
    std::string text;
    const std::size_t count = std::min(values.size(), listed_max);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text += i + 1 == values.size() ? " or " : ", ";
        text += shown(values[i]);
    }
    if (count < values.size()) text += fmt::format(" … ({} in all)", values.size());
    return text;
}

std::string number_text(const json::value& value) {
    const double number = value.is_number() ? value.to_number<double>() : 0;
    const bool whole = std::abs(number) < 1e15 && std::floor(number) == number;
    return whole ? fmt::format("{}", static_cast<std::int64_t>(number)) : fmt::format("{}", number);
}

// "", " from 1 to 9", " of at least 1", " above 0"
std::string range(const json::object& schema) {
    const auto* least = find(schema, "minimum");
    const auto* most = find(schema, "maximum");
    const auto* above = find(schema, "exclusiveMinimum");
    const auto* below = find(schema, "exclusiveMaximum");
    if (least != nullptr && most != nullptr) {
        return fmt::format(" from {} to {}", number_text(*least), number_text(*most));
    }
    std::string text;
    if (least != nullptr) text += fmt::format(" of at least {}", number_text(*least));
    if (above != nullptr) text += fmt::format(" above {}", number_text(*above));
    if (most != nullptr) text += fmt::format(" of at most {}", number_text(*most));
    if (below != nullptr) text += fmt::format(" below {}", number_text(*below));
    return text;
}

std::string length(const json::object& schema, const char* least_key, const char* most_key,
                   std::string_view unit) {
    const auto least = find_int(schema, least_key);
    const auto most = find_int(schema, most_key);
    if (least && most && *least > 1) return fmt::format(" of {} to {} {}", *least, *most, unit);
    if (most) return fmt::format(" of at most {} {}", *most, unit);
    if (least && *least > 0) return fmt::format(" of at least {} {}", *least, unit);
    return {};
}

// " or a local file", with what it has to be.
std::string file(const json::object& schema) {
    const std::string text = file_text(file_rule_of(&schema));
    return text.empty() ? " or a local file" : fmt::format(" or a local file: {}", text);
}

std::string wanted_type(const std::string& type, const json::object& schema) {
    if (type == "integer") return "a whole number" + range(schema);
    if (type == "number") return "a number" + range(schema);
    if (type == "boolean") return "true or false";
    if (type == "null") return "null";
    if (type == "object") return "an object";
    if (type == "array") return "a list" + length(schema, "minItems", "maxItems", "elements");
    if (find_string(schema, "format") == "uri") return "a URL (http, https or data)" + file(schema);
    return "a text" + length(schema, "minLength", "maxLength", "characters");
}

std::string_view kind_of(const json::value& value) {
    if (value.is_string()) return "a text";
    if (value.is_bool()) return "true or false";
    if (value.is_double()) return "a number with a fraction";
    if (value.is_number()) return "a number";
    if (value.is_array()) return "a list";
    if (value.is_object()) return "an object";
    return "nothing";
}

std::string text_of(const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// The choice that a value of the wrong type, case or spelling was meant to be.
const json::value* meant(const json::array& values, const json::value& given) {
    for (const auto& value : values) {
        if (to_lower(text_of(value)) == to_lower(text_of(given))) return &value;
    }
    if (!given.is_string()) return nullptr;
    std::vector<std::string_view> names;
    for (const auto& value : values) {
        if (value.is_string()) names.push_back(value.get_string());
    }
    const auto nearest = domain::nearest_name(given.get_string(), names);
    // One character of two is no misspelling.
    if (nearest.size() < 4) return nullptr;
    for (const auto& value : values) {
        if (value.is_string() && value.get_string() == nearest) return &value;
    }
    return nullptr;
}

std::string why_no_choice(const json::array& values, const json::value& given) {
    std::string text = fmt::format("must be {}, not {}", choices(values), shown(given));
    const json::value* right = meant(values, given);
    if (right == nullptr) return text;
    if (given.is_string() == right->is_string()) {
        return text + fmt::format("; did you mean {}?", shown(*right));
    }
    return text + (right->is_string() ? "; it is a text here: put it in quotes"
                                      : "; it is no text here: leave the quotes away");
}

bool has_type(const json::object& schema, std::string_view type) {
    return find_string(schema, "type") == type;
}

std::string why_wrong_text(const json::object& schema, std::string_view text) {
    const auto most = find_int(schema, "maxLength");
    const auto least = find_int(schema, "minLength");
    const auto count = static_cast<std::int64_t>(characters(text));
    if (most && count > *most) {
        return fmt::format("has {} characters; at most {} are taken", count, *most);
    }
    if (least && count < *least) {
        return count == 0 ? "must not be empty"
                          : fmt::format("has {} characters; at least {} are needed", count, *least);
    }
    return {};
}

std::string why_wrong_list(const json::object& schema, const json::array& list) {
    const auto most = find_int(schema, "maxItems");
    const auto least = find_int(schema, "minItems");
    const auto count = static_cast<std::int64_t>(list.size());
    if (most && count > *most) {
        return fmt::format("has {} elements; at most {} are taken", count, *most);
    }
    if (least && count < *least) {
        return fmt::format("has {} elements; at least {} are needed", count, *least);
    }
    return {};
}

}  // namespace

std::string shown(const json::value& value) {
    if (value.is_string()) return domain::quoted(value.get_string());
    std::string text = value.is_double() ? number_text(value) : json::serialize(value);
    if (text.size() <= shown_bytes_max) return text;
    return std::string(clip_utf8(text, shown_bytes_max)) + "…";
}

std::string wanted(const json::object& schema) {
    if (const auto* values = find_array(schema, "enum")) return choices(*values);
    if (const auto* value = find(schema, "const")) return shown(*value);
    if (const auto type = find_string(schema, "type")) return wanted_type(*type, schema);
    for (const char* key : {"type", "anyOf", "oneOf"}) {
        const auto* variants = find_array(schema, key);
        if (variants == nullptr) continue;
        std::string text;
        for (const auto& variant : *variants) {
            if (!text.empty()) text += ", or ";
            if (variant.is_string()) text += wanted_type(std::string(variant.get_string()), schema);
            if (variant.is_object()) text += wanted(variant.get_object());
        }
        return text;
    }
    return "what the model's schema says";
}

std::string why_wrong(const json::object& schema, const json::value& value) {
    if (const auto* values = find_array(schema, "enum")) return why_no_choice(*values, value);
    std::string why;
    if (value.is_string() && has_type(schema, "string")) {
        why = why_wrong_text(schema, value.get_string());
    } else if (value.is_array() && has_type(schema, "array")) {
        why = why_wrong_list(schema, value.get_array());
    }
    if (!why.empty()) return why;
    const bool number = has_type(schema, "integer") || has_type(schema, "number");
    std::string text = fmt::format("must be {}, not {}", wanted(schema), shown(value));
    if (value.is_string() && number) return text + " (a text)";
    if (value.is_number() && number) return text;
    if (value.is_array() || value.is_object() || has_type(schema, "boolean")) return text;
    return fmt::format("{} ({})", text, kind_of(value));
}

std::string why_no_url(std::string_view text) {
    const std::string lowered = to_lower(text.substr(0, 8));
    const auto scheme = std::string_view(lowered);
    if (scheme.starts_with("data:") && text.find(',') != std::string_view::npos) return {};
    const bool web = scheme.starts_with("http://") || scheme.starts_with("https://");
    if (web) {
        const std::string_view rest = text.substr(text.find("//") + 2);
        const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
        const bool clean = std::none_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
        });
        if (!host.empty() && clean) return {};
        return fmt::format("{} is no URL: {}", domain::quoted(text),
                           host.empty() ? "it names no host"
                                        : "spaces and line ends have to be written as %20, %0A");
    }
    return fmt::format(
        "{} is no URL; http://, https://, data: or the absolute path of a local file has to stand "
        "here. `reel submit` takes paths from its own folder as well",
        domain::quoted(text));
}

}  // namespace reeld::catalogue
