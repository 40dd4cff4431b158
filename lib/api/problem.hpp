#pragma once
// Refusals as RFC 9457 problem documents. `code` is stable: scripts may branch on it.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "http/server.hpp"

namespace reeld::api {

struct Problem {
    int status = 500;
    std::string code = "internal";
    std::string detail;    // one or two sentences: what is wrong, what would be right
    json::object members;  // further members of the document: errors, candidates, parameter

    Problem(int status_code, std::string stable_code, std::string text)
        : status(status_code), code(std::move(stable_code)), detail(std::move(text)) {}
};

// The problem that tells of an engine's or store's error.
Problem problem_of(const Error& error);

http::ServerResponse to_response(const Problem& problem);
http::ServerResponse json_response(int status, const json::value& value);

}  // namespace reeld::api
