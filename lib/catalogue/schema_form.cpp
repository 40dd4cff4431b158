#include "catalogue/schema_form.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/encoding.hpp"

namespace reeld::catalogue {
namespace {

constexpr int depth_max = 24;
// A reference copies what it names: without a bound, a small file could grow beyond all memory.
constexpr int nodes_max = 20'000;

std::string unescaped(std::string_view part) {
    std::string text;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const bool escape = part[i] == '~' && i + 1 < part.size();
        if (escape && (part[i + 1] == '0' || part[i + 1] == '1')) {
            text.push_back(part[++i] == '0' ? '~' : '/');
        } else {
            text.push_back(part[i]);
        }
    }
    return text;
}

const json::object* named_by(const json::object& document, std::string_view reference) {
    if (!reference.starts_with("#/")) return nullptr;
    reference.remove_prefix(2);
    const json::object* at = &document;
    while (at != nullptr) {
        const auto slash = reference.find('/');
        at = find_object(*at, unescaped(reference.substr(0, slash)));
        if (slash == std::string_view::npos) return at;
        reference.remove_prefix(slash + 1);
    }
    return nullptr;
}

class Reader {
  public:
    explicit Reader(const json::object& document) : document_(document) {}

    Result<json::object> schema(const json::object& source, int depth) {
        if (depth > depth_max || ++nodes_ > nodes_max) {
            return Error(ErrorCode::invalid, "its schema is too large, or refers to itself");
        }
        json::object plain;
        if (const auto reference = find_string(source, "$ref")) {
            const json::object* named = named_by(document_, *reference);
            if (named == nullptr) {
                return Error(ErrorCode::invalid, fmt::format("the reference \"{}\" leads nowhere",
                                                             clip_utf8(*reference, 200)));
            }
            auto read = schema(*named, depth + 1);
            if (!read) return read.error();
            plain = std::move(*read);
        }
        for (const auto& member : source) {
            const Status read = take(plain, member.key(), member.value(), depth);
            if (!read) return read.error();
        }
        mend_bounds(plain);
        return unwrapped(std::move(plain));
    }

  private:
    static bool holds_schema(std::string_view key) {
        return key == "items" || key == "not" || key == "if" || key == "then" || key == "else" ||
               key == "contains" || key == "additionalProperties" || key == "propertyNames";
    }
    static bool holds_schemas(std::string_view key) {
        return key == "anyOf" || key == "allOf" || key == "oneOf" || key == "items";
    }
    static bool holds_named_schemas(std::string_view key) {
        return key == "properties" || key == "patternProperties";
    }

    Status take(json::object& into, std::string_view key, const json::value& value, int depth) {
        if (key == "$ref" || key == "$schema" || key == "$id" || key == "id" ||
            key == "definitions" || key == "$defs" || key == "x-fal-order-properties") {
            return ok();
        }
        if (key == "nullable") {
            if (value == json::value(true)) into["x-nullable"] = true;
            return ok();
        }
        const auto* object = value.if_object();
        const auto* array = value.if_array();
        if (object != nullptr && holds_schema(key)) {
            auto read = schema(*object, depth + 1);
            if (!read) return read.error();
            into[key] = std::move(*read);
        } else if (array != nullptr && holds_schemas(key)) {
            auto read = list(*array, depth);
            if (!read) return read.error();
            into[key] = std::move(*read);
        } else if (object != nullptr && holds_named_schemas(key)) {
            auto read = table(*object, depth);
            if (!read) return read.error();
            into[key] = std::move(*read);
        } else {
            into[key] = value;
        }
        return ok();
    }

    Result<json::array> list(const json::array& sources, int depth) {
        json::array plain;
        for (const json::value& one : sources) {
            const auto* object = one.if_object();
            if (object == nullptr) {
                plain.push_back(one);
                continue;
            }
            auto read = schema(*object, depth + 1);
            if (!read) return read.error();
            plain.push_back(std::move(*read));
        }
        return plain;
    }

    Result<json::object> table(const json::object& sources, int depth) {
        json::object plain;
        for (const auto& member : sources) {
            const auto* object = member.value().if_object();
            if (object == nullptr) {
                return Error(ErrorCode::invalid, fmt::format("the member \"{}\" has no schema",
                                                             clip_utf8(member.key(), 100)));
            }
            auto read = schema(*object, depth + 1);
            if (!read) return read.error();
            plain[member.key()] = std::move(*read);
        }
        return plain;
    }

    static void mend_bound(json::object& plain, const char* exclusive, const char* bound) {
        const auto flag = find_bool(plain, exclusive);
        if (!flag) return;
        plain.erase(exclusive);
        const auto* value = find(plain, bound);
        if (!*flag || value == nullptr) return;
        const json::value number = *value;
        plain.erase(bound);
        plain[exclusive] = number;
    }
    static void mend_bounds(json::object& plain) {
        mend_bound(plain, "exclusiveMinimum", "minimum");
        mend_bound(plain, "exclusiveMaximum", "maximum");
    }

    // Members of `outer` win: a description beside a reference is about its use.
    static json::object merged(json::object inner, const json::object& outer) {
        for (const auto& member : outer) inner[member.key()] = member.value();
        return inner;
    }

    static bool is_null_type(const json::value& schema) {
        const auto* object = schema.if_object();
        return object != nullptr && find_string(*object, "type") == "null";
    }

    static json::object unwrapped(json::object plain) {
        if (const auto* all = find_array(plain, "allOf"); all != nullptr && all->size() == 1) {
            if (const auto* only = all->front().if_object()) {
                json::object inner = *only;
                plain.erase("allOf");
                plain = merged(std::move(inner), plain);
            }
        }
        for (const char* key : {"anyOf", "oneOf"}) {
            const auto* variants = find_array(plain, key);
            if (variants == nullptr) continue;
            json::array real;
            for (const auto& variant : *variants) {
                if (!is_null_type(variant)) real.push_back(variant);
            }
            if (real.size() == variants->size()) continue;
            plain["x-nullable"] = true;
            plain.erase(key);
            if (real.size() != 1 || !real.front().is_object()) {
                plain[key] = std::move(real);
                continue;
            }
            json::object inner = real.front().get_object();
            plain = merged(std::move(inner), plain);
        }
        mend_type(plain);
        return plain;
    }

    // "type": ["string", "null"]
    static void mend_type(json::object& plain) {
        const auto* types = find_array(plain, "type");
        if (types == nullptr) return;
        json::array real;
        for (const auto& type : *types) {
            if (type != json::value("null")) real.push_back(type);
        }
        if (real.size() < types->size()) plain["x-nullable"] = true;
        if (real.size() == 1) {
            const json::value only = real.front();
            plain["type"] = only;
        } else {
            plain["type"] = std::move(real);
        }
    }

    const json::object& document_;
    int nodes_ = 0;
};

}  // namespace

Result<json::object> in_plain_form(const json::object& schema, const json::object& document) {
    return Reader(document).schema(schema, 0);
}

}  // namespace reeld::catalogue
