#pragma once
// GET /v1/events: the audit trail as server-sent events. `id` is the trail's own growing number, so
// a reader that comes back with its last one misses nothing and sees nothing twice.
#include <memory>
#include <string>
#include <variant>

#include "api/problem.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"

namespace reeld::api {

struct StreamRequest {
    std::int64_t after = 0;    // the last event the reader has seen
    bool from_now = false;     // it has seen none and wants none of the past
    bool all = false;          // also trail entries that leave the state as it is, and logs
};

// Last-Event-ID wins over ?after=, because a browser repeats the URL when it reconnects.
std::variant<StreamRequest, Problem> read_stream_request(const http::ServerRequest& request,
                                                         const http::Target& target);

// A line of a provider's log: an event "log" without an id, so that it moves no reader's cursor. Who
// was not there when it came finds it with the job.
std::string sse_text(const store::StoredLog& log);
// One event: "state" for a change of state, "trail" for anything else of the trail.
std::string sse_text(const store::AuditEntry& entry);
bool changes_state(const store::AuditEntry& entry);

std::unique_ptr<http::BodyProducer> make_event_stream(engine::Control& control,
                                                      StreamRequest request, Millis keepalive);

}  // namespace reeld::api
