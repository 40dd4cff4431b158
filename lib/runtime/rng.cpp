#include "runtime/rng.hpp"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/encoding.hpp"

namespace reeld::runtime {
namespace {

class SystemRng final : public Rng {
  public:
    std::uint64_t next() override {
        if (used_ == pool_.size()) refill();
        return pool_[used_++];
    }

  private:
    void refill() {
        std::size_t filled = 0;
        auto* bytes = reinterpret_cast<char*>(pool_.data());
        while (filled < sizeof pool_) {
            const auto got = ::getrandom(bytes + filled, sizeof pool_ - filled, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) {
                throw std::system_error(errno, std::system_category(), "no randomness");
            }
            filled += static_cast<std::size_t>(got);
        }
        used_ = 0;
    }

    std::array<std::uint64_t, 16> pool_{};
    std::size_t used_ = pool_.size();
};

// xoshiro256** by Blackman and Vigna, its state filled by splitmix64 as its authors advise.
class SeededRng final : public Rng {
  public:
    explicit SeededRng(std::uint64_t seed) {
        for (auto& word : state_) {
            seed += 0x9E3779B97F4A7C15u;
            std::uint64_t mixed = seed;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
            word = mixed ^ (mixed >> 31);
        }
    }

    std::uint64_t next() override {
        const std::uint64_t drawn = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return drawn;
    }

  private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace

double Rng::uniform() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::string Rng::bytes(std::size_t count) {
    std::string out;
    out.reserve(count + 8);
    while (out.size() < count) {
        const std::uint64_t word = next();
        for (unsigned shift = 0; shift < 64; shift += 8) {
            out.push_back(static_cast<char>((word >> shift) & 0xFF));
        }
    }
    out.resize(count);
    return out;
}

std::unique_ptr<Rng> make_system_rng() {
    return std::make_unique<SystemRng>();
}

std::unique_ptr<Rng> make_seeded_rng(std::uint64_t seed) {
    return std::make_unique<SeededRng>(seed);
}

std::string uuid_v7(Instant now, Rng& rng) {
    std::string raw = rng.bytes(16);
    const auto ms = static_cast<std::uint64_t>(to_unix_ms(now));
    for (unsigned i = 0; i < 6; ++i)
        raw[i] = static_cast<char>((ms >> (40 - 8 * i)) & 0xFF);
    raw[6] = static_cast<char>((raw[6] & 0x0F) | 0x70);
    raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
    std::string text = to_hex(raw);
    for (const std::size_t dash : {20u, 16u, 12u, 8u})
        text.insert(dash, 1, '-');
    return text;
}

Token make_token(Rng& rng) {
    return Token(to_hex(rng.bytes(16)));
}

}  // namespace reeld::runtime
