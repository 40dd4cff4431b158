// The client against peers that no server of ours would be.
#include "http/client.hpp"

#include <doctest/doctest.h>

#include "client_room.hpp"

using namespace std::chrono_literals;

namespace reeld::http {
namespace {

struct World : ClientRoom {
    test::Started<Exchange> get(const std::string& method = "GET") {
        HttpRequest request;
        request.method = method;
        request.url = listener.url();
        return start(std::move(request));
    }
    // One exchange whose whole answer is `bytes`; the connection ends after them.
    Exchange answered(const std::string& bytes) {
        const auto call = get();
        auto peer = listener.accept();
        peer->read_until("\r\n\r\n");
        peer->send(bytes);
        peer->close();
        return finish(call);
    }
};

struct RefusingSink final : BodySink {
    Status begin(const HttpResponse&) override { return ok(); }
    Status write(std::string_view) override { return Error(ErrorCode::disk_full, "no room"); }
};

}  // namespace

TEST_CASE_FIXTURE(World,
                  "a request that would break out of its head is refused before it is sent") {
    for (const std::string& bad : {std::string("a\r\nb: c"), std::string("a\nb"),
                                   std::string("a\rb"), std::string("a\0b", 3)}) {
        HttpRequest request;
        request.url = listener.url();
        request.headers.add("X", bad);
        const auto refused = finish(start(request));
        CHECK(refused.delivery == Delivery::not_sent);
        CHECK(refused.error.code() == ErrorCode::invalid);
    }
    HttpRequest request;
    request.url = listener.url("/a\r\nHost: evil");
    CHECK(finish(start(request)).error.code() == ErrorCode::invalid);
    request.url = listener.url();
    request.method = "GET / HTTP/1.1\r\n";
    CHECK(finish(start(request)).error.code() == ErrorCode::invalid);
    request.method = "GET";
    request.headers.add("Content-Length", "5");
    CHECK(finish(start(request)).error.code() == ErrorCode::invalid);
    CHECK(!listener.has_connection());
}

TEST_CASE_FIXTURE(World, "plain http and private addresses are refused unless they are allowed") {
    options.allow_private_addresses = false;
    const auto address = finish(get());
    CHECK(address.delivery == Delivery::not_sent);
    CHECK(address.error.code() == ErrorCode::refused);
    HttpRequest named;
    named.url = "http://localhost:1/";
    CHECK(finish(start(named)).error.code() == ErrorCode::refused);
    options.allow_private_addresses = true;
    options.allow_plain_http = false;
    CHECK(finish(get()).error.code() == ErrorCode::refused);
    CHECK(!listener.has_connection());
}

TEST_CASE_FIXTURE(World, "a refused connection is told as not sent") {
    HttpRequest request;
    request.url = "http://127.0.0.1:1/";
    const auto failed = finish(start(request));
    CHECK(failed.delivery == Delivery::not_sent);
    CHECK(failed.error.code() == ErrorCode::unreachable);
}

TEST_CASE_FIXTURE(World, "a body that ends early is answered but not complete") {
    const auto sized = answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    CHECK(sized.delivery == Delivery::answered);
    CHECK(!sized.response.complete);
    CHECK(sized.response.body == "half");
    CHECK(sized.error.code() == ErrorCode::reset);
    const auto chunked =
        answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    CHECK(!chunked.response.complete);
    const auto open_ended = answered("HTTP/1.1 200 OK\r\n\r\nall of it");
    CHECK(open_ended.response.complete);
    CHECK(open_ended.response.body == "all of it");
}

TEST_CASE_FIXTURE(World, "an answer without an understandable head leaves the delivery open") {
    for (const std::string bytes :
         {"", "HTTP/1.1 200", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"}) {
        CAPTURE(bytes);
        const auto garbled = answered(bytes);
        CHECK(garbled.delivery == Delivery::maybe_sent);
        CHECK(!garbled.error.message().empty());
    }
}

TEST_CASE_FIXTURE(World, "an answer to a request that did not go out whole is read all the same") {
    HttpRequest request;
    request.method = "POST";
    request.url = listener.url();
    request.body.assign(32 * 1024 * 1024, 'x');
    const auto call = start(std::move(request));
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    peer->close();
    const auto ended = finish(call);
    CHECK(ended.delivery == Delivery::answered);
    CHECK(ended.response.status == 413);
}

TEST_CASE_FIXTURE(World, "interim answers are passed over") {
    const auto ended = answered(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
    CHECK(ended.response.status == 202);
    CHECK(ended.response.body == "ok");
    CHECK(ended.response.headers.find("Link") == nullptr);
}

TEST_CASE_FIXTURE(World, "header and body limits of the answer are kept") {
    options.header_bytes_max = 1000;
    options.body_bytes_max = 5;
    const auto header = answered("HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'x') + "\r\n\r\n");
    CHECK(header.delivery == Delivery::maybe_sent);
    CHECK(header.error.code() == ErrorCode::too_large);
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 300; ++i)
        many += "X: 1234\r\n";
    CHECK(answered(many + "\r\n").error.code() == ErrorCode::too_large);
    const auto body = answered("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456");
    CHECK(body.delivery == Delivery::answered);
    CHECK(!body.response.complete);
    CHECK(body.error.code() == ErrorCode::too_large);
    const auto unsaid = answered("HTTP/1.1 200 OK\r\n\r\n123456");
    CHECK(unsaid.error.code() == ErrorCode::too_large);
}

TEST_CASE_FIXTURE(World, "a stalled answer ends at the step limit, a dripping one at the total") {
    options.step_timeout = 30ms;
    const auto stalled = get();
    auto peer = listener.accept();
    const auto silent = finish(stalled);
    CHECK(silent.delivery == Delivery::maybe_sent);
    CHECK(silent.error.code() == ErrorCode::timeout);
    const auto half = get();
    peer = listener.accept();
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    const auto cut = finish(half);
    CHECK(cut.delivery == Delivery::answered);
    CHECK(cut.error.code() == ErrorCode::timeout);
    CHECK(cut.response.body == "some");
    options.step_timeout = 10s;
    options.total_timeout = 40ms;
    const auto late = get();
    peer = listener.accept();
    peer->send("HTTP/1.1 200 OK\r\n");
    CHECK(finish(late).error.code() == ErrorCode::timeout);
}

TEST_CASE_FIXTURE(World, "the end of a chunked answer may come in any pieces") {
    const auto call = get();
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char c : std::string("0\r\n\r\n")) peer->send(std::string(1, c));
    const auto whole = finish(call);
    CHECK(whole.response.complete);
    CHECK(whole.response.body.empty());
}

TEST_CASE_FIXTURE(World, "an error of the sink ends the exchange and is handed back") {
    RefusingSink sink;
    HttpRequest request;
    request.url = listener.url();
    const test::Started<Exchange> call(context, client->stream(request, sink, options));
    auto peer = listener.accept();
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    const auto ended = finish(call);
    CHECK(ended.delivery == Delivery::answered);
    CHECK(!ended.response.complete);
    CHECK(ended.error.code() == ErrorCode::disk_full);
}

TEST_CASE_FIXTURE(World, "a kept connection is reused only while it is alive, clean and recent") {
    const std::string fine = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const auto serve_one = [&](test::RawPeer& peer, const test::Started<Exchange>& call) {
        peer.read_until("\r\n\r\n");
        peer.send(fine);
        return finish(call).response.status;
    };
    auto call = get();
    auto peer = listener.accept();
    CHECK(serve_one(*peer, call) == 200);
    call = get("POST");
    test::settle(context);
    CHECK(!listener.has_connection());
    CHECK(serve_one(*peer, call) == 200);
    clock.advance(3s);  // too long ago for a request that must not be sent twice
    call = get("POST");
    auto second = listener.accept();
    CHECK(serve_one(*second, call) == 200);
    second->close();
    peer->send("HTTP/1.1 408 Request Timeout\r\n\r\n");  // nobody asked
    call = get();
    auto third = listener.accept();
    CHECK(serve_one(*third, call) == 200);
    clock.advance(31s);
    call = get();
    auto fourth = listener.accept();
    CHECK(serve_one(*fourth, call) == 200);
}

TEST_CASE_FIXTURE(World, "a cancelled exchange closes its connection") {
    runtime::TaskGroup tasks(context.get_executor(), nullptr);
    struct Run {
        static awaitable<void> get(Client& client, std::string url, RequestOptions options) {
            HttpRequest request;
            request.url = std::move(url);
            static_cast<void>(co_await client.send(std::move(request), std::move(options)));
        }
    };
    tasks.spawn("get", Run::get(*client, listener.url(), options));
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    tasks.stop();
    test::settle(context);
    CHECK(tasks.size() == 0);
    CHECK(peer->read_to_end().empty());
}

TEST_CASE("addresses off the public internet are known") {
    for (const std::string address : {"0.0.0.0",
                                      "10.1.2.3",
                                      "100.64.0.1",
                                      "127.0.0.1",
                                      "169.254.169.254",
                                      "172.31.255.255",
                                      "192.0.0.8",
                                      "192.168.1.1",
                                      "198.19.0.1",
                                      "224.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "fd00::1",
                                      "fe80::1",
                                      "fe80::1%1",
                                      "ff02::1",
                                      "::ffff:8.8.8.8",
                                      "64:ff9b::1",
                                      "64:ff9b:1::7f00:1",
                                      "::127.0.0.1",
                                      "::ffff:0:7f00:1",
                                      "2001:0:7f00:1::",
                                      "fec0::1",
                                      "100::1",
                                      "3fff::1",
                                      "5f00::1",
                                      "2002::1",
                                      "nonsense",
                                      ""}) {
        CAPTURE(address);
        CHECK(is_private_address(address));
    }
    for (const std::string address : {"8.8.8.8", "100.63.0.1", "100.128.0.1", "172.32.0.1",
                                      "172.15.0.1", "198.20.0.1", "2606:4700::1111", "2a00::1", "3ffe::1"}) {
        CAPTURE(address);
        CHECK(!is_private_address(address));
    }
}

}  // namespace reeld::http
