// The client against addresses that hide where they lead, and answers that are meant to hurt.
#include <doctest/doctest.h>

#include "http/client.hpp"
#include "client_room.hpp"

using namespace std::chrono_literals;

namespace reeld::http {
namespace {

struct World : ClientRoom {
    std::string port() const {
        const auto url = parse_url(listener.url());
        return url->port;
    }
    test::Started<Exchange> get(const std::string& url) {
        HttpRequest request;
        request.url = url;
        request.headers.add("Authorization", "Key secret");
        return start(std::move(request));
    }
};

}  // namespace

TEST_CASE_FIXTURE(World, "no spelling of a private address is connected to") {
    options.allow_private_addresses = false;
    for (const std::string host :
         {"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1",
          "017700000001", "127.000.000.001", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.",
          "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
          "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
          "[2002:7f00:1::]", "[2001:0:7f00:1::]", "169.254.169.254", "[fd00:ec2::254]",
          "[fe80::1]", "10.0.0.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "0xa9fea9fe",
          "2852039166"}) {
        CAPTURE(host);
        const auto refused = finish(get("http://" + host + ":" + port() + "/latest/meta-data"));
        CHECK(refused.delivery == Delivery::not_sent);
        // A resolver may not know an odd spelling; it must never be a connection.
        CHECK((refused.error.code() == ErrorCode::refused ||
               refused.error.code() == ErrorCode::unreachable));
        CHECK(!listener.has_connection());
    }
}

TEST_CASE_FIXTURE(World, "what looks like an address and is none is refused as a URL") {
    for (const std::string url :
         {"http://127.0.0.1%00.fal.media/", "http://127.0.0.1\\.fal.media/", "http://a b/",
          "http://fal.media\r\n@127.0.0.1/", "http://[::1%25lo]/", "http://%31%32%37.0.0.1/",
          "http://\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1/", "http://127.0.0.1:0/",
          "http://127.0.0.1:99999/", "file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/",
          "http:127.0.0.1", "http://user@127.0.0.1/", "http://fal.media@127.0.0.1/"}) {
        CAPTURE(url);
        const auto refused = finish(get(url));
        CHECK(refused.delivery == Delivery::not_sent);
        CHECK(refused.error.code() == ErrorCode::invalid);
    }
    CHECK(!listener.has_connection());
}

TEST_CASE_FIXTURE(World, "a connection made under looser rules serves no stricter request") {
    const std::string fine = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const auto loose = get(listener.url());
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send(fine);
    CHECK(finish(loose).response.status == 200);
    options.allow_private_addresses = false;
    const auto strict = finish(get(listener.url()));
    CHECK(strict.delivery == Delivery::not_sent);
    CHECK(strict.error.code() == ErrorCode::refused);
}

TEST_CASE_FIXTURE(World, "a redirect is handed over, and nothing is sent after it") {
    test::RawListener elsewhere(context);
    for (const int status : {301, 302, 303, 307, 308}) {
        const auto call = get(listener.url());
        auto peer = listener.accept();
        peer->read_until("\r\n\r\n");
        peer->send("HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + elsewhere.url() +
                   "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        CHECK(finish(call).response.status == status);
    }
    CHECK(!elsewhere.has_connection());
}

TEST_CASE_FIXTURE(World, "a length of gigabytes is refused before a byte of it is read") {
    for (const std::string length : {"1073741825", "9223372036854775807", "18446744073709551615"}) {
        CAPTURE(length);
        const auto call = get(listener.url());
        auto peer = listener.accept();
        peer->read_until("\r\n\r\n");
        peer->send("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\nx");
        const auto refused = finish(call);
        CHECK(refused.error.code() == ErrorCode::too_large);
        CHECK(refused.response.body.empty());
    }
}

TEST_CASE_FIXTURE(World, "a body, a header and interim answers without end stop at their limits") {
    options.body_bytes_max = 100'000;
    options.header_bytes_max = 2'000;
    const auto endless = [&](const std::string& begin, const std::string& piece) {
        const auto call = get(listener.url());
        auto peer = listener.accept();
        peer->read_until("\r\n\r\n");
        peer->send(begin);
        int pieces = 0;
        while (!call.done() && pieces < 200'000) {
            for (int i = 0; i < 50; ++i, ++pieces) peer->send(piece);
            test::settle(context);
        }
        CHECK(call.done());
        peer->close();
        return finish(call);
    };
    const std::string piece(1000, 'x');
    const auto body = endless("HTTP/1.1 200 OK\r\n\r\n", piece);
    CHECK(body.error.code() == ErrorCode::too_large);
    CHECK(body.response.body.size() <= options.body_bytes_max);
    const auto chunked = endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                 "3e8\r\n" + piece + "\r\n");
    CHECK(chunked.error.code() == ErrorCode::too_large);
    CHECK(chunked.response.body.size() <= options.body_bytes_max);
    CHECK(endless("HTTP/1.1 200 OK\r\n", "X: y\r\n").error.code() == ErrorCode::too_large);
    CHECK(endless("HTTP/1.1 200 OK\r\nX: ", piece).error.code() == ErrorCode::too_large);
    CHECK(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", piece).error.code() !=
          ErrorCode::internal);
    const auto interim = endless("", "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(interim.delivery == Delivery::maybe_sent);
    CHECK(interim.error.code() == ErrorCode::corrupt);
}

TEST_CASE_FIXTURE(World, "an answer that drips ends at the total time") {
    options.step_timeout = 10s;
    options.total_timeout = 80ms;
    const auto call = get(listener.url());
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(900, 'x');
    std::size_t sent = 0;
    while (!call.done() && sent < answer.size()) {
        peer->send(answer.substr(sent++, 1));
        context.restart();
        context.run_for(1ms);
    }
    CHECK(sent < answer.size());
    CHECK(finish(call).error.code() == ErrorCode::timeout);
}

TEST_CASE_FIXTURE(World, "compression that nobody asked for is not undone") {
    const auto call = get(listener.url());
    auto peer = listener.accept();
    CHECK(peer->read_until("\r\n\r\n").find("Accept-Encoding: identity") != std::string::npos);
    peer->send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1F\x8B\x08z");
    CHECK(finish(call).response.body == "\x1F\x8B\x08z");
}

TEST_CASE_FIXTURE(World, "an answer cannot smuggle a second one to the next request") {
    const auto call = get(listener.url());
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: "
        "4\r\n\r\nevil");
    CHECK(finish(call).response.body == "ok");
    const auto next = get(listener.url());
    auto fresh = listener.accept();  // the spoiled connection is not used again
    fresh->read_until("\r\n\r\n");
    fresh->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    CHECK(finish(next).response.body == "good");
}

}  // namespace reeld::http
