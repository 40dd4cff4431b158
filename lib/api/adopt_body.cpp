#include "api/adopt_body.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"

namespace reeld::api {
namespace {

constexpr std::size_t request_id_max = 200;

// Providers' ids are UUIDs and the like; what else stands there is a slip of the paste.
bool is_request_id(std::string_view text) {
    return !text.empty() && text.size() <= request_id_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '-' || c == '_' || c == '.' || c == ':';
           });
}

Problem refuse(std::string_view field, std::string message) {
    Problem problem(422, "invalid_request", message);
    json::object error;
    error["index"] = 0;
    error["field"] = field;
    error["message"] = std::move(message);
    problem.members["errors"] = json::array{std::move(error)};
    return problem;
}

}  // namespace

std::variant<RequestId, Problem> read_adopt_body(const http::ServerRequest& request) {
    const auto body = parse_json(request.body);
    if (!body && !request.body.empty()) {
        return Problem(400, "malformed_json", body.error().context());
    }
    const json::object* object = body ? body->if_object() : nullptr;
    if (object == nullptr) {
        return refuse("request_id", "The body has to be {\"request_id\": \"…\"}.");
    }
    for (const auto& member : *object) {
        const std::string_view name(member.key().data(), member.key().size());
        if (name != "request_id") {
            return refuse(clip_utf8(name, 64), "It is unknown; only request_id is taken.");
        }
    }
    const auto id = find_string(*object, "request_id");
    if (!id) return refuse("request_id", "It is missing, or no text.");
    if (!is_request_id(*id)) {
        return refuse("request_id",
                      fmt::format("It has to be 1 to {} letters, digits, '-', '_', '.' and ':'.",
                                  request_id_max));
    }
    return RequestId(*id);
}

}  // namespace reeld::api
