#pragma once
// The HTTP/1.1 server for TCP and Unix sockets. A slow or hostile peer costs one bounded connection.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "provider_api/http_message.hpp"
#include "runtime/task_group.hpp"

namespace reeld::http {

namespace asio = boost::asio;
template <class T>
using awaitable = runtime::awaitable<T>;

// Where a streamed body goes. Both calls fail once the peer has gone.
class BodyWriter {
  public:
    virtual ~BodyWriter() = default;
    virtual awaitable<Status> write(std::string bytes) = 0;
    // Ends the connection at once, mid-body (RST): for simulating a failing server.
    virtual void abort() = 0;
};

// Makes a body piece by piece; owned by the response.
class BodyProducer {
  public:
    virtual ~BodyProducer() = default;
    virtual awaitable<void> produce(BodyWriter& writer) = 0;
};

struct ServerRequest {
    std::string method;
    std::string target;  // as sent: path and query
    Headers headers;
    std::string body;
    std::string peer;    // "127.0.0.1:55044", "unix"
    std::optional<std::uint32_t> peer_uid;  // of a Unix socket's other end, when the system tells it
    // True once the peer has closed: nobody waits for the answer. For handlers that take long;
    // valid until the answer is given, empty in a request that came over no connection.
    std::function<bool()> peer_gone;
};

struct ServerResponse {
    int status = 200;
    Headers headers;      // without Content-Length, Connection, Date
    std::string body;
    // A streamed body instead of `body`: with its exact size when known, else chunked.
    std::unique_ptr<BodyProducer> source;
    std::optional<std::uint64_t> source_size;
    bool drop = false;    // close without an answer (RST): for simulating a failing server
};

class Handler {
  public:
    virtual ~Handler() = default;
    // An exception that leaves it becomes a 500 without details and is logged.
    virtual awaitable<ServerResponse> handle(ServerRequest request) = 0;
};

struct ServerLimits {
    Millis header_timeout{10'000};
    Millis body_timeout{30'000};
    Millis idle_timeout{60'000};
    Millis write_timeout{30'000};
    std::size_t header_bytes_max = 32 * 1024;
    std::uint64_t body_bytes_max = 4 * 1024 * 1024;
    // Beyond it the connection that has been silent for longest before its request's head gives way;
    // when all are being served, the next one is answered 503 and closed.
    std::size_t connections_max = 256;
};

struct ServerTls {
    std::string certificate_pem;
    std::string key_pem;
};

class Server {
  public:
    virtual ~Server() = default;
    // "127.0.0.1:40123", "[::1]:40123", or the socket's path.
    virtual std::string address() const = 0;
    virtual std::size_t connections() const = 0;
    // Stops accepting; open exchanges go on until the TaskGroup is stopped.
    virtual void close() = 0;
};

// Errors on the server's side of a request that never reached a handler (malformed, too large, too
// slow) are answered with 400, 413, 431, 408 and an application/problem+json body.
Result<std::unique_ptr<Server>> listen_tcp(runtime::TaskGroup& tasks, const std::string& address,
                                           Handler& handler, ServerLimits limits = {},
                                           std::optional<ServerTls> tls = std::nullopt);
// Replaces a dead socket file, refuses one that answers. `mode` as for chmod.
Result<std::unique_ptr<Server>> listen_unix(runtime::TaskGroup& tasks, const std::string& path,
                                            unsigned mode, Handler& handler,
                                            ServerLimits limits = {});

// Path and query of a target.
struct Target {
    std::string path;  // percent-decoded segments are the reader's business
    std::vector<std::pair<std::string, std::string>> query;  // decoded
    std::optional<std::string> get(std::string_view name) const;  // the first value
};
// Nothing for a target that is not an absolute path, holds a broken %xx or decodes to no UTF-8.
std::optional<Target> parse_target(std::string_view text);

}  // namespace reeld::http
