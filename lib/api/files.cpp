#include "api/files.hpp"

#include <fmt/format.h>

#include <charconv>

#include "api/job_json.hpp"

namespace reeld::api {
namespace {

std::optional<std::uint64_t> number(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    std::uint64_t value = 0;
    const char* end = text->data() + text->size();
    const auto [at, failure] = std::from_chars(text->data(), end, value);
    if (failure != std::errc() || at != end) return std::nullopt;
    return value;
}

Problem bad_parameter(const std::string& name, const std::string& text) {
    Problem problem(400, "invalid_parameter", name + " " + text);
    problem.members["parameter"] = name;
    return problem;
}

}  // namespace

std::variant<engine::SpoolPiece, Problem> read_piece(const std::string& sha256,
                                                     const http::Target& target,
                                                     std::string body) {
    engine::SpoolPiece piece;
    piece.sha256 = sha256;
    piece.name = target.get("name").value_or("");
    const auto size = number(target.get("size"));
    if (!size) return bad_parameter("size", "must be the number of bytes of the whole file.");
    piece.size = *size;
    const auto offset = target.get("offset") ? number(target.get("offset")) : 0;
    if (!offset) return bad_parameter("offset", "must be where the piece begins, from 0.");
    piece.offset = *offset;
    piece.bytes = std::move(body);
    return piece;
}

http::ServerResponse file_response(const engine::SpooledFile& file, int status) {
    const bool whole = !file.path.empty();
    json::object object;
    object["sha256"] = file.sha256;
    object["complete"] = whole;
    object["received"] = file.received;
    object["path"] = text_or_null(file.path);
    object["bytes"] = whole ? json::value(file.received) : json::value(nullptr);
    object["content_type"] = text_or_null(file.content_type);
    return json_response(status, object);
}

Problem file_problem(const Error& error, std::uint64_t received) {
    const ErrorCode code = error.code();
    if (code == ErrorCode::invalid) return {422, "invalid_file", error.context()};
    if (code == ErrorCode::too_large) return {413, "too_large", error.context()};
    // The system's own words are for the log.
    if (code == ErrorCode::disk_full && !error.cause()) return {507, "disk_full", error.context()};
    if (code != ErrorCode::conflict) return problem_of(error);
    Problem problem(409, "wrong_offset", error.context());
    problem.members["received"] = received;
    return problem;
}

}  // namespace reeld::api
