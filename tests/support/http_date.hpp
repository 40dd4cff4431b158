#pragma once
// A time as a server writes it into its answers.
#include <fmt/chrono.h>

#include <string>

#include "base/time.hpp"

namespace reeld::test {

inline std::string http_date(Instant at) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(to_unix_ms(at) / 1000));
}

}  // namespace reeld::test
