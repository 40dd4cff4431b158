#pragma once
#include <optional>

#include "base/time.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::providers::fal {

// The answer's Retry-After, at most one hour: as seconds, or as an HTTP date measured from the
// answer's own Date, since a codec has no clock. Nothing when absent or unreadable.
std::optional<Millis> retry_after_of(const Headers& headers);

}  // namespace reeld::providers::fal
