// Hashes and signatures against published vectors.
#include <doctest/doctest.h>

#include "base/crypto.hpp"
#include "base/encoding.hpp"

using namespace reeld;

namespace {

std::string bytes(std::string_view hex) {
    return from_hex(hex).value();
}

TEST_CASE("SHA-256 gives the vectors of FIPS 180") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    Sha256 pieces;
    for (int i = 0; i < 1000; ++i)
        pieces.update(std::string(1000, 'a'));
    CHECK(pieces.hex_digest() ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct Vector {
    const char* seed;
    const char* key;
    const char* message;
    const char* signature;
};

// RFC 8032, section 7.1, tests 1 to 3.
const Vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST_CASE("Ed25519 gives the vectors of RFC 8032 and verifies nothing else") {
    for (const Vector& v : vectors) {
        const std::string key = bytes(v.key);
        const std::string message = bytes(v.message);
        const std::string signature = bytes(v.signature);
        CHECK(ed25519_public_key(bytes(v.seed)) == key);
        CHECK(ed25519_sign(bytes(v.seed), message) == signature);
        CHECK(ed25519_verify(key, message, signature));
        CHECK_FALSE(ed25519_verify(key, message + "x", signature));
        for (const std::size_t at : {0u, 31u, 32u, 63u}) {
            std::string forged = signature;
            forged[at] = static_cast<char>(forged[at] ^ 1);
            CHECK_FALSE(ed25519_verify(key, message, forged));
        }
    }
}

TEST_CASE("keys and signatures of a wrong length are refused") {
    const std::string signature(64, 'x');
    CHECK_FALSE(ed25519_verify("", "m", signature));
    CHECK_FALSE(ed25519_verify(std::string(31, 'k'), "m", signature));
    CHECK_FALSE(ed25519_verify(bytes(vectors[0].key), "m", signature.substr(1)));
    CHECK_FALSE(ed25519_verify(bytes(vectors[0].key), "m", ""));
    CHECK_FALSE(ed25519_sign("short", "m"));
    CHECK_FALSE(ed25519_public_key(std::string(33, 'k')));
}

TEST_CASE("texts compare whole in constant time") {
    CHECK(equals_constant_time("abc", "abc"));
    CHECK(equals_constant_time("", ""));
    CHECK_FALSE(equals_constant_time("abc", "abd"));
    CHECK_FALSE(equals_constant_time("abc", "ab"));
}

}  // namespace

TEST_CASE("a digest of what came so far does not end the hash") {
    Sha256 hash;
    hash.update("ab");
    CHECK(hash.hex_so_far() == sha256_hex("ab"));
    hash.update("c");
    CHECK(hash.hex_so_far() == sha256_hex("abc"));
    CHECK(hash.hex_digest() == sha256_hex("abc"));
}

TEST_CASE("HMAC-SHA256 gives what RFC 4231 gives") {
    CHECK(hmac_sha256_hex(std::string(20, '\x0b'), "Hi There") ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hmac_sha256_hex(std::string(131, '\xaa'),
                          "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(hmac_sha256_hex("", "").size() == 64);
}
