// The client and the server talking to each other.
#include <doctest/doctest.h>

#include "http/client.hpp"
#include "http/server.hpp"
#include "support/loopback.hpp"

using namespace std::chrono_literals;

namespace reeld::http {
namespace {

struct Pieces final : BodyProducer {
    explicit Pieces(std::vector<std::string> list) : pieces(std::move(list)) {}
    awaitable<void> produce(BodyWriter& writer) override {
        for (auto& piece : pieces) {
            auto status = co_await writer.write(std::move(piece));
            if (!status) co_return;
        }
    }
    std::vector<std::string> pieces;
};

ServerResponse echo(const ServerRequest& request) {
    ServerResponse response;
    response.headers.add("X-Method", request.method);
    response.headers.add("X-Target", request.target);
    response.body = request.body;
    if (request.target == "/throw") throw std::runtime_error("secret words");
    if (request.target == "/drop") response.drop = true;
    if (request.target == "/inject") response.headers.add("X-Evil", "a\r\nSet-Cookie: b");
    if (request.target == "/chunked" || request.target == "/sized") {
        response.source =
            std::make_unique<Pieces>(std::vector<std::string>{"one ", "two ", "three"});
    }
    if (request.target == "/sized") response.source_size = 13;
    return response;
}

struct World {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    runtime::TaskGroup tasks{context.get_executor(), nullptr};
    test::FunctionHandler handler{echo};
    std::unique_ptr<Server> server = listen_tcp(tasks, "127.0.0.1:0", handler).value();
    std::unique_ptr<Client> client = make_client(context.get_executor(), clock, {});
    RequestOptions options = loopback_options();

    static RequestOptions loopback_options() {
        RequestOptions made;
        made.allow_plain_http = true;
        made.allow_private_addresses = true;
        return made;
    }
    Exchange call(const std::string& method, const std::string& target, std::string body = {}) {
        HttpRequest request;
        request.method = method;
        request.url = "http://" + server->address() + target;
        request.body = std::move(body);
        return test::run_for_real(context, client->send(request, options));
    }
};

}  // namespace

TEST_CASE_FIXTURE(World, "a request and its answer arrive whole, over one kept connection") {
    const std::string big(3'000'000, 'x');
    const auto first = call("POST", "/a?b=c", big);
    CHECK(first.delivery == Delivery::answered);
    CHECK(first.response.status == 200);
    CHECK(first.response.complete);
    CHECK(first.response.body == big);
    CHECK(*first.response.headers.find("x-target") == "/a?b=c");
    CHECK(call("GET", "/2").response.status == 200);
    REQUIRE(handler.requests.size() == 2);
    CHECK(handler.requests[0].peer == handler.requests[1].peer);
    CHECK(*handler.requests[0].headers.find("User-Agent") == "reeld");
    CHECK(*handler.requests[0].headers.find("Host") == server->address());
    CHECK(server->connections() == 1);
}

TEST_CASE_FIXTURE(World, "streamed bodies arrive whole, chunked or with their size") {
    const auto chunked = call("GET", "/chunked");
    CHECK(chunked.response.body == "one two three");
    CHECK(*chunked.response.headers.find("transfer-encoding") == "chunked");
    const auto sized = call("GET", "/sized");
    CHECK(sized.response.body == "one two three");
    CHECK(*sized.response.headers.find("content-length") == "13");
    CHECK(server->connections() == 1);
}

TEST_CASE_FIXTURE(World, "an answer to HEAD has the headers and no body") {
    const auto sized = call("HEAD", "/sized");
    CHECK(sized.response.complete);
    CHECK(sized.response.body.empty());
    CHECK(*sized.response.headers.find("content-length") == "13");
    CHECK(call("GET", "/after").response.status == 200);
    CHECK(server->connections() == 1);
}

TEST_CASE_FIXTURE(World, "a handler that throws gives a 500 without its words") {
    const auto thrown = call("GET", "/throw");
    CHECK(thrown.response.status == 500);
    CHECK(thrown.response.body.find("secret") == std::string::npos);
    CHECK(*thrown.response.headers.find("content-type") == "application/problem+json");
    const auto injected = call("GET", "/inject");
    CHECK(injected.response.status == 500);
    CHECK(injected.response.headers.find("set-cookie") == nullptr);
}

TEST_CASE_FIXTURE(World, "a dropped connection leaves the delivery open") {
    const auto dropped = call("POST", "/drop", "x");
    CHECK(dropped.delivery == Delivery::maybe_sent);
    CHECK(dropped.error.code() == ErrorCode::reset);
    CHECK(handler.requests.size() == 1);
}

}  // namespace reeld::http
