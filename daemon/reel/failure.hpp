#pragma once
// How reel ends when something went wrong: the exit code and one or two lines for a person.
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::reel {

enum class Exit : int {
    ok = 0,
    error = 1,
    usage = 2,
    unreachable = 3,
    credentials = 4,
    not_found = 5,
    conflict = 6,
    some_failed = 7,
    timed_out = 8,
    budget = 9,
    provider_unavailable = 10,
    disk = 11,
    interrupted = 130,
};

struct Failure {
    Exit exit = Exit::error;
    std::string message;  // what is wrong
    std::string hint;     // what to do next; may be empty
    std::string body;     // the socket's own answer, when there was one
    bool temporary = false;  // the daemon is away, stopping or busy: the same call may do later

    Failure(Exit code, std::string what, std::string next = {}, std::string answer = {})
        : exit(code), message(std::move(what)), hint(std::move(next)), body(std::move(answer)) {}
};

// An answer that is not 2xx.
Failure failure_of_answer(int status, const std::string& body);
// No answer at all.
Failure failure_of_exchange(const Exchange& exchange, const std::string& socket);

Exit exit_of_code(std::string_view code, int status);

// "reel: …" lines for stderr.
std::string failure_text(const Failure& failure);

}  // namespace reeld::reel
