#pragma once
// The HTTP/1.1 client. Keeps connections alive per origin, verifies TLS with the system's CAs, never
// follows a redirect, never repeats a request on its own.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "provider_api/http_message.hpp"
#include "runtime/clock.hpp"

namespace reeld::http {

namespace asio = boost::asio;

template <class T>
using awaitable = runtime::awaitable<T>;

struct RequestOptions {
    Millis connect_timeout{10'000};  // lookup, connect and TLS, each
    Millis step_timeout{30'000};     // no byte moved in either direction: the stall limit
    Millis total_timeout{60'000};    // 0: none
    std::size_t header_bytes_max = 64 * 1024;
    std::uint64_t body_bytes_max = 8 * 1024 * 1024;
    bool allow_plain_http = false;
    bool allow_private_addresses = false;  // loopback, link-local, RFC 1918, ULA, CGNAT …
    std::string unix_socket;               // path: connect there instead of to the URL's host
};

// Takes a body as it comes.
class BodySink {
  public:
    virtual ~BodySink() = default;
    // The head, before the first byte. An error ends the exchange; it is returned as its error.
    virtual Status begin(const HttpResponse& head) = 0;
    virtual Status write(std::string_view bytes) = 0;
};

// Gives a body as it goes out.
class BodySource {
  public:
    virtual ~BodySource() = default;
    virtual std::uint64_t size() const = 0;
    // The bytes from `offset` on: how many were put into `out`. Asked in order, never past size(). An
    // error, or nothing, ends the exchange.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> out) = 0;
};

class Client {
  public:
    virtual ~Client() = default;
    // The whole body in memory, at most body_bytes_max.
    virtual awaitable<Exchange> send(HttpRequest request, RequestOptions options) = 0;
    // The body goes to `sink`, which must outlive the await; Exchange::response.body stays empty.
    virtual awaitable<Exchange> stream(HttpRequest request, BodySink& sink,
                                       RequestOptions options) = 0;
    // The request's body comes from `body`, which must outlive the await, and nothing of it from
    // HttpRequest::body. An answer that comes earlier ends the sending; a success that came before
    // the body was out is not complete. A failure of `body` is returned as the exchange's error.
    virtual awaitable<Exchange> send_from(HttpRequest request, BodySource& body,
                                          RequestOptions options) = 0;
};

struct ClientConfig {
    std::string user_agent = "reeld";
    std::string ca_file;                  // PEM; empty: the system's CAs
    std::size_t idle_per_origin_max = 64;
    Millis idle_timeout{30'000};
};

std::unique_ptr<Client> make_client(asio::any_io_executor executor, runtime::Clock& clock,
                                    ClientConfig config);

// True for an address that is not on the public internet.
bool is_private_address(std::string_view address);

}  // namespace reeld::http
