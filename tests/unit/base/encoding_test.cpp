// Bytes as text, and what is text at all.
#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace reeld;

namespace {

std::string all_bytes() {
    std::string bytes;
    for (int i = 0; i < 256; ++i)
        bytes.push_back(static_cast<char>(i));
    return bytes;
}

TEST_CASE("every byte survives hex, base64url and percent-encoding") {
    const std::string bytes = all_bytes();
    CHECK(from_hex(to_hex(bytes)) == bytes);
    CHECK(percent_decode(percent_encode(bytes)) == bytes);
    for (std::size_t length = 0; length < 10; ++length) {
        CHECK(from_base64url(to_base64url(bytes.substr(250 - length, length))) ==
              bytes.substr(250 - length, length));
    }
}

TEST_CASE("hex takes either case and refuses odd lengths and other signs") {
    CHECK(to_hex("\xAB\x01") == "ab01");
    CHECK(from_hex("aBfF") == "\xAB\xFF");
    for (const char* text : {"a", "abc", "0x", "g0", "a ", "-1"})
        CHECK_FALSE(from_hex(text));
}

TEST_CASE("base64 gives the vectors of RFC 4648") {
    CHECK(to_base64("") == "");
    CHECK(to_base64("f") == "Zg==");
    CHECK(to_base64("fo") == "Zm8=");
    CHECK(to_base64("foobar") == "Zm9vYmFy");
    CHECK(to_base64url("\xFB\xFF") == "-_8");
    CHECK(from_base64url("-_8") == "\xFB\xFF");
    CHECK(from_base64url("Zg==") == "f");
    for (const char* text : {"A", "AAAAA", "Zm9v!", "Zm 9", "Z=g="}) {
        CHECK_FALSE(from_base64url(text));
    }
}

TEST_CASE("percent-encoding leaves the unreserved alone and refuses a broken escape") {
    CHECK(percent_encode("a/b c?~-._%") == "a%2Fb%20c%3F~-._%25");
    CHECK(percent_decode("a%2fb+c") == "a/b+c");
    for (const char* text : {"%", "%4", "%zz", "a%2", "%%41"})
        CHECK_FALSE(percent_decode(text));
}

TEST_CASE("UTF-8 is well-formed, shortest, within Unicode and no surrogate") {
    for (const char* text : {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8E\xAC",
                             "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        CHECK(is_utf8(text));
    }
    for (const char* text :
         {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xE2\x28\xA1", "\xFF"}) {
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("clipping cuts no character in two and stops at the first bad byte") {
    const std::string text = "a\xE2\x82\xAC\xC3\xA9";
    CHECK(clip_utf8(text, 100) == text);
    CHECK(clip_utf8(text, 5) == "a\xE2\x82\xAC");
    CHECK(clip_utf8(text, 3) == "a");
    CHECK(clip_utf8(text, 0).empty());
    CHECK(clip_utf8("ab\xFF"
                    "c",
                    4) == "ab");
}

TEST_CASE("letters compare without case in ASCII only") {
    CHECK(to_lower("Content-TYPE\xC3\x89") == "content-type\xC3\x89");
    CHECK(equals_ignoring_case("ETag", "etag"));
    CHECK_FALSE(equals_ignoring_case("etag", "etags"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));
}

}  // namespace
