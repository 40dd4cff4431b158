#pragma once
// Randomness as a service.
#include <cstdint>
#include <memory>
#include <string>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace reeld::runtime {

class Rng {
  public:
    virtual ~Rng() = default;
    virtual std::uint64_t next() = 0;
    double uniform();                   // 0 <= value < 1
    std::string bytes(std::size_t count);
};

std::unique_ptr<Rng> make_system_rng();               // the kernel's, for tokens
std::unique_ptr<Rng> make_seeded_rng(std::uint64_t seed);  // repeatable on every machine

std::string uuid_v7(Instant now, Rng& rng);
Token make_token(Rng& rng);  // 128 bits, 32 hex digits

}  // namespace reeld::runtime
