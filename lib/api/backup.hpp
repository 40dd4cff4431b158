#pragma once
// POST /v1/backup: what it takes and what it answers.
#include <string>
#include <variant>

#include "api/problem.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"

namespace reeld::api {

// The path of {"path": "/absolute/file"}.
std::variant<std::string, Problem> read_backup_request(const http::ServerRequest& request);

json::object backup_json(const engine::BackupDone& done);

// Who may ask for a backup is told what the system says of the path.
Problem backup_problem(const Error& error);

}  // namespace reeld::api
