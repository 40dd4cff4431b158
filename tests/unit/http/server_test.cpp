// The server against peers that are slow, hostile or gone.
#include "http/server.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "http/client.hpp"
#include "support/loopback.hpp"

using namespace std::chrono_literals;

namespace reeld::http {
namespace {

// What a streaming source saw; it outlives the source.
struct Seen {
    int pieces = 0;
    bool cancelled = false;
    bool refused = false;
};

struct Events final : BodyProducer {
    Events(runtime::Clock& time, Seen& into) : clock(time), seen(into) {}
    awaitable<void> produce(BodyWriter& writer) override {
        const Ending ending{seen};
        while (true) {
            auto status = co_await writer.write("data: x\n\n");
            seen.refused = !status;
            if (!status) co_return;
            ++seen.pieces;
            co_await clock.sleep_for(1h);
        }
    }
    struct Ending {
        Seen& seen;
        ~Ending() { seen.cancelled = true; }
    };
    runtime::Clock& clock;
    Seen& seen;
};

struct Half final : BodyProducer {
    explicit Half(bool at_once) : abort(at_once) {}
    awaitable<void> produce(BodyWriter& writer) override {
        static_cast<void>(co_await writer.write("half"));
        if (abort) writer.abort();
    }
    bool abort;
};

struct World {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    runtime::TaskGroup tasks{context.get_executor(), nullptr};
    Seen seen;
    test::FunctionHandler handler{[this](const ServerRequest& request) {
        ServerResponse response;
        response.body = "[" + request.method + " " + request.target + " " + request.body + "]";
        if (request.target == "/events") response.source = std::make_unique<Events>(clock, seen);
        if (request.target == "/abort") response.source = std::make_unique<Half>(true);
        if (request.target == "/half") response.source = std::make_unique<Half>(false);
        if (request.target == "/half") response.source_size = 8;
        if (request.target == "/drop") response.drop = true;
        return response;
    }};
    ServerLimits limits = short_limits();
    std::unique_ptr<Server> server;

    static ServerLimits short_limits() {
        ServerLimits made;
        made.header_bytes_max = 2000;
        made.body_bytes_max = 10;
        return made;
    }
    test::RawPeer& connect() {
        if (!server) server = listen_tcp(tasks, "127.0.0.1:0", handler, limits).value();
        peers.push_back(std::make_unique<test::RawPeer>(context, server->address()));
        return *peers.back();
    }
    std::string all_of(const std::string& bytes) {
        auto& peer = connect();
        peer.send(bytes);
        return peer.read_to_end();
    }
    std::vector<std::unique_ptr<test::RawPeer>> peers;
};

bool refused_with(const std::string& answer, int status) {
    return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ") &&
           answer.find("application/problem+json") != std::string::npos &&
           answer.find("Connection: close") != std::string::npos;
}

// While it lives the process can open so many files more.
class FewDescriptors {
  public:
    explicit FewDescriptors(rlim_t more) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(next);
        rlimit few = before_;
        few.rlim_cur = static_cast<rlim_t>(next) + more;
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;

  private:
    rlimit before_{};
};

}  // namespace

TEST_CASE_FIXTURE(World, "malformed and ambiguous requests are refused and reach no handler") {
    for (const std::string bytes : {
             "nonsense\r\n\r\n",
             "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
             "chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
             "3\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabc",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\nabc",
             "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         }) {
        CAPTURE(bytes);
        CHECK(refused_with(all_of(bytes), 400));
    }
    CHECK(handler.requests.empty());
}

TEST_CASE_FIXTURE(World, "headers and bodies beyond their limits are refused") {
    CHECK(refused_with(all_of("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x')), 431));
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 250; ++i)
        many += "X:y\r\n";
    CHECK(refused_with(all_of(many + "\r\n"), 431));
    CHECK(refused_with(all_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"), 413));
    CHECK(refused_with(all_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n"),
                       413));
    CHECK(handler.requests.empty());
}

TEST_CASE_FIXTURE(World, "a large body that is refused does not hide the answer behind a reset") {
    auto& peer = connect();
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" +
              std::string(500'000, 'x'));
    CHECK(refused_with(peer.read_to_end(), 413));
    CHECK(!peer.was_reset());
}

TEST_CASE_FIXTURE(World,
                  "slow headers, slow bodies and silent peers cost no more than their time") {
    limits.header_timeout = 40ms;
    limits.body_timeout = 40ms;
    limits.idle_timeout = 40ms;
    auto& dripping = connect();
    dripping.send("GET / HT");
    CHECK(refused_with(dripping.read_to_end(), 408));
    CHECK(refused_with(all_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"), 408));
    CHECK(all_of("").empty());
    const auto served = all_of("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(served.ends_with("[GET /a ]"));
    peers.clear();
    test::settle(context);
    CHECK(server->connections() == 0);
}

TEST_CASE_FIXTURE(World, "pipelined requests are served in order until one is garbage") {
    const auto answer = all_of(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: "
        "2\r\n\r\nab"
        "\x01garbage\r\n\r\n");
    CHECK(answer.find("[GET /1 ]") < answer.find("[POST /2 ab]"));
    CHECK(answer.find("[POST /2 ab]") < answer.find("400 Bad Request"));
    CHECK(handler.requests.size() == 2);
}

TEST_CASE_FIXTURE(World, "a body is asked for only when it will be taken") {
    auto& peer = connect();
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(peer.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("ab");
    CHECK(peer.read_until("]").ends_with("[POST / ab]"));
    CHECK(refused_with(all_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n"
                              "Expect: 100-continue\r\n\r\n"),
                       413));
    CHECK(refused_with(all_of("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"), 417));
}

TEST_CASE_FIXTURE(World, "a connection beyond the limit is answered 503 and closed") {
    limits.connections_max = 1;
    auto& first = connect();
    first.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    first.read_until("data: x");
    CHECK(refused_with(connect().read_to_end(), 503));
    CHECK(!seen.cancelled);
    peers.clear();
    for (int turn = 0; turn < 1000 && server->connections() > 0; ++turn) {
        context.restart();
        context.run_for(1ms);
    }
    CHECK(server->connections() == 0);
}

TEST_CASE_FIXTURE(World, "silent and dripping peers in any number keep nobody out") {
    limits.connections_max = 4;
    auto& busy = connect();
    busy.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    busy.read_until("data: x");
    for (int i = 0; i < 100; ++i) {
        auto& hostile = connect();
        if (i % 2 == 0) hostile.send("GET / HTTP/1.1\r\nHo");
        CHECK(server->connections() <= 5);
    }
    CHECK(all_of("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ends_with("[GET /a ]"));
    CHECK(peers[1]->read_to_end().empty());  // the oldest went first
    CHECK(!seen.cancelled);                  // and never one that is being served
}

TEST_CASE_FIXTURE(World, "a connection that finds no descriptor left is accepted once there is one") {
    connect();
    {
        const FewDescriptors few(1);
        connect();
        CHECK(server->connections() == 1);
    }
    peers.back()->send("GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(peers.back()->read_to_end().find("[GET /late ]") != std::string::npos);
}

TEST_CASE_FIXTURE(World, "a smuggled second request is never seen as one") {
    const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const std::string head : {
             "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
             "Transfer-Encoding: \x0B" "chunked\r\n\r\n0\r\n\r\n",
             "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
             "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
             "Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
             "Content-Length: 0, 0\r\n\r\n",
             "Content-Length: 0x0\r\n\r\n",
             "Content-Length: -1\r\n\r\n",
             "Content-Length: 18446744073709551616\r\n\r\n",
             "Content-Length: 0\n\n",
             "X: a\nContent-Length: 0\r\n\r\n",
             "X: a\rContent-Length: 0\r\n\r\n",
         }) {
        CAPTURE(head);
        const auto answer = all_of("POST / HTTP/1.1\r\nHost: a\r\n" + head + hidden);
        CHECK(answer.find("/hidden") == std::string::npos);
        CHECK((answer.starts_with("HTTP/1.1 4") || answer.empty()));
    }
    for (const auto& request : handler.requests) CHECK(request.target != "/hidden");
}

TEST_CASE_FIXTURE(World, "the end of a chunked body may come in any pieces") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string body : {"0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n", "0;e\r\nT: v\r\n\r\n"}) {
        for (std::size_t cut = 0; cut < body.size(); ++cut) {
            CAPTURE(cut);
            auto& peer = connect();
            peer.send(head + body.substr(0, cut));
            for (const char c : body.substr(cut)) peer.send(std::string(1, c));
            CHECK(peer.read_until("]").ends_with(body.find('x') == body.npos ? "[POST / ]"
                                                                             : "[POST / x]"));
        }
    }
}

TEST_CASE_FIXTURE(World, "a chunked body that never ends stops at its limit") {
    std::string bomb = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 5'000; ++i) bomb += "1\r\nx\r\n";
    CHECK(refused_with(all_of(bomb), 413));
    for (const std::string size : {"FFFFFFFFFFFFFFFF", "10000000000000000", "7FFFFFFF", "-1"}) {
        CAPTURE(size);
        const auto answer = all_of(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + size + "\r\nabc");
        CHECK((refused_with(answer, 413) || refused_with(answer, 400)));
    }
    const std::string extension(40'000, 'e');
    CHECK(all_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + extension)
              .starts_with("HTTP/1.1 4"));
    const std::string trailers(40'000, 't');
    CHECK(all_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + trailers)
              .starts_with("HTTP/1.1 4"));
    CHECK(handler.requests.empty());
}

TEST_CASE_FIXTURE(World, "a header that never ends stops at its limit, however it is cut") {
    auto& peer = connect();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 300 && !peer.was_reset(); ++i) peer.send("X-" + std::to_string(i) + ": y\r\n");
    CHECK(refused_with(peer.read_to_end(), 431));
    CHECK(all_of("GET /" + std::string(60'000, 'a')).starts_with("HTTP/1.1 4"));
    CHECK(handler.requests.empty());
}

TEST_CASE_FIXTURE(World, "a drip of a byte at a time is no way around the header's time") {
    limits.header_timeout = 60ms;
    auto& peer = connect();
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(500, 'x');
    std::size_t sent = 0;
    while (sent < head.size() && server->connections() > 0) {
        peer.send(head.substr(sent++, 1));
        context.restart();
        context.run_for(2ms);
    }
    CHECK(sent < head.size());
    CHECK(refused_with(peer.read_to_end(), 408));
}

TEST_CASE_FIXTURE(World, "abort, drop and a body shorter than declared are seen as a reset") {
    for (const std::string target : {"/abort", "/drop", "/half"}) {
        CAPTURE(target);
        auto& peer = connect();
        peer.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
        peer.read_to_end();
        CHECK(peer.was_reset());
    }
}

TEST_CASE_FIXTURE(World, "an event stream ends its source when the peer leaves while it waits") {
    auto& peer = connect();
    peer.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(peer.read_until("data: x\n\n").find("chunked") != std::string::npos);
    clock.advance(1h);
    test::settle(context);
    CHECK(seen.pieces == 2);
    CHECK(!seen.cancelled);
    peer.close();
    for (int turn = 0; turn < 1000 && server->connections() > 0; ++turn) {
        context.restart();
        context.run_for(1ms);
    }
    CHECK(seen.cancelled);
    CHECK(server->connections() == 0);
    CHECK(clock.sleepers() == 0);
}

TEST_CASE_FIXTURE(World, "a closed server takes nobody new, ends idle peers and can be stopped") {
    auto& idle = connect();
    auto& busy = connect();
    busy.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    busy.read_until("data");
    const std::string address = server->address();
    server->close();
    CHECK(idle.read_to_end().empty());
    CHECK_THROWS(test::RawPeer(context, address));
    CHECK(server->connections() == 1);
    tasks.stop();
    test::settle(context);
    CHECK(tasks.size() == 0);
    CHECK(seen.cancelled);
}

TEST_CASE_FIXTURE(World, "an address that cannot be had tells why") {
    connect();
    const auto taken = listen_tcp(tasks, server->address(), handler);
    CHECK(taken.error().code() == ErrorCode::conflict);
    CHECK(taken.error().message().find(server->address()) != std::string::npos);
    for (const std::string bad : {"", "127.0.0.1", "127.0.0.1:99999", "::1:0", "host:1", "[::1]"}) {
        CAPTURE(bad);
        CHECK(listen_tcp(tasks, bad, handler).error().code() == ErrorCode::invalid);
    }
    const auto six = listen_tcp(tasks, "[::1]:0", handler);
    if (six) CHECK((*six)->address().starts_with("[::1]:"));
}

TEST_CASE_FIXTURE(World, "a unix socket has its mode, replaces a dead one and refuses a live one") {
    namespace fs = std::filesystem;
    std::string folder = (fs::temp_directory_path() / "reeld-test-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::string path = folder + "/s";
    {
        boost::asio::io_context other;
        runtime::TaskGroup group(other.get_executor(), nullptr);
        auto leaked = listen_unix(group, path, 0600, handler).value();
        fs::rename(path, folder + "/dead");  // as after a crash: the file stays, nobody listens
    }
    fs::rename(folder + "/dead", path);
    server = listen_unix(tasks, path, 0660, handler).value();
    CHECK(server->address() == path);
    struct stat info {};
    ::stat(path.c_str(), &info);
    CHECK((info.st_mode & 0777) == 0660);
    CHECK(listen_unix(tasks, path, 0600, handler).error().code() == ErrorCode::conflict);

    const auto client = make_client(context.get_executor(), clock, {});
    HttpRequest request;
    request.url = "http://reeld/v1/status";
    RequestOptions options;
    options.unix_socket = path;
    const auto answer = test::run_for_real(context, client->send(request, options));
    CHECK(answer.response.body == "[GET /v1/status ]");
    CHECK(handler.requests.back().peer == "unix");
    CHECK(handler.requests.back().peer_uid == ::getuid());
    options.unix_socket = folder + "/none";
    const auto missing = test::run_for_real(context, client->send(request, options));
    CHECK(missing.delivery == Delivery::not_sent);
    CHECK(missing.error.code() == ErrorCode::unreachable);

    server->close();
    CHECK(!fs::exists(path));
    std::filesystem::remove_all(folder);
}

TEST_CASE("a target is split into its path and decoded query") {
    const auto target = parse_target("/v1/jobs?state=queued&label.k=a%20b+c&flag&&x=1&x=2").value();
    CHECK(target.path == "/v1/jobs");
    CHECK(target.get("state") == "queued");
    CHECK(target.get("label.k") == "a b c");
    CHECK(target.get("flag") == "");
    CHECK(target.get("x") == "1");
    CHECK(!target.get("y"));
    for (const std::string bad :
         {"", "*", "v1", "http://a/b", "/%", "/%zz", "/?a=%1", "/a b", "/#x", "/%ff", "/\xC0\xAF",
          "/?a=%C0%AF", "/?%ED%A0%80=b"}) {
        CAPTURE(bad);
        CHECK(!parse_target(bad));
    }
}

}  // namespace reeld::http
