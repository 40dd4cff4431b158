#pragma once
// What the sandbox answers to one request, and how it misbehaves while doing so.
#include <cstdint>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/time.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::sandbox {

// A stream of status events; Service::stream() yields its next bytes.
struct StatusStream {
    std::size_t job = 0;
    bool logs = false;
    bool cut = false;       // break after the first event
    bool ends = false;      // end in good order after the first event of a running job
    bool was_running = false;
    std::size_t told = 0;   // log lines sent so far
    std::string last;       // the last event sent
    Instant quiet_since{};  // for the keepalive
};

struct Answer {
    int status = 200;
    Headers headers;  // without Content-Length
    std::string body;
    Millis delay{0};                              // wait before the first byte
    bool drop = false;                            // close the connection without an answer
    std::optional<std::size_t> cut_after;         // close after so many bytes of the body
    std::optional<std::size_t> bytes_per_second;  // slow body
    bool head_only = false;                       // HEAD: the body is only measured
    std::optional<StatusStream> stream;           // events instead of `body`
};

Answer json_answer(int status, const json::value& body);
Answer html_answer(int status, const std::string& title);
// 200 and the page of a network that wants a login first.
Answer portal_answer();
// The document with each of its fields twice, as text.
void double_fields(Answer& answer);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(Instant at);

// What a client sees of it, `delay` and `bytes_per_second` aside; a stream has an empty body.
Exchange to_exchange(const Answer& answer);

}  // namespace reeld::sandbox
