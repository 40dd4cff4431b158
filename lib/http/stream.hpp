#pragma once
// Private to this room: a connected byte stream, plain or TLS, over TCP or a Unix socket.
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "runtime/clock.hpp"

namespace reeld::http {

namespace asio = boost::asio;
template <class T>
using awaitable = runtime::awaitable<T>;

using Socket = asio::basic_stream_socket<asio::generic::stream_protocol>;

class Stream {
  public:
    virtual ~Stream() = default;
    // 0: the peer has ended its side.
    virtual awaitable<Result<std::size_t>> read_some(std::span<char> out) = 0;
    virtual awaitable<Status> write(
        std::string_view bytes) = 0;  // all of it; bytes outlive the await
    // What the peer can have read of all that was written so far, at most. Of a TLS record that did
    // not go out whole nothing can be read.
    virtual std::uint64_t written() const = 0;
    // Tells the peer that no more comes (TLS close_notify, then FIN).
    virtual awaitable<Status> finish() = 0;
    // True when the peer closed or sent something nobody asked for: not fit for another request.
    virtual bool spoiled() = 0;
    virtual Socket& socket() = 0;
};

std::unique_ptr<Stream> make_plain_stream(Socket socket);

// Ends the connection so that the peer sees a reset, not an end.
void reset(Socket& socket);
// Looks at the socket without taking a byte.
enum class Pending { nothing, bytes, end };
Pending peek(Socket& socket);

Error transport_error(std::string what, const boost::system::error_code& cause);

}  // namespace reeld::http
