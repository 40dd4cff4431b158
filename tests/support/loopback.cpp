#include "support/loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace reeld::test {
namespace {

constexpr int turns_max = 5000;  // of two milliseconds: a test that hangs must fail

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// Without this the second of two small sends waits 40 ms for the first one's acknowledgement, and a
// test that looks at the connection right after it finds nothing there.
void send_at_once(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Turns the loop until the descriptor can be read.
void wait_readable(boost::asio::io_context& context, int fd) {
    for (int turn = 0; turn < turns_max; ++turn) {
        settle(context);
        pollfd look{fd, POLLIN, 0};
        if (::poll(&look, 1, 2) > 0) return;
    }
    throw std::runtime_error("nothing came over the socket");
}

}  // namespace

RawPeer::RawPeer(boost::asio::io_context& context, const std::string& address)
    : context_(context), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto there = loopback(std::stoi(address.substr(address.rfind(':') + 1)));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
        throw std::runtime_error("cannot connect to " + address);
    }
    send_at_once(fd_);
    settle(context_);
}

RawPeer::RawPeer(boost::asio::io_context& context, int accepted_fd)
    : context_(context), fd_(accepted_fd) {
    send_at_once(fd_);
}

RawPeer::~RawPeer() {
    close();
}

void RawPeer::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    settle(context_);
}

void RawPeer::send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto step =
            ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        settle(context_);
        if (step < 0 && errno == EAGAIN) continue;
        if (step < 0) return;  // the far end hung up: what it said is still to be read
        sent += static_cast<std::size_t>(step);
    }
}

bool RawPeer::read_more(std::string& into) {
    if (ended_) return false;
    wait_readable(context_, fd_);
    char bytes[65536];
    const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got > 0) into.append(bytes, static_cast<std::size_t>(got));
    if (got < 0) reset_ = errno == ECONNRESET;
    if (got <= 0) ended_ = true;
    return got > 0;
}

std::string RawPeer::read_until(const std::string& mark) {
    while (left_.find(mark) == std::string::npos && read_more(left_)) {
    }
    const auto at = left_.find(mark);
    const auto size = at == std::string::npos ? left_.size() : at + mark.size();
    std::string taken = left_.substr(0, size);
    left_.erase(0, size);
    return taken;
}

std::string RawPeer::read_to_end() {
    while (read_more(left_)) {
    }
    return std::exchange(left_, {});
}

std::size_t RawPeer::skip(std::size_t bytes) {
    std::size_t dropped = 0;
    while (dropped < bytes && (!left_.empty() || read_more(left_))) {
        const std::size_t count = std::min(left_.size(), bytes - dropped);
        left_.erase(0, count);
        dropped += count;
    }
    return dropped;
}

RawListener::RawListener(boost::asio::io_context& context)
    : context_(context), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto here = loopback(0);
    socklen_t size = sizeof here;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&here), size) != 0 || ::listen(fd_, 16) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size) != 0) {
        throw std::runtime_error("cannot listen on the loopback");
    }
    port_ = ntohs(here.sin_port);
}

RawListener::~RawListener() {
    ::close(fd_);
}

std::string RawListener::url(const std::string& target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + target;
}

std::unique_ptr<RawPeer> RawListener::accept() {
    wait_readable(context_, fd_);
    return std::make_unique<RawPeer>(context_, ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

bool RawListener::has_connection() {
    settle(context_);
    pollfd look{fd_, POLLIN, 0};
    return ::poll(&look, 1, 0) > 0;
}

}  // namespace reeld::test
