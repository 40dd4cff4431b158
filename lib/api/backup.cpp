#include "api/backup.hpp"

#include "api/job_json.hpp"

namespace reeld::api {

std::variant<std::string, Problem> read_backup_request(const http::ServerRequest& request) {
    const std::string shape = "The body has to be {\"path\": \"/absolute/path/of/the/copy\"}.";
    const auto body = parse_json(request.body);
    if (!body) return Problem(400, "malformed_json", shape);
    const auto* object = body->if_object();
    const auto path = object == nullptr ? std::nullopt : find_string(*object, "path");
    if (!path || object->size() != 1) return Problem(422, "invalid_backup", shape);
    return *path;
}

json::object backup_json(const engine::BackupDone& done) {
    json::object object;
    object["path"] = done.path;
    object["bytes"] = done.bytes;
    object["jobs"] = done.jobs;
    object["events"] = done.events;
    object["sha256"] = done.sha256;
    object["chain_head"] = done.chain_head;
    object["inbox_path"] = text_or_null(done.inbox_path);
    object["inbox_rows"] = done.inbox_rows;
    return object;
}

Problem backup_problem(const Error& error) {
    switch (error.code()) {
        case ErrorCode::invalid: return {422, "invalid_backup", error.context()};
        case ErrorCode::not_found: return {422, "no_such_folder", error.context()};
        case ErrorCode::conflict: return {409, "file_exists", error.context()};
        case ErrorCode::busy: return {409, "backup_running", error.context()};
        case ErrorCode::refused: return {403, "not_permitted", error.context()};
        case ErrorCode::disk_full: return {507, "disk_full", error.context()};
        case ErrorCode::io:
        case ErrorCode::corrupt:
        case ErrorCode::internal: return {500, "backup_failed", error.message()};
        case ErrorCode::unreachable:
        case ErrorCode::timeout:
        case ErrorCode::reset:
        case ErrorCode::too_large:
        case ErrorCode::unsupported:
        case ErrorCode::cancelled: break;
    }
    return problem_of(error);
}

}  // namespace reeld::api
