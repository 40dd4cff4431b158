#include "base/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

#include "base/encoding.hpp"

namespace reeld {
namespace {

struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextDeleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Key private_key(std::string_view seed) {
    if (seed.size() != 32) return nullptr;
    return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), 32));
}

}  // namespace

struct Sha256::State {
    Context context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL offers no SHA-256");
    }
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
    EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Sha256::hex_so_far() const {
    Sha256 copy;
    if (EVP_MD_CTX_copy_ex(copy.state_->context.get(), state_->context.get()) != 1) {
        throw std::runtime_error("OpenSSL cannot copy a SHA-256 state");
    }
    return copy.hex_digest();
}

std::string Sha256::digest() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    EVP_DigestFinal_ex(state_->context.get(), out.data(), &size);
    return std::string(reinterpret_cast<const char*>(out.data()), size);
}

std::string Sha256::hex_digest() { return to_hex(digest()); }

std::string sha256_hex(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.hex_digest();
}

std::string hmac_sha256_hex(std::string_view key, std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(),
             out.data(), &size) == nullptr) {
        throw std::runtime_error("OpenSSL offers no HMAC");
    }
    return to_hex({reinterpret_cast<const char*>(out.data()), size});
}

bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature) {
    if (public_key.size() != 32 || signature.size() != 64) return false;
    const Key key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key), 32));
    const Context context(EVP_MD_CTX_new());
    if (!key || !context) return false;
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                            bytes_of(message), message.size()) == 1;
}

std::optional<std::string> ed25519_sign(std::string_view seed, std::string_view message) {
    const Key key = private_key(seed);
    const Context context(EVP_MD_CTX_new());
    std::array<unsigned char, 64> out{};
    std::size_t size = out.size();
    if (!key || !context ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), out.data(), &size, bytes_of(message), message.size()) != 1) {
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(out.data()), size);
}

std::optional<std::string> ed25519_public_key(std::string_view seed) {
    const Key key = private_key(seed);
    std::array<unsigned char, 32> out{};
    std::size_t size = out.size();
    if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) != 1) {
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(out.data()), size);
}

bool equals_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace reeld
