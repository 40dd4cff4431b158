#include "sandbox/draws.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/crypto.hpp"
#include "runtime/rng.hpp"

namespace reeld::sandbox {

namespace {

// The digest read as numbers: enough for one UUID.
class DigestRng final : public runtime::Rng {
  public:
    explicit DigestRng(std::string digest) : digest_(std::move(digest)) {}
    std::uint64_t next() override {
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i) {
            value = value << 8 | static_cast<unsigned char>(digest_[at_++ % digest_.size()]);
        }
        return value;
    }

  private:
    std::string digest_;
    std::size_t at_ = 0;
};

}  // namespace

std::string Draws::bytes(std::string_view purpose, std::uint64_t index) const {
    Sha256 hash;
    hash.update(fmt::format("{}/{}/{}", seed_, purpose, index));
    return hash.digest();
}

std::uint64_t Draws::word(std::string_view purpose, std::uint64_t index) const {
    return DigestRng(bytes(purpose, index)).next();
}

double Draws::uniform(std::string_view purpose, std::uint64_t index) const {
    return std::ldexp(static_cast<double>(word(purpose, index) >> 11), -53);
}

std::uint64_t Draws::below(std::string_view purpose, std::uint64_t index,
                           std::uint64_t limit) const {
    return limit == 0 ? 0 : word(purpose, index) % limit;
}

Millis Draws::between(std::string_view purpose, std::uint64_t index, Millis low,
                      Millis high) const {
    const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>((high - low).count(), 0));
    return low + Millis{static_cast<std::int64_t>(below(purpose, index, span + 1))};
}

std::string Draws::uuid_v7(std::string_view purpose, std::uint64_t index, Instant now) const {
    DigestRng rng(bytes(purpose, index));
    return runtime::uuid_v7(now, rng);
}

}  // namespace reeld::sandbox
