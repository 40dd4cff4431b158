#pragma once
// One row of a job's append-only trail.
#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "domain/state.hpp"

namespace reeld::domain {

struct AuditEntry {
    std::int64_t id = 0;       // grows over all jobs: the event stream's cursor
    JobId job;
    std::int64_t number = 0;   // 1, 2, 3 … within the job
    Instant at{};
    std::string event;         // name_of(Event), or "created", "retried", "note"
    std::optional<State> from; // nothing for the first
    State to = State::queued;
    Reason reason = Reason::none;
    std::string note;
    json::object patch;        // fields that changed, see diff_audit
    std::optional<std::int64_t> evidence;
};

}  // namespace reeld::domain
