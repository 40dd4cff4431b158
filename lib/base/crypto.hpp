#pragma once
// Hashes and signatures, over OpenSSL's libcrypto.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace reeld {

// SHA-256 fed in pieces; digest() may be called once.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::string_view bytes);
    std::string hex_so_far() const;  // of the bytes fed so far; more may follow
    std::string digest();      // 32 raw bytes
    std::string hex_digest();  // 64 lower-case hex digits

  private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
// HMAC-SHA256 (RFC 2104) in lower-case hex.
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);

// Ed25519 (RFC 8032). Keys are the raw 32 bytes, signatures the raw 64.
bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature);
std::optional<std::string> ed25519_sign(std::string_view seed, std::string_view message);
std::optional<std::string> ed25519_public_key(std::string_view seed);

// Takes the same time wherever the texts differ.
bool equals_constant_time(std::string_view a, std::string_view b);

}  // namespace reeld
