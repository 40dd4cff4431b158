#include "api/problem.hpp"

#include "api/json_text.hpp"

namespace reeld::api {
namespace {

std::string_view title_of(int status) {
    switch (status) {
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 422: return "Unprocessable Content";
        case 503: return "Service Unavailable";
        case 507: return "Insufficient Storage";
        default: return "Internal Server Error";
    }
}

}  // namespace

Problem problem_of(const Error& error) {
    switch (error.code()) {
        case ErrorCode::not_found: return {404, "not_found", error.context()};
        case ErrorCode::conflict: return {409, "conflict", error.context()};
        case ErrorCode::invalid: return {422, "invalid_job", error.context()};
        case ErrorCode::too_large: return {422, "too_large", error.context()};
        case ErrorCode::unsupported: return {422, "unsupported", error.context()};
        case ErrorCode::refused: return {403, "refused", error.context()};
        case ErrorCode::disk_full:
            return {507, "disk_full", "There is no room on the disk; nothing was changed."};
        case ErrorCode::busy:
        case ErrorCode::timeout: return {503, "busy", "The daemon is busy; try again."};
        case ErrorCode::cancelled: return {503, "stopping", "The daemon is stopping; try again."};
        case ErrorCode::unreachable:
        case ErrorCode::reset:
        case ErrorCode::io:
        case ErrorCode::corrupt:
        case ErrorCode::internal: break;
    }
    // What the system says of its own files is for the log, not for every caller.
    return {500, "internal", "The daemon could not do this; its log says why."};
}

http::ServerResponse json_response(int status, const json::value& value) {
    http::ServerResponse response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    response.body = json_text(value) + "\n";
    return response;
}

http::ServerResponse to_response(const Problem& problem) {
    json::object document;
    document["type"] = "urn:reeld:problem:" + problem.code;
    document["title"] = title_of(problem.status);
    document["status"] = problem.status;
    document["code"] = problem.code;
    document["detail"] = problem.detail;
    for (const auto& member : problem.members) document[member.key()] = member.value();
    http::ServerResponse response = json_response(problem.status, document);
    response.headers.set("Content-Type", "application/problem+json");
    return response;
}

}  // namespace reeld::api
