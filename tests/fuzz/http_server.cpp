// The server's half of HTTP: the request reader on bytes that come in any pieces, and a whole
// connection over a socket pair.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "fuzz/target.hpp"
#include "http/message_rules.hpp"
#include "http/request_reader.hpp"
#include "http/response_writer.hpp"
#include "support/run_loop.hpp"

namespace reeld::fuzz {
namespace {

using http::Socket;

// Gives a text in pieces, then the end.
class TextStream final : public http::Stream {
  public:
    TextStream(boost::asio::io_context& context, std::string_view text, std::size_t piece)
        : text_(text), piece_(piece), socket_(context) {}

    http::awaitable<Result<std::size_t>> read_some(std::span<char> out) override {
        const std::size_t size = std::min({out.size(), piece_, text_.size()});
        std::copy_n(text_.begin(), size, out.begin());
        text_.remove_prefix(size);
        co_return size;
    }
    http::awaitable<Status> write(std::string_view) override { co_return ok(); }
    std::uint64_t written() const override { return 0; }
    http::awaitable<Status> finish() override { co_return ok(); }
    bool spoiled() override { return false; }
    Socket& socket() override { return socket_; }

  private:
    std::string_view text_;
    std::size_t piece_;
    Socket socket_;
};

// Tells its caller what it got, in the head and in the body.
class Echo final : public http::Handler {
  public:
    http::awaitable<http::ServerResponse> handle(http::ServerRequest request) override {
        http::ServerResponse response;
        response.headers.add("X-Target", request.target);
        for (const auto& header : request.headers.all()) {
            response.headers.add("X-Echo", header.value);
        }
        response.body = request.body;
        co_return response;
    }
};

http::ServerLimits small_limits() {
    http::ServerLimits limits;
    limits.header_bytes_max = 1024;
    limits.body_bytes_max = 512;
    return limits;
}

struct Read {
    std::vector<std::string> requests;
    int refusal = 0;
};

void check(const http::ServerRequest& request) {
    must(http::is_token(request.method), "a method");
    must(request.body.size() <= small_limits().body_bytes_max, "a bounded body");
    for (const auto& header : request.headers.all()) {
        must(http::is_token(header.name), "a field name");
        must(http::is_field_value(header.value), "a field value without line ends");
    }
    must(request.target.find_first_of(" \r\n\t") == std::string::npos, "one target");
}

http::awaitable<Read> read_all(http::Serving& serving, http::Stream& stream) {
    http::RequestReader reader(serving, stream);
    Read all;
    while (true) {
        auto read = co_await reader.next();
        if (read.gone) co_return all;
        if (read.refusal) {
            all.refusal = read.refusal->status;
            co_return all;
        }
        check(read.request);
        all.requests.push_back(read.request.method + " " + read.request.target + " " +
                               read.request.body);
        if (!read.keep_alive) co_return all;
    }
}

Read read_in_pieces(std::string_view input, std::size_t piece) {
    boost::asio::io_context context;
    Echo echo;
    http::Serving serving(context.get_executor(), echo, small_limits());
    TextStream stream(context, input, piece);
    const test::Started<Read> started(context, read_all(serving, stream));
    test::settle(context);
    return started.get();
}

std::string talk(std::string_view input) {
    boost::asio::io_context context;
    Echo echo;
    auto serving =
        std::make_shared<http::Serving>(context.get_executor(), echo, small_limits());
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
    Socket socket(context, boost::asio::generic::stream_protocol(AF_UNIX, 0), ends[0]);
    const auto sent = ::send(ends[1], input.data(), input.size(), MSG_NOSIGNAL);
    must(sent == static_cast<ssize_t>(input.size()), "the pair's buffer holds the input");
    ::shutdown(ends[1], SHUT_WR);
    bool ended = false;
    auto on_end = [&ended](std::exception_ptr) { ended = true; };
    boost::asio::co_spawn(context, http::serve(serving, std::move(socket), false), on_end);
    std::string answer;
    std::array<char, 16 * 1024> bytes{};
    while (true) {
        test::settle(context);
        const auto got = ::recv(ends[1], bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got > 0) answer.append(bytes.data(), static_cast<std::size_t>(got));
        if (got <= 0 && ended) break;
        if (got == 0) break;
    }
    ::close(ends[1]);
    test::settle(context);
    must(ended && serving->connections == 0, "the connection has ended");
    return answer;
}

// One response at the front of the text, taken off; false when there is none.
bool take_response(std::string_view& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    std::string_view head = text.substr(0, end);
    text.remove_prefix(end + 4);
    must(head.starts_with("HTTP/1.1 "), "a status line");
    std::size_t length = 0;
    int lengths = 0;
    while (!head.empty()) {
        const auto line_end = std::min(head.find("\r\n"), head.size());
        const std::string_view line = head.substr(0, line_end);
        must(http::is_field_value(line), "no stray line end in the head");
        constexpr std::string_view name = "Content-Length: ";
        if (line.starts_with(name)) {
            length = std::stoul(std::string(line.substr(name.size())));
            ++lengths;
        }
        head.remove_prefix(std::min(line_end + 2, head.size()));
    }
    must(lengths <= 1 && length <= text.size(), "a body of the length that was told");
    text.remove_prefix(length);
    return true;
}

}  // namespace

void run_http_request(std::string_view input) {
    const Read whole = read_in_pieces(input, input.size() + 1);
    const Read dripped = read_in_pieces(input, 1);
    // How a refusal is worded may depend on where the bytes were cut, who is served may not.
    must(whole.requests == dripped.requests,
         "the same bytes are the same requests, however they come");
}

void run_http_connection(std::string_view input) {
    const std::string answer = talk(input.substr(0, 4096));
    std::string_view rest = answer;
    while (!rest.empty()) {
        // An interim answer has no body.
        constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        if (rest.starts_with(go_on)) rest.remove_prefix(go_on.size());
        if (rest.empty()) return;
        must(take_response(rest), "whole responses");
    }
}

}  // namespace reeld::fuzz
