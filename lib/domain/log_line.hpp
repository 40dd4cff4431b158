#pragma once
// What a provider's model prints while it works.
#include <cstddef>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace reeld::domain {

// Fit to be shown and kept: no control characters, no signed addresses.
struct LogLine {
    std::optional<Instant> at;  // by the provider's clock
    std::string level;          // INFO, STDERR …; may be empty
    std::string source;
    std::string message;        // never empty
    friend bool operator==(const LogLine&, const LogLine&) = default;
};

inline constexpr std::size_t log_lines_max = 200;  // kept of one job
inline constexpr std::size_t log_message_bytes_max = 4096;

}  // namespace reeld::domain
