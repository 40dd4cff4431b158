#pragma once
// GET and PUT /v1/files/{sha256}: local files on their way to a job.
#include <variant>

#include "api/problem.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"

namespace reeld::api {

// ?name=&size=&offset= of a PUT; the body is the piece.
std::variant<engine::SpoolPiece, Problem> read_piece(const std::string& sha256,
                                                     const http::Target& target, std::string body);

// {sha256, complete, received, path, bytes, content_type}; the last three are null until it is whole.
http::ServerResponse file_response(const engine::SpooledFile& file, int status = 200);

// `received`: where the next piece begins.
Problem file_problem(const Error& error, std::uint64_t received);

}  // namespace reeld::api
