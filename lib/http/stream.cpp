#include "http/stream.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace reeld::http {
namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

class PlainStream final : public Stream {
  public:
    explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

    awaitable<Result<std::size_t>> read_some(std::span<char> out) override {
        const auto [failure, size] =
            co_await socket_.async_read_some(asio::buffer(out.data(), out.size()), as_values);
        if (failure == asio::error::eof) co_return std::size_t{0};
        if (failure) co_return transport_error("read", failure);
        co_return size;
    }

    awaitable<Status> write(std::string_view bytes) override {
        const auto [failure, size] = co_await asio::async_write(
            socket_, asio::buffer(bytes.data(), bytes.size()), as_values);
        written_ += size;
        if (failure) co_return transport_error("write", failure);
        co_return ok();
    }

    std::uint64_t written() const override { return written_; }

    awaitable<Status> finish() override {
        boost::system::error_code failure;
        socket_.shutdown(Socket::shutdown_send, failure);
        if (failure) co_return transport_error("close", failure);
        co_return ok();
    }

    bool spoiled() override { return peek(socket_) != Pending::nothing; }
    Socket& socket() override { return socket_; }

  private:
    Socket socket_;
    std::uint64_t written_ = 0;
};

ErrorCode code_of(const boost::system::error_code& cause) {
    if (cause == asio::error::operation_aborted) return ErrorCode::cancelled;
    if (cause == asio::error::timed_out) return ErrorCode::timeout;
    if (cause == asio::error::connection_refused || cause == asio::error::host_unreachable ||
        cause == asio::error::network_unreachable || cause == asio::error::host_not_found ||
        cause == boost::system::errc::no_such_file_or_directory) {
        return ErrorCode::unreachable;
    }
    return ErrorCode::reset;
}

}  // namespace

std::unique_ptr<Stream> make_plain_stream(Socket socket) {
    return std::make_unique<PlainStream>(std::move(socket));
}

void reset(Socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
}

Pending peek(Socket& socket) {
    char byte = 0;
    const auto got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) return Pending::bytes;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Pending::nothing;
    return Pending::end;
}

Error transport_error(std::string what, const boost::system::error_code& cause) {
    return Error(code_of(cause), std::move(what), cause);
}

}  // namespace reeld::http
