#include "providers/fal/key_set.hpp"

#include "base/encoding.hpp"
#include "providers/fal/answer_error.hpp"

namespace reeld::providers::fal {
namespace {

constexpr std::size_t body_max = 256 * 1024;
// No key id is sent, so every key is tried on every delivery: the set must stay small.
constexpr std::size_t keys_max = 32;
constexpr std::size_t key_bytes = 32;

std::optional<std::string> read_key(const json::value& value) {
    const auto* entry = value.if_object();
    if (entry == nullptr || find_string(*entry, "kty") != "OKP" ||
        find_string(*entry, "crv") != "Ed25519") {
        return std::nullopt;
    }
    const auto x = find_string(*entry, "x");
    auto key = x ? from_base64url(*x) : std::nullopt;
    if (!key || key->size() != key_bytes) return std::nullopt;
    return key;
}

}  // namespace

HttpRequest build_key_set(const Hosts& hosts) {
    HttpRequest request;
    request.url = hosts.rest + "/.well-known/jwks.json";
    request.headers.add("Accept", "application/json");
    return request;
}

Result<provider_api::KeySet> read_key_set(const Exchange& exchange) {
    if (exchange.response.body.size() > body_max) {
        return Error(ErrorCode::too_large, "fal's key set is larger than 256 KiB");
    }
    const auto answer = read_success_object(exchange, "fal's key set");
    if (!answer) return answer.error();
    provider_api::KeySet set;
    const auto* keys = find_array(*answer, "keys");
    for (std::size_t i = 0; keys != nullptr && i < keys->size(); ++i) {
        if (set.keys.size() == keys_max) break;
        if (auto key = read_key((*keys)[i])) set.keys.push_back(std::move(*key));
    }
    if (set.keys.empty()) return Error(ErrorCode::invalid, "fal's key set has no Ed25519 key");
    return set;
}

}  // namespace reeld::providers::fal
