#include "http/connector.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/retry_branch.hpp"
#include "runtime/with_deadline.hpp"

namespace reeld::http {
namespace {

using Endpoint = asio::generic::stream_protocol::endpoint;

awaitable<Status> connect_to(Socket& socket, Endpoint endpoint, std::string what) {
    const auto [failure] =
        co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (failure) co_return Error(ErrorCode::unreachable, what, failure);
    co_return ok();
}

// No byte of a request has left, whatever the transport calls the failure.
Error as_unreachable(const Error& error, const std::string& what) {
    if (error.code() == ErrorCode::timeout)
        return Error(error.code(), what + ": " + error.message());
    return error;
}

}  // namespace

Connector::Connector(asio::any_io_executor executor, runtime::Clock& clock,
                     runtime::Clock& real_clock, std::string ca_file)
    : executor_(executor),
      real_clock_(real_clock),
      resolver_(executor, clock, real_clock),
      ca_file_(std::move(ca_file)) {}

awaitable<Result<Socket>> Connector::connect_unix(std::string path, Millis limit) {
    Socket socket(executor_);
    if (path.size() >= sizeof(sockaddr_un{}.sun_path)) {
        co_return Error(ErrorCode::invalid, "the socket path is too long: " + path);
    }
    const Endpoint endpoint{asio::local::stream_protocol::endpoint(path)};
    auto attempt = connect_to(socket, endpoint, "connect to " + path);
    auto status = co_await runtime::with_deadline(real_clock_, limit, std::move(attempt));
    if (!status) co_return as_unreachable(status.error(), "connect to " + path);
    co_return std::move(socket);
}

awaitable<Result<Socket>> Connector::connect_tcp(Url url, RequestOptions options) {
    auto addresses = co_await resolver_.lookup(url.host, options.connect_timeout);
    if (!addresses) co_return addresses.error();
    co_return co_await connect_any(std::move(*addresses), std::move(url), std::move(options));
}

awaitable<Result<Socket>> Connector::connect_any(std::vector<asio::ip::address> addresses, Url url,
                                                 RequestOptions options) {
    Error last(ErrorCode::unreachable, "no address for " + url.host);
    const Millis begun = real_clock_.monotonic();
    const auto port = static_cast<asio::ip::port_type>(std::stoi(url.port));
    auto left = static_cast<Millis::rep>(addresses.size());
    for (const auto& address : addresses) {
        const auto spent = real_clock_.monotonic() - begun;
        // An unreachable first address must leave time for the others.
        const Millis share = (options.connect_timeout - spent) / left--;
        const std::string name = address.to_string();
        if (!options.allow_private_addresses && is_private_address(name)) {
            last = Error(ErrorCode::refused, url.host + " is a private address: " + name);
            continue;
        }
        Socket socket(executor_);
        const std::string what = "connect to " + url.host + " (" + name + ")";
        const Endpoint endpoint{asio::ip::tcp::endpoint(address, port)};
        auto attempt = connect_to(socket, endpoint, what);
        auto status = co_await runtime::with_deadline(real_clock_, share, std::move(attempt));
        if (status) {
            boost::system::error_code ignored;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            co_return std::move(socket);
        }
        if (left > 0) retry_branch::taken(RetryBranch::connect_next_address);
        last = as_unreachable(status.error(), what);
    }
    co_return last;
}

awaitable<Result<std::unique_ptr<Stream>>> Connector::connect(Url url, RequestOptions options) {
    if (!options.unix_socket.empty()) {
        auto socket = co_await connect_unix(options.unix_socket, options.connect_timeout);
        if (!socket) co_return socket.error();
        co_return make_plain_stream(std::move(*socket));
    }
    const bool secure = url.scheme == "https";
    if (secure && !tls_) tls_.emplace(make_client_tls(ca_file_));
    if (secure && !*tls_) co_return tls_->error();
    auto socket = co_await connect_tcp(url, options);
    if (!socket) co_return socket.error();
    if (!secure) co_return make_plain_stream(std::move(*socket));
    auto handshake = tls_connect(**tls_, std::move(*socket), url.host);
    auto stream =
        co_await runtime::with_deadline(real_clock_, options.connect_timeout, std::move(handshake));
    if (!stream) co_return as_unreachable(stream.error(), "TLS with " + url.host);
    co_return std::move(stream);
}

}  // namespace reeld::http
