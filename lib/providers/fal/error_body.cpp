#include "providers/fal/error_body.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/encoding.hpp"

namespace reeld::providers::fal {
namespace {

constexpr std::size_t details_max = 16;
constexpr std::size_t path_parts_max = 16;

std::string field_path(const json::object& detail) {
    const auto* loc = find_array(detail, "loc");
    if (loc == nullptr) return "";
    std::string path;
    for (std::size_t i = 0; i < std::min(loc->size(), path_parts_max); ++i) {
        const json::value& part = (*loc)[i];
        std::string word;
        if (part.is_string()) word = std::string(part.get_string());
        if (part.is_number()) word = json::serialize(part);
        if (word.empty() || (i == 0 && word == "body")) continue;
        if (!path.empty()) path += '.';
        path += word;
    }
    return path;
}

ErrorDetail read_detail(const json::value& value) {
    ErrorDetail detail;
    if (value.is_string()) detail.message = std::string(value.get_string());
    const auto* object = value.if_object();
    if (object == nullptr) return detail;
    detail.type = find_string(*object, "type").value_or("");
    detail.field = field_path(*object);
    detail.message = find_string(*object, "msg").value_or("");
    return detail;
}

// The first text of those that the generations of fal's APIs put their sentence into.
std::string flat_text(const json::object& object) {
    for (const std::string_view name : {"detail", "message", "error"}) {
        if (auto text = find_string(object, name)) return *text;
    }
    const auto* error = find_object(object, "error");
    return error == nullptr ? "" : find_string(*error, "message").value_or("");
}

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

ErrorBody read_error_value(const json::value& value) {
    ErrorBody body;
    body.is_json = true;
    if (value.is_string()) body.text = std::string(value.get_string());
    const auto* object = value.if_object();
    if (object == nullptr) return body;
    body.error_type = find_string(*object, "error_type").value_or("");
    const auto* details = find_array(*object, "detail");
    if (details == nullptr) {
        body.text = flat_text(*object);
        return body;
    }
    for (std::size_t i = 0; i < std::min(details->size(), details_max); ++i) {
        body.details.push_back(read_detail((*details)[i]));
    }
    return body;
}

ErrorBody read_error_body(std::string_view body) {
    const auto value = parse_json(body);
    return value ? read_error_value(*value) : ErrorBody{};
}

std::string describe(const ErrorBody& body) {
    std::string line = body.text;
    for (const ErrorDetail& detail : body.details) {
        const std::string& what = detail.message.empty() ? detail.type : detail.message;
        if (!line.empty()) line += "; ";
        line += detail.field.empty() ? what : fmt::format("{}: {}", detail.field, what);
    }
    return shown_text(line);
}

}  // namespace reeld::providers::fal
