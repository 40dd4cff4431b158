#pragma once
// The public JSON shapes of a job, its trail and its submits. Absent values are null; times are
// RFC 3339 text, money decimal dollars.
#include <optional>

#include "base/json.hpp"
#include "domain/job.hpp"
#include "store/store.hpp"

namespace reeld::api {

// `reason` is the one to show, which for a queued job only the engine knows.
json::object job_json(const domain::Job& job, domain::Reason reason);

// One entry of the audit trail; also the data of a server-sent event.
json::object event_json(const store::AuditEntry& entry);

// Never holds the webhook token, only its first characters.
json::object attempt_json(const domain::Attempt& attempt);

// A line of the provider's log.
json::object log_json(const store::StoredLog& log);

json::value time_json(const std::optional<Instant>& at);
json::value text_or_null(std::string_view text);

}  // namespace reeld::api
