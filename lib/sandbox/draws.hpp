#pragma once
// Everything random about the sandbox: each draw is a function of the seed, a purpose and an index,
// so unrelated requests may come in any order without changing it.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace reeld::sandbox {

class Draws {
  public:
    explicit Draws(std::uint64_t seed) : seed_(seed) {}

    double uniform(std::string_view purpose, std::uint64_t index) const;  // 0 <= value < 1
    std::uint64_t below(std::string_view purpose, std::uint64_t index, std::uint64_t limit) const;
    Millis between(std::string_view purpose, std::uint64_t index, Millis low, Millis high) const;
    std::string bytes(std::string_view purpose, std::uint64_t index) const;  // 32 of them
    std::string uuid_v7(std::string_view purpose, std::uint64_t index, Instant now) const;

  private:
    std::uint64_t word(std::string_view purpose, std::uint64_t index) const;
    std::uint64_t seed_;
};

}  // namespace reeld::sandbox
