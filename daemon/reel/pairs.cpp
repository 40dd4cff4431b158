#include "reel/pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/encoding.hpp"

namespace reeld::reel {
namespace {

struct Pair {
    std::string key;
    std::string value;
    bool raw = false;  // JSON, not a string
};

Result<Pair> split(const std::string& word) {
    const auto at = word.find('=');
    if (at == std::string::npos || at == 0 || (at == 1 && word[0] == ':')) {
        return Error(ErrorCode::invalid,
                     fmt::format("\"{}\" is not key=value (or key:=JSON)", word));
    }
    Pair pair;
    pair.raw = word[at - 1] == ':';
    pair.key = word.substr(0, pair.raw ? at - 1 : at);
    pair.value = word.substr(at + 1);
    return pair;
}

bool takes(const json::object& schema, std::string_view type) {
    const auto* types = find_array(schema, "type");
    if (types == nullptr) return find_string(schema, "type") == type;
    return std::any_of(types->begin(), types->end(), [&](const auto& one) {
        return one.is_string() && std::string_view(one.get_string()) == type;
    });
}

// The text as the schema of its member means it.
json::value typed(const std::string& text, const json::object& schema) {
    const json::value as_text(text);
    if (takes(schema, "string")) return as_text;
    auto parsed = parse_json(text);
    if (!parsed) return as_text;
    const bool fits = (parsed->is_number() && (takes(schema, "integer") || takes(schema, "number"))) ||
                      (parsed->is_bool() && takes(schema, "boolean")) ||
                      (parsed->is_array() && takes(schema, "array")) ||
                      (parsed->is_object() && takes(schema, "object"));
    if (fits) return std::move(*parsed);
    const auto* values = find_array(schema, "enum");
    const bool listed = values != nullptr && std::find(values->begin(), values->end(), *parsed) !=
                                                 values->end();
    return listed ? std::move(*parsed) : as_text;
}

const json::object* member_of(const json::object* schema, std::string_view name) {
    const auto* properties = schema == nullptr ? nullptr : find_object(*schema, "properties");
    return properties == nullptr ? nullptr : find_object(*properties, name);
}

// "voice_setting.speed" as its names; whole where the schema has such a name or a name would be empty.
std::vector<std::string> names_of(const std::string& key, const json::object& schema) {
    std::vector<std::string> names;
    if (member_of(&schema, key) == nullptr) {
        for (std::size_t at = 0; at <= key.size();) {
            const std::size_t dot = std::min(key.find('.', at), key.size());
            if (dot == at) return {key};
            names.push_back(key.substr(at, dot - at));
            at = dot + 1;
        }
        if (key.ends_with('.')) return {key};
    }
    return names.empty() ? std::vector<std::string>{key} : names;
}

// Whether the member `inner` lies within `outer`.
bool holds(const std::vector<std::string>& outer, const std::vector<std::string>& inner) {
    return inner.size() > outer.size() && std::equal(outer.begin(), outer.end(), inner.begin());
}

Status put_value(json::object& input, const std::vector<std::string>& names, json::value value) {
    json::object* at = &input;
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
        json::value& next = (*at)[names[i]];
        if (next.is_null()) next = json::object();
        if (!next.is_object()) {
            return Error(ErrorCode::invalid,
                         fmt::format("\"{}\" is no object: it has no member \"{}\"", names[i],
                                     names[i + 1]));
        }
        at = &next.get_object();
    }
    (*at)[names.back()] = std::move(value);
    return ok();
}

Result<json::value> value_of(const Pair& pair, const ReadFile& read_file,
                             const json::object* member) {
    std::string text = pair.value;
    if (text.starts_with('@')) {
        auto file = read_file(text.substr(1));
        if (!file) return file.error();
        text = std::move(*file);
    }
    if (!pair.raw) {
        if (!is_utf8(text)) {
            return Error(ErrorCode::invalid, fmt::format("{}: the text is not UTF-8", pair.key));
        }
        return member == nullptr ? json::value(text) : typed(text, *member);
    }
    auto parsed = parse_json(text);
    if (!parsed) {
        return Error(ErrorCode::invalid,
                     fmt::format("{}: {}; for plain text write {}=text", pair.key,
                                 parsed.error().context(), pair.key));
    }
    return std::move(*parsed);
}

}  // namespace

Result<json::object> add_pairs(json::object input, const std::vector<std::string>& words,
                               const ReadFile& read_file, const json::object& schema) {
    std::map<std::string, std::vector<std::string>> seen;
    for (const auto& word : words) {
        const auto pair = split(word);
        if (!pair) return pair.error();
        const auto names = names_of(pair->key, schema);
        if (!seen.emplace(pair->key, names).second) {
            return Error(ErrorCode::invalid, fmt::format("\"{}\" is given twice", pair->key));
        }
        for (const auto& [key, other] : seen) {
            if (!holds(names, other)) continue;
            return Error(ErrorCode::invalid,
                         fmt::format("\"{}\" would take the place of \"{}\": give one of them, or "
                                     "the whole first",
                                     pair->key, key));
        }
        const json::object* member = &schema;
        for (const std::string& name : names) member = member_of(member, name);
        auto value = value_of(*pair, read_file, member);
        if (!value) return value.error();
        const Status put = put_value(input, names, std::move(*value));
        if (!put) return put.error();
    }
    return input;
}

Result<json::object> read_labels(const std::vector<std::string>& words) {
    json::object labels;
    for (const auto& word : words) {
        const auto at = word.find('=');
        if (at == std::string::npos || at == 0) {
            return Error(ErrorCode::invalid, fmt::format("--label {}: write it as k=v", word));
        }
        if (!labels.emplace(word.substr(0, at), word.substr(at + 1)).second) {
            return Error(ErrorCode::invalid,
                         fmt::format("the label \"{}\" is given twice", word.substr(0, at)));
        }
    }
    return labels;
}

Result<Instant> read_when(const std::string& text, Instant now) {
    if (const auto at = parse_rfc3339(text)) return *at;
    if (const auto duration = parse_duration(text)) return now + *duration;
    return Error(ErrorCode::invalid,
                 fmt::format("\"{}\" is no time: write 2026-11-21T22:00:00Z, or 90m for in 90 "
                             "minutes",
                             text));
}

}  // namespace reeld::reel
