#include "providers/fal/error_body.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

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

}  // namespace

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
