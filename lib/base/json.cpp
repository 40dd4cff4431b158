#include "base/json.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <set>
#include <vector>

#include "base/encoding.hpp"

namespace reeld {
namespace {

constexpr std::size_t depth_max = 64;

// What Boost.JSON lets pass: it keeps the last of two equal members in silence, makes a number beyond
// every double infinite, and some numbers a little smaller or larger than they are.
struct StrictHandler {
    constexpr static std::size_t max_object_size = static_cast<std::size_t>(-1);
    constexpr static std::size_t max_array_size = static_cast<std::size_t>(-1);
    constexpr static std::size_t max_key_size = static_cast<std::size_t>(-1);
    constexpr static std::size_t max_string_size = static_cast<std::size_t>(-1);

    std::vector<std::set<std::string>> seen;
    std::string key;
    std::optional<std::string> duplicate;
    bool boundless = false;
    std::string number;           // the digits so far
    std::vector<double> doubles;  // in the document's order

    using error_code = boost::system::error_code;
    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) {
        seen.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t, error_code&) {
        seen.pop_back();
        return true;
    }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_key_part(json::string_view part, std::size_t, error_code&) {
        key.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, error_code& error) {
        key.append(part.data(), part.size());
        if (!seen.back().insert(key).second) {
            duplicate = key;
            error = json::make_error_code(json::error::extra_data);
            return false;
        }
        key.clear();
        return true;
    }
    bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
    bool on_string(json::string_view, std::size_t, error_code&) { return true; }
    bool on_number_part(json::string_view part, error_code&) {
        number.append(part.data(), part.size());
        return true;
    }
    bool on_int64(std::int64_t, json::string_view, error_code&) {
        number.clear();
        return true;
    }
    bool on_uint64(std::uint64_t, json::string_view, error_code&) {
        number.clear();
        return true;
    }
    // 1e400 would be written again as Infinity, which is no JSON.
    bool on_double(double nearly, json::string_view part, error_code& error) {
        number.append(part.data(), part.size());
        double exact = nearly;
        const auto read = std::from_chars(number.data(), number.data() + number.size(), exact);
        if (read.ec != std::errc{}) exact = std::abs(nearly) < 1 ? std::copysign(0.0, nearly) : HUGE_VAL;
        number.clear();
        boundless = !std::isfinite(exact);
        if (boundless) error = json::make_error_code(json::error::exponent_overflow);
        doubles.push_back(exact);
        return !boundless;
    }
    bool on_bool(bool, error_code&) { return true; }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(json::string_view, error_code&) { return true; }
    bool on_comment(json::string_view, error_code&) { return true; }
};

// Puts the exact numbers in place of Boost's; read again, a text must give the same text.
void set_doubles(json::value& value, const double*& next) {
    if (auto* object = value.if_object()) {
        for (auto& member : *object) set_doubles(member.value(), next);
    } else if (auto* array = value.if_array()) {
        for (auto& element : *array) set_doubles(element, next);
    } else if (auto* number = value.if_double()) {
        *number = *next++;
    }
}

void write_canonical(const json::value& value, std::string& out) {
    if (const auto* object = value.if_object()) {
        std::vector<const json::key_value_pair*> members;
        for (const auto& member : *object) members.push_back(&member);
        std::sort(members.begin(), members.end(),
                  [](const auto* a, const auto* b) { return a->key() < b->key(); });
        out.push_back('{');
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (i > 0) out.push_back(',');
            out += json::serialize(json::string_view(members[i]->key()));
            out.push_back(':');
            write_canonical(members[i]->value(), out);
        }
        out.push_back('}');
    } else if (const auto* array = value.if_array()) {
        out.push_back('[');
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (i > 0) out.push_back(',');
            write_canonical((*array)[i], out);
        }
        out.push_back(']');
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
    if (!is_utf8(text)) return Error(ErrorCode::invalid, "the text is not valid UTF-8");
    json::parse_options options;
    options.max_depth = depth_max;
    json::basic_parser<StrictHandler> parser(options);
    boost::system::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && read < text.size()) error = json::make_error_code(json::error::extra_data);
    if (parser.handler().duplicate) {
        return Error(ErrorCode::invalid, fmt::format("the member \"{}\" stands twice",
                                                     clip_utf8(*parser.handler().duplicate, 100)));
    }
    if (parser.handler().boundless) {
        return Error(ErrorCode::invalid,
                     fmt::format("the number at byte {} is larger than any that can be kept", read));
    }
    if (error) {
        return Error(ErrorCode::invalid,
                     fmt::format("not JSON at byte {}: {}", read, error.message()));
    }
    json::value value = json::parse(json::string_view(text), error, {}, options);
    if (error) return Error(ErrorCode::invalid, fmt::format("not JSON: {}", error.message()));
    const double* next = parser.handler().doubles.data();
    set_doubles(value, next);
    return value;
}

std::string canonical_json(const json::value& value) {
    std::string out;
    write_canonical(value, out);
    return out;
}

const json::value* find(const json::object& object, std::string_view key) {
    return object.if_contains(key);
}

std::optional<std::string> find_string(const json::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

std::optional<std::int64_t> find_int(const json::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr) return std::nullopt;
    if (value->is_int64()) return value->get_int64();
    if (value->is_uint64() && value->get_uint64() <= INT64_MAX) {
        return static_cast<std::int64_t>(value->get_uint64());
    }
    return std::nullopt;
}

std::optional<double> find_number(const json::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return value->to_number<double>();
}

std::optional<bool> find_bool(const json::object& object, std::string_view key) {
    const auto* value = find(object, key);
    if (value == nullptr || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

const json::object* find_object(const json::object& object, std::string_view key) {
    const auto* value = find(object, key);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array* find_array(const json::object& object, std::string_view key) {
    const auto* value = find(object, key);
    return value == nullptr ? nullptr : value->if_array();
}

}  // namespace reeld
