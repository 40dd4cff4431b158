#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstring>

#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "http/serving.hpp"

namespace reeld::http {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using Endpoint = asio::generic::stream_protocol::endpoint;

// Beyond the limit a few connections are still told why; the rest is closed.
constexpr std::size_t refusals_max = 32;

struct Listening {
    Listening(runtime::TaskGroup& group, Handler& handler, ServerLimits limits)
        : tasks(group),
          acceptor(group.executor()),
          serving(std::make_shared<Serving>(group.executor(), handler, limits)) {}
    runtime::TaskGroup& tasks;
    Acceptor acceptor;
    std::shared_ptr<Serving> serving;
    std::string address;
    struct stat socket_file {};  // of a Unix socket: what close() may remove
};

void end_reading(Serving::Waiting& waiting) {
    boost::system::error_code ignored;
    waiting.leaving = true;
    waiting.stream->socket().shutdown(Socket::shutdown_receive, ignored);
}

// Silent and dripping peers must not keep others out: the oldest of them goes, not the newcomer.
bool make_place(Serving& serving) {
    for (auto& waiting : serving.waiting) {
        if (waiting.leaving) continue;
        retry_branch::taken(RetryBranch::accept_place_made);
        end_reading(waiting);
        return true;
    }
    return false;
}

awaitable<void> accept_all(std::shared_ptr<Listening> listening) {
    auto& serving = *listening->serving;
    while (listening->acceptor.is_open()) {
        Socket socket(listening->acceptor.get_executor());
        const auto [failure] =
            co_await listening->acceptor.async_accept(socket, asio::as_tuple(asio::use_awaitable));
        if (!listening->acceptor.is_open() || failure == asio::error::operation_aborted) co_return;
        if (failure) {
            // Out of descriptors, mostly: asking again at once would spin.
            retry_branch::taken(RetryBranch::accept_refused);
            log::warning("http", "a connection cannot be accepted", {{"error", failure.message()}});
            co_await serving.clock->sleep_for(Millis{100});
            continue;
        }
        const auto open = serving.connections;
        const auto most = serving.limits.connections_max;
        if (open >= most + refusals_max) continue;
        const bool refused = open >= most && !make_place(serving);
        auto connection = serve(listening->serving, std::move(socket), refused);
        listening->tasks.spawn("connection", std::move(connection));
    }
}

class ListeningServer final : public Server {
  public:
    explicit ListeningServer(std::shared_ptr<Listening> listening)
        : listening_(std::move(listening)) {
        auto accepting = accept_all(listening_);
        listening_->tasks.spawn("accept " + listening_->address, std::move(accepting));
    }
    ~ListeningServer() override { ListeningServer::close(); }

    std::string address() const override { return listening_->address; }
    std::size_t connections() const override { return listening_->serving->connections; }

    void close() override {
        if (listening_->serving->closing) return;
        listening_->serving->closing = true;
        boost::system::error_code ignored;
        listening_->acceptor.close(ignored);
        // A connection between two exchanges reads its end now.
        for (auto& waiting : listening_->serving->waiting) {
            if (!waiting.begun) end_reading(waiting);
        }
        remove_socket_file();
    }

  private:
    void remove_socket_file() const {
        const auto& ours = listening_->socket_file;
        struct stat there {};
        if (ours.st_ino == 0 || ::lstat(listening_->address.c_str(), &there) != 0) return;
        // Another server may have taken the path since.
        if (there.st_ino == ours.st_ino && there.st_dev == ours.st_dev) {
            ::unlink(listening_->address.c_str());
        }
    }

    std::shared_ptr<Listening> listening_;
};

Error listen_error(const std::string& address, const boost::system::error_code& cause) {
    ErrorCode code = ErrorCode::io;
    if (cause == asio::error::address_in_use) code = ErrorCode::conflict;
    if (cause == asio::error::access_denied) code = ErrorCode::refused;
    if (cause == boost::system::errc::address_not_available) code = ErrorCode::invalid;
    if (cause == boost::system::errc::no_such_file_or_directory) code = ErrorCode::not_found;
    return Error(code, "listen on " + address, cause);
}

std::optional<asio::ip::tcp::endpoint> parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    std::string host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    unsigned port = 0;
    const char* end = text.data() + text.size();
    const auto [at, wrong] = std::from_chars(text.data() + colon + 1, end, port);
    if (wrong != std::errc{} || at != end || port > 65535) return std::nullopt;
    boost::system::error_code failure;
    const auto address = asio::ip::make_address(host, failure);
    if (failure || address.is_v6() != bracketed) return std::nullopt;
    return asio::ip::tcp::endpoint(address, static_cast<asio::ip::port_type>(port));
}

std::string shown(const Endpoint& local) {
    asio::ip::tcp::endpoint endpoint;
    endpoint.resize(local.size());
    std::memcpy(endpoint.data(), local.data(), local.size());
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

Status bind_tcp(Acceptor& acceptor, const asio::ip::tcp::endpoint& endpoint,
                const std::string& address) {
    boost::system::error_code failure;
    const Endpoint generic(endpoint);
    acceptor.open(generic.protocol(), failure);
    if (!failure) acceptor.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure && endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(true), failure);
    }
    if (!failure) acceptor.bind(generic, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) return listen_error(address, failure);
    return ok();
}

// Makes the path free: removes a socket nobody answers on.
Status clear_path(asio::any_io_executor executor, const std::string& path) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) return ok();
    if (!S_ISSOCK(there.st_mode)) {
        return Error(ErrorCode::conflict, "listen on " + path + ": it exists and is no socket");
    }
    boost::system::error_code failure;
    Socket probe(std::move(executor));
    const Endpoint endpoint{asio::local::stream_protocol::endpoint(path)};
    probe.open(endpoint.protocol(), failure);
    // A full backlog is an answer too; it must not be waited for.
    if (!failure) probe.non_blocking(true, failure);
    if (!failure) probe.connect(endpoint, failure);
    if (failure != asio::error::connection_refused) {
        return Error(ErrorCode::conflict, "listen on " + path + ": another server answers there");
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return listen_error(path, {errno, boost::system::system_category()});
    }
    return ok();
}

// Between looking whether anybody answers and listening, nobody else may do the same there: he would
// remove the socket of a living server.
class FolderLock {
  public:
    explicit FolderLock(const std::string& path) {
        const auto slash = path.rfind('/');
        const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
        descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        is_taken_ = descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 &&
                    errno == EWOULDBLOCK;
    }
    ~FolderLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    bool is_taken() const { return is_taken_; }

  private:
    int descriptor_ = -1;
    bool is_taken_ = false;
};

Status bind_unix(Acceptor& acceptor, const std::string& path, unsigned mode) {
    boost::system::error_code failure;
    const Endpoint endpoint{asio::local::stream_protocol::endpoint(path)};
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    // Nobody can connect before listen(), so the mode is in force in time.
    if (!failure && ::chmod(path.c_str(), mode) != 0) {
        failure.assign(errno, boost::system::system_category());
    }
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) return listen_error(path, failure);
    return ok();
}

}  // namespace

Result<std::unique_ptr<Server>> listen_tcp(runtime::TaskGroup& tasks, const std::string& address,
                                           Handler& handler, ServerLimits limits,
                                           std::optional<ServerTls> tls) {
    const auto endpoint = parse_address(address);
    if (!endpoint) {
        return Error(ErrorCode::invalid, "listen on " + address + ": not an address and a port");
    }
    auto listening = std::make_shared<Listening>(tasks, handler, limits);
    if (tls) {
        auto context = make_server_tls(tls->certificate_pem, tls->key_pem);
        if (!context) return context.error();
        listening->serving->tls = *context;
    }
    auto status = bind_tcp(listening->acceptor, *endpoint, address);
    if (!status) return status.error();
    listening->address = shown(listening->acceptor.local_endpoint());
    return std::unique_ptr<Server>(std::make_unique<ListeningServer>(std::move(listening)));
}

Result<std::unique_ptr<Server>> listen_unix(runtime::TaskGroup& tasks, const std::string& path,
                                            unsigned mode, Handler& handler, ServerLimits limits) {
    if (path.empty() || path.size() >= sizeof(sockaddr_un{}.sun_path)) {
        return Error(ErrorCode::invalid, "listen on " + path + ": empty or too long for a socket");
    }
    auto listening = std::make_shared<Listening>(tasks, handler, limits);
    const FolderLock lock(path);
    if (lock.is_taken()) {
        return Error(ErrorCode::conflict,
                     "listen on " + path + ": another server is just starting there");
    }
    auto status = clear_path(tasks.executor(), path);
    if (status) status = bind_unix(listening->acceptor, path, mode);
    if (!status) return status.error();
    listening->address = path;
    ::lstat(path.c_str(), &listening->socket_file);
    return std::unique_ptr<Server>(std::make_unique<ListeningServer>(std::move(listening)));
}

}  // namespace reeld::http
