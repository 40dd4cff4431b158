#include <sys/socket.h>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/log.hpp"
#include "http/request_reader.hpp"
#include "http/response_writer.hpp"
#include "runtime/with_deadline.hpp"

namespace reeld::http {
namespace {

struct Counted {
    explicit Counted(std::shared_ptr<Serving> owner) : serving(std::move(owner)) {
        ++serving->connections;
    }
    ~Counted() { --serving->connections; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::shared_ptr<Serving> serving;
};

std::string name_of_peer(const Socket& socket) {
    boost::system::error_code failure;
    const auto endpoint = socket.remote_endpoint(failure);
    const auto family = endpoint.protocol().family();
    if (failure || (family != AF_INET && family != AF_INET6)) return "unix";
    asio::ip::tcp::endpoint peer;
    peer.resize(endpoint.size());
    std::memcpy(peer.data(), endpoint.data(), endpoint.size());
    const std::string address = peer.address().to_string();
    const std::string port = std::to_string(peer.port());
    return family == AF_INET6 ? "[" + address + "]:" + port : address + ":" + port;
}

// Who opened the other end of a Unix socket, as the kernel saw it then.
std::optional<std::uint32_t> uid_of_peer(Socket& socket) {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return std::nullopt;
    }
    // TCP sockets answer too, with nobody.
    const bool told = credentials.pid > 0;
    return told ? std::optional<std::uint32_t>(credentials.uid) : std::nullopt;
}

awaitable<Status> drain(Stream& stream) {
    std::array<char, 4096> waste{};
    std::size_t seen = 0;
    constexpr std::size_t enough = 1024 * 1024;
    while (seen < enough) {
        auto size = co_await stream.read_some(waste);
        if (!size) co_return size.error();
        if (*size == 0) break;
        seen += *size;
    }
    co_return ok();
}

// Closes so that the peer can still read the answer: closing over unread bytes would send a reset
// that overtakes it.
awaitable<void> say_goodbye(Serving& serving, Stream& stream) {
    constexpr Millis patience = std::chrono::seconds{1};
    auto finish = stream.finish();
    auto told = co_await runtime::with_deadline(*serving.clock, patience, std::move(finish));
    if (!told) co_return;
    auto rest = drain(stream);
    static_cast<void>(co_await runtime::with_deadline(*serving.clock, patience, std::move(rest)));
}

awaitable<ServerResponse> answer(Handler& handler, ServerRequest request) {
    std::string what;
    try {
        auto response = co_await handler.handle(std::move(request));
        co_return response;
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
        what = "an exception of unknown type";
    }
    // Our own end is not the handler's failure.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    log::error("http", "a handler failed", {{"error", what}});
    co_return problem(500, "the server failed");
}

awaitable<Result<std::unique_ptr<Stream>>> open(Serving& serving, Socket socket) {
    if (!serving.tls) co_return make_plain_stream(std::move(socket));
    auto handshake = tls_accept(serving.tls, std::move(socket));
    auto stream = co_await runtime::with_deadline(*serving.clock, serving.limits.header_timeout,
                                                  std::move(handshake));
    co_return std::move(stream);
}

awaitable<void> serve_requests(Serving& serving, Stream& stream, std::string peer,
                               std::optional<std::uint32_t> uid) {
    RequestReader reader(serving, stream);
    while (true) {
        auto read = co_await reader.next();
        if (read.gone) co_return;
        if (read.refusal) {
            auto response = problem(read.refusal->status, read.refusal->detail);
            co_await respond(serving, stream, std::move(response), "GET", false);
            break;
        }
        const std::string method = read.request.method;
        read.request.peer = peer;
        read.request.peer_uid = uid;
        read.request.peer_gone = [&stream] { return peek(stream.socket()) == Pending::end; };
        auto response = co_await answer(serving.handler, std::move(read.request));
        const bool keep = read.keep_alive && !serving.closing;
        const bool usable = co_await respond(serving, stream, std::move(response), method, keep);
        if (!usable) break;
    }
    if (stream.socket().is_open()) co_await say_goodbye(serving, stream);
}

}  // namespace

awaitable<void> serve(std::shared_ptr<Serving> serving, Socket socket, bool refused) {
    const Counted counted(serving);
    boost::system::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    std::string peer = name_of_peer(socket);
    const auto uid = uid_of_peer(socket);
    auto stream = co_await open(*serving, std::move(socket));
    if (!stream) co_return;
    if (refused) {
        auto response = problem(503, "too many connections");
        co_await respond(*serving, **stream, std::move(response), "GET", false);
        co_await say_goodbye(*serving, **stream);
        co_return;
    }
    co_await serve_requests(*serving, **stream, std::move(peer), uid);
}

}  // namespace reeld::http
