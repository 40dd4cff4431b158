#include "http/response_writer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "base/json.hpp"
#include "base/log.hpp"
#include "http/message_rules.hpp"
#include "http/reason.hpp"
#include "runtime/with_deadline.hpp"

namespace reeld::http {
namespace {

constexpr std::size_t piece_max = 256 * 1024;

bool has_no_body(int status) {
    return status == 204 || status == 304;
}

bool presentable(const ServerResponse& response) {
    if (response.status < 200 || response.status > 599) return false;
    for (const auto& header : response.headers.all()) {
        if (!is_token(header.name) || !is_field_value(header.value)) return false;
    }
    return true;
}

std::string head_of(const ServerResponse& response, Instant now, bool keep_alive) {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    head += fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(seconds));
    for (const auto& header : response.headers.all()) {
        if (is_framing_field(header.name) || equals_ignoring_case(header.name, "Date")) continue;
        head += header.name + ": " + header.value + "\r\n";
    }
    if (response.source && !response.source_size) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (!has_no_body(response.status)) {
        const auto size = response.source ? *response.source_size : response.body.size();
        head += fmt::format("Content-Length: {}\r\n", size);
    }
    head += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
    return head + "\r\n";
}

awaitable<Status> write_all(Serving& serving, Stream& stream, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, piece_max);
        auto step = stream.write(piece);
        auto status = co_await runtime::with_deadline(*serving.clock, serving.limits.write_timeout,
                                                      std::move(step));
        if (!status) co_return status.error();
        bytes.remove_prefix(piece.size());
    }
    co_return ok();
}

class StreamWriter final : public BodyWriter {
  public:
    StreamWriter(Serving& serving, Stream& stream, std::optional<std::uint64_t> size)
        : serving_(serving), stream_(stream), left_(size) {}

    awaitable<Status> write(std::string bytes) override {
        if (broken_) co_return Error(ErrorCode::reset, "the peer has gone");
        if (bytes.empty()) co_return ok();
        if (left_ && bytes.size() > *left_) {
            abort();
            co_return Error(ErrorCode::invalid, "a body longer than its declared size");
        }
        if (left_) {
            *left_ -= bytes.size();
        } else {
            bytes = fmt::format("{:x}\r\n", bytes.size()) + bytes + "\r\n";
        }
        auto status = co_await write_all(serving_, stream_, bytes);
        if (!status) broken_ = true;
        co_return status;
    }

    void abort() override {
        broken_ = true;
        reset(stream_.socket());
    }

    // The end of the body; false when it is not the end that was declared.
    awaitable<bool> finish() {
        if (broken_) co_return false;
        if (left_) co_return *left_ == 0;
        auto status = co_await write_all(serving_, stream_, "0\r\n\r\n");
        co_return status.has_value();
    }

  private:
    Serving& serving_;
    Stream& stream_;
    std::optional<std::uint64_t> left_;
    bool broken_ = false;
};

bool hung_up(Socket& socket) {
    pollfd look{};
    look.fd = socket.native_handle();
    look.events = POLLRDHUP;
    return ::poll(&look, 1, 0) > 0;
}

// Returns when the peer has closed its side. It takes no byte from the socket: what a peer sends
// ahead is the next request's.
awaitable<void> peer_leaves(Serving& serving, Socket& socket) {
    constexpr Millis look_again = std::chrono::milliseconds{200};
    while (true) {
        const auto [failure] =
            co_await socket.async_wait(Socket::wait_read, asio::as_tuple(asio::use_awaitable));
        if (failure || !socket.is_open()) co_return;
        if (peek(socket) == Pending::end || hung_up(socket)) co_return;
        // Bytes hide the end behind them from wait_read.
        if (peek(socket) == Pending::bytes) co_await serving.clock->sleep_for(look_again);
    }
}

// A source's failure ends the connection; a source that is cancelled because the peer left is none.
awaitable<bool> produce(BodyProducer& source, StreamWriter& writer) {
    try {
        co_await source.produce(writer);
        co_return true;
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) co_return false;
        log::error("http", "a response's source failed", {{"error", error.what()}});
    } catch (const std::exception& error) {
        log::error("http", "a response's source failed", {{"error", error.what()}});
    }
    writer.abort();
    co_return false;
}

awaitable<bool> stream_body(Serving& serving, Stream& stream, ServerResponse& response) {
    StreamWriter writer(serving, stream, response.source_size);
    auto work = produce(*response.source, writer);
    auto leaving = peer_leaves(serving, stream.socket());
    const auto done = co_await runtime::until(std::move(work), std::move(leaving));
    const bool whole = done && *done && co_await writer.finish();
    if (!whole) reset(stream.socket());
    co_return whole;
}

}  // namespace

ServerResponse problem(int status, const std::string& detail) {
    const std::string title(reason_of(status));
    std::string code = to_lower(title);
    std::replace(code.begin(), code.end(), ' ', '_');
    json::object document;
    document["type"] = "about:blank";
    document["title"] = title;
    document["status"] = status;
    document["code"] = code;
    document["detail"] = detail;
    ServerResponse response;
    response.status = status;
    response.headers.add("Content-Type", "application/problem+json");
    response.body = json::serialize(document);
    return response;
}

awaitable<bool> respond(Serving& serving, Stream& stream, ServerResponse response,
                        const std::string& method, bool keep_alive) {
    if (response.drop) {
        reset(stream.socket());
        co_return false;
    }
    if (!presentable(response)) {
        log::error("http", "a handler's response cannot be sent: bad status or header");
        response = problem(500, "the server failed");
    }
    std::string head = head_of(response, serving.clock->now(), keep_alive);
    const bool bodiless = method == "HEAD" || has_no_body(response.status);
    if (!bodiless && !response.source && response.body.size() <= piece_max) head += response.body;
    auto status = co_await write_all(serving, stream, head);
    if (status && !bodiless && response.source) {
        const bool whole = co_await stream_body(serving, stream, response);
        co_return whole&& keep_alive;
    }
    if (status && !bodiless && response.body.size() > piece_max) {
        status = co_await write_all(serving, stream, response.body);
    }
    // A peer that does not read gets no orderly goodbye either.
    if (!status) reset(stream.socket());
    co_return status&& keep_alive;
}

}  // namespace reeld::http
