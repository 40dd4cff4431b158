// Bodies that are read as they go out.
#include <doctest/doctest.h>

#include "runtime/task_group.hpp"
#include "support/whole_body.hpp"
#include "unit/http/client_room.hpp"

using namespace std::chrono_literals;

namespace reeld::http {
namespace {

struct UploadRoom : ClientRoom {
    test::Started<Exchange> put(BodySource& body) {
        HttpRequest request;
        request.method = "PUT";
        request.url = listener.url("/put/1?sig=2");
        request.headers.add("Content-Type", "image/png");
        return test::Started<Exchange>(context,
                                       client->send_from(std::move(request), body, options));
    }
};

std::string some_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    return bytes;
}

const std::string ended = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

TEST_CASE_FIXTURE(UploadRoom, "a body goes out piece by piece, in order, with its length told first") {
    const std::string bytes = some_bytes(700'000) + "END.";
    test::TextBody body(bytes);
    const auto call = put(body);
    auto peer = listener.accept();
    const std::string head = peer->read_until("\r\n\r\n");
    CHECK(head.starts_with("PUT /put/1?sig=2 HTTP/1.1\r\n"));
    CHECK(head.find("\r\nContent-Length: 700004\r\n") != std::string::npos);
    CHECK(head.find("\r\nContent-Type: image/png\r\n") != std::string::npos);
    CHECK(peer->read_until("END.") == bytes);
    peer->send(ended);
    const auto exchange = finish(call);
    CHECK(exchange.delivery == Delivery::answered);
    CHECK(exchange.response.complete);
    CHECK(exchange.response.body == "{}");
    CHECK(body.reads == std::vector<std::uint64_t>{0, 262'144, 524'288});
    // All was said on both sides, so the connection serves the next request.
    test::TextBody next("second");
    const auto again = put(next);
    CHECK(peer->read_until("second").ends_with("\r\n\r\nsecond"));
    CHECK(!listener.has_connection());
    peer->send(ended);
    CHECK(finish(again).response.status == 200);
}

TEST_CASE_FIXTURE(UploadRoom, "an empty body is sent as one") {
    test::TextBody body("");
    const auto call = put(body);
    auto peer = listener.accept();
    CHECK(peer->read_until("\r\n\r\n").find("Content-Length: 0\r\n") != std::string::npos);
    peer->send(ended);
    CHECK(finish(call).response.complete);
    CHECK(body.reads.empty());
}

TEST_CASE_FIXTURE(UploadRoom, "an answer that comes before the body is out ends the sending") {
    test::TextBody body(std::string(64 * 1024 * 1024, 'b'));
    const auto call = put(body);
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    // The peer reads no more and does not hang up either.
    peer->send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    const auto exchange = finish(call);
    CHECK(exchange.delivery == Delivery::answered);
    CHECK(exchange.response.status == 413);
    CHECK(exchange.response.complete);
    CHECK(exchange.response.body == "big");
    CHECK(body.reads.size() < 200);
    // The rest of the body is still owed on that connection.
    test::TextBody next("x");
    const auto again = put(next);
    auto other = listener.accept();
    other->read_until("\r\n\r\nx");
    other->send(ended);
    CHECK(finish(again).response.status == 200);
}

TEST_CASE_FIXTURE(UploadRoom, "a success that comes before the body is out is no success") {
    test::TextBody body(std::string(64 * 1024 * 1024, 'b'));
    const auto call = put(body);
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send(ended);
    const auto exchange = finish(call);
    CHECK(exchange.delivery == Delivery::answered);
    CHECK(!exchange.response.complete);
    CHECK(exchange.error.code() == ErrorCode::corrupt);
}

TEST_CASE_FIXTURE(UploadRoom, "interim answers do not end the sending") {
    const std::string bytes = std::string(20 * 1024 * 1024, 'b') + "END.";
    test::TextBody body(bytes);
    const auto call = put(body);
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLi");
    peer->send("nk: x\r\n\r\n");
    CHECK(peer->skip(bytes.size() - 4) == bytes.size() - 4);
    CHECK(peer->read_until("END.") == "END.");
    peer->send(ended);
    const auto exchange = finish(call);
    CHECK(exchange.response.status == 200);
    CHECK(exchange.response.complete);
    CHECK(exchange.response.headers.find("Link") == nullptr);
}

TEST_CASE_FIXTURE(UploadRoom, "a body that stalls ends at the step limit, one that moves does not") {
    options.step_timeout = 300ms;
    options.total_timeout = 0ms;
    test::TextBody stuck(std::string(64 * 1024 * 1024, 'b'));
    const auto call = put(stuck);
    auto peer = listener.accept();
    const auto late = finish(call);
    CHECK(late.delivery == Delivery::maybe_sent);
    CHECK(late.error.code() == ErrorCode::timeout);
    constexpr std::size_t size = 48 * 1024 * 1024;
    test::TextBody moving(std::string(size, 'b'));
    const auto slow = put(moving);
    peer = listener.accept();
    peer->read_until("\r\n\r\n");
    // Over more than two limits in all, and never one of them without a byte.
    for (int turn = 0; turn < 32; ++turn) {
        CHECK(!slow.done());
        context.restart();
        context.run_for(20ms);
        CHECK(peer->skip(size / 32) == size / 32);
    }
    peer->send(ended);
    CHECK(finish(slow).response.status == 200);
}

TEST_CASE_FIXTURE(UploadRoom, "a body that is gone before its first byte sends nothing") {
    test::TextBody body(some_bytes(1000));
    body.fails_at = 0;
    const auto call = put(body);
    auto peer = listener.accept();
    const auto exchange = finish(call);
    CHECK(exchange.delivery == Delivery::not_sent);
    CHECK(exchange.error.code() == ErrorCode::io);
    CHECK(exchange.error.message() == "the file is gone");
    CHECK(peer->read_to_end().empty());
}

TEST_CASE_FIXTURE(UploadRoom, "a body that fails on the way ends the exchange with its own error") {
    test::TextBody body(some_bytes(2'000'000));
    body.fails_at = 1'000'000;
    const auto call = put(body);
    auto peer = listener.accept();
    const std::string got = peer->read_to_end();
    const auto exchange = finish(call);
    CHECK(exchange.delivery == Delivery::maybe_sent);
    CHECK(exchange.error.message() == "the file is gone");
    CHECK(got.size() < 1'200'000);
}

TEST_CASE_FIXTURE(UploadRoom, "a peer that ends within the body leaves the delivery open") {
    test::TextBody body(std::string(64 * 1024 * 1024, 'b'));
    const auto call = put(body);
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    peer->close();
    const auto exchange = finish(call);
    CHECK(exchange.delivery == Delivery::maybe_sent);
    CHECK(exchange.error.code() == ErrorCode::reset);
}

TEST_CASE_FIXTURE(UploadRoom, "an upload that is cancelled closes its connection") {
    test::TextBody body(std::string(64 * 1024 * 1024, 'b'));
    runtime::TaskGroup tasks(context.get_executor(), nullptr);
    struct Run {
        static awaitable<void> put(Client& client, std::string url, BodySource& body,
                                   RequestOptions options) {
            HttpRequest request;
            request.method = "PUT";
            request.url = std::move(url);
            static_cast<void>(
                co_await client.send_from(std::move(request), body, std::move(options)));
        }
    };
    tasks.spawn("put", Run::put(*client, listener.url(), body, options));
    auto peer = listener.accept();
    peer->read_until("\r\n\r\n");
    tasks.stop();
    test::settle(context);
    CHECK(tasks.size() == 0);
    CHECK(peer->read_to_end().size() < 64 * 1024 * 1024);
}

}  // namespace
}  // namespace reeld::http
