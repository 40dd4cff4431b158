// URLs as strangers write them, and headers.
#include <doctest/doctest.h>

#include "provider_api/http_message.hpp"

using namespace reeld;

namespace {

std::string host_of(std::string_view text) {
    const auto url = parse_url(text);
    return url ? url->host + ":" + url->port : "refused";
}

bool matches(std::string_view pattern, std::string_view text) {
    return host_matches(pattern, parse_url(text).value());
}

TEST_CASE("a URL falls into scheme, host, port and target") {
    const auto url = parse_url("HTTPS://Queue.Fal.RUN/a/B?c=D/e#frag");
    REQUIRE(url.has_value());
    CHECK(url->scheme == "https");
    CHECK(url->host == "queue.fal.run");
    CHECK(url->port == "443");
    CHECK(url->target == "/a/B?c=D/e");
    CHECK_FALSE(url->has_userinfo);
    CHECK(origin_of(*url) == "https://queue.fal.run:443");
    CHECK(parse_url("http://h")->target == "/");
    CHECK(parse_url("http://h?a=b")->target == "/?a=b");
    CHECK(parse_url("http://h#/x")->target == "/");
    CHECK(host_of("http://h") == "h:80");
    CHECK(host_of("http://127.0.0.1:8470/x") == "127.0.0.1:8470");
    CHECK(host_of("https://[2001:DB8::1]:8443/") == "2001:db8::1:8443");
    CHECK(origin_of(*parse_url("http://[::1]/")) == "http://[::1]:80");
}

TEST_CASE("the host is where the request goes, whatever user info and path pretend") {
    CHECK(host_of("https://fal.media@evil.test/") == "evil.test:443");
    CHECK(host_of("https://fal.media:443@evil.test/") == "evil.test:443");
    CHECK(host_of("https://a@fal.media@evil.test/") == "evil.test:443");
    CHECK(host_of("https://evil.test/@fal.media") == "evil.test:443");
    CHECK(host_of("https://evil.test?@fal.media") == "evil.test:443");
    CHECK(host_of("https://evil.test#@fal.media") == "evil.test:443");
    CHECK(parse_url("https://u:p@h.test/")->has_userinfo);
    CHECK(parse_url("https://@h.test/")->has_userinfo);
}

TEST_CASE("hostile and broken URLs are refused") {
    for (const char* text : {"",
                             "h",
                             "//h/",
                             "http:/h",
                             "http://",
                             "http:///x",
                             "http://:80/",
                             "ftp://h/",
                             "file:///etc/passwd",
                             "javascript://h/",
                             " http://h/",
                             "http://h/a b",
                             "http://h/\t",
                             "http://h/\r\nX: y",
                             "http://h\\@evil.test/",
                             "http://h/\\..",
                             "http://h\x7F/",
                             "http://h:0/",
                             "http://h:65536/",
                             "http://h:99999999999/",
                             "http://h:8a/",
                             "http://h:-1/",
                             "http://h:80:80/",
                             "http://[::1/",
                             "http://[::1]x/",
                             "http://[]/",
                             "http://[h]/",
                             "http://[::1%25eth0]/",
                             "http://::1/",
                             "http://h%2e/",
                             "http://h,i/",
                             "http://\xC3\xA9.test/",
                             "http://u@/"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_url(text).has_value());
    }
    CHECK_FALSE(parse_url(std::string_view("http://h\0.test/", 15)).has_value());
}

TEST_CASE("a pattern matches its host, a wildcard the names below it, a port only that port") {
    CHECK(matches("fal.media", "https://FAL.media/x"));
    CHECK(matches("FAL.Media", "https://fal.media/x"));
    CHECK_FALSE(matches("fal.media", "https://v3.fal.media/x"));
    CHECK_FALSE(matches("fal.media", "https://evilfal.media/x"));
    CHECK_FALSE(matches("fal.media", "https://fal.media.evil.test/x"));
    CHECK_FALSE(matches("fal.media", "https://fal.media@evil.test/x"));
    CHECK(matches("*.fal.media", "https://v3.fal.media/x"));
    CHECK(matches("*.fal.media", "https://a.b.fal.media/x"));
    CHECK_FALSE(matches("*.fal.media", "https://fal.media/x"));
    CHECK_FALSE(matches("*.fal.media", "https://evilfal.media/x"));
    CHECK(matches("127.0.0.1:8470", "http://127.0.0.1:8470/"));
    CHECK_FALSE(matches("127.0.0.1:8470", "http://127.0.0.1:8471/"));
    CHECK_FALSE(matches("127.0.0.1:8470", "http://127.0.0.1/"));
    CHECK(matches("[::1]:8470", "http://[::1]:8470/"));
    CHECK_FALSE(matches("[::1]:8470", "http://[::1]:1/"));
    CHECK(matches("[::1]", "http://[::1]:1/"));
    CHECK(matches("::1", "http://[::1]:1/"));
    for (const char* pattern : {"", "*", "*.", ":", ":443", "[", "[]", "[:", "."}) {
        CAPTURE(pattern);
        CHECK_FALSE(matches(pattern, "https://fal.media/x"));
    }
}

TEST_CASE("headers keep their order and compare names without case") {
    Headers headers;
    headers.add("Set-Cookie", "a");
    headers.add("X-One", "1");
    headers.add("set-cookie", "b");
    CHECK(*headers.find("SET-COOKIE") == "a");
    CHECK(headers.find("X-Two") == nullptr);
    headers.set("SET-cookie", "c");
    REQUIRE(headers.all().size() == 2);
    CHECK(headers.all()[1] == Header{"SET-cookie", "c"});
}

}  // namespace

TEST_CASE("a colon without a port is no URL: it is a scheme typed twice") {
    CHECK_FALSE(parse_url("http://http://127.0.0.1:1"));
    CHECK_FALSE(parse_url("https://example.com:/x"));
}
