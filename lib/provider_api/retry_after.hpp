#pragma once
// A server's own word on when to come back (RFC 9110 section 10.2.3).
#include <optional>

#include "base/time.hpp"
#include "provider_api/http_message.hpp"

namespace reeld {

// Retry-After in seconds or as a date, between nothing and an hour. A date is measured from the
// answer's own Date, else from `now`; nothing when there is neither, or no hint.
std::optional<Millis> retry_after_of(const Headers& headers,
                                     std::optional<Instant> now = std::nullopt);

}  // namespace reeld
