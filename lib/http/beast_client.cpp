#include <fmt/format.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "base/retry_branch.hpp"
#include "base/secret.hpp"
#include "http/client.hpp"
#include "http/connection_pool.hpp"
#include "http/connector.hpp"
#include "http/message_rules.hpp"
#include "runtime/race.hpp"
#include "runtime/with_deadline.hpp"

namespace reeld::http {
namespace {

namespace beast = boost::beast;

constexpr std::size_t chunk = 64 * 1024;
constexpr std::uint64_t piece_max = 256 * 1024;  // of a body's source, in memory at a time
constexpr std::size_t fields_max = 500;
constexpr int interim_max = 8;  // 100, 102, 103: more is a peer at play
// A server may close an idle connection at any moment. A request that must not be repeated takes
// only one that was used a moment ago.
constexpr Millis fresh = std::chrono::seconds{2};

class MemorySink final : public BodySink {
  public:
    Status begin(const HttpResponse&) override { return ok(); }
    Status write(std::string_view bytes) override {
        body.append(bytes);
        return ok();
    }
    std::string body;
};

// Takes the response apart: the head into `response`, the body into the sink.
class ResponseParser final : public beast::http::basic_parser<false> {
  public:
    ResponseParser(BodySink& sink, const RequestOptions& options, bool head_only)
        : sink_(sink), header_max_(options.header_bytes_max) {
        header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(header_max_, 1u << 30)));
        body_limit(options.body_bytes_max);
        skip(head_only);
    }

    HttpResponse response;
    std::optional<Error> refusal;  // why the parser stopped, when it was us

  private:
    using Text = beast::string_view;
    using Code = beast::error_code;

    void stop(Error error, Code& code) {
        refusal = std::move(error);
        code = beast::http::error::bad_value;
    }
    void on_request_impl(beast::http::verb, Text, Text, int, Code&) override {}
    void on_response_impl(int status, Text, int, Code&) override { response.status = status; }
    void on_field_impl(beast::http::field field, Text name, Text value, Code& code) override {
        if (is_header_done()) return;  // trailers say nothing to us
        header_size_ += name.size() + value.size() + 4;
        if (header_size_ > header_max_ || response.headers.all().size() >= fields_max) {
            return stop(Error(ErrorCode::too_large, "the response's header"), code);
        }
        if (field == beast::http::field::transfer_encoding &&
            !equals_ignoring_case({value.data(), value.size()}, "chunked")) {
            return stop(Error(ErrorCode::corrupt, "a transfer encoding we did not ask for"), code);
        }
        response.headers.add(std::string(name), std::string(value));
    }
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
    std::size_t on_body_impl(Text body, Code& code) override {
        if (auto status = sink_.write({body.data(), body.size()}); !status) {
            stop(status.error(), code);
        }
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& code) override {
        return on_body_impl(body, code);
    }
    void on_finish_impl(Code&) override {}

    BodySink& sink_;
    std::size_t header_max_;
    std::size_t header_size_ = 0;
};

Exchange failed(Delivery delivery, Error error) {
    Exchange exchange;
    exchange.delivery = delivery;
    exchange.error = std::move(error);
    return exchange;
}

bool repeatable(const std::string& method) {
    return method == "GET" || method == "HEAD";
}

Status check(const HttpRequest& request, const RequestOptions& options,
             const std::optional<Url>& url) {
    if (!url) return Error(ErrorCode::invalid, "not an http or https URL");
    if (url->has_userinfo) return Error(ErrorCode::invalid, "a URL with user info");
    if (url->scheme == "http" && !options.allow_plain_http && options.unix_socket.empty()) {
        return Error(ErrorCode::refused, "plain http to " + url->host);
    }
    if (!is_token(request.method)) return Error(ErrorCode::invalid, "the request's method");
    for (const auto& header : request.headers.all()) {
        if (!is_token(header.name) || is_framing_field(header.name) ||
            equals_ignoring_case(header.name, "Host")) {
            return Error(ErrorCode::invalid, "a request header's name");
        }
        if (!is_field_value(header.value)) {
            return Error(ErrorCode::invalid, "the value of request header " + header.name);
        }
    }
    return ok();
}

std::string head_of(const HttpRequest& request, const Url& url, const std::string& user_agent,
                    std::uint64_t body_size) {
    const bool six = url.host.find(':') != std::string::npos;
    const bool usual_port = url.port == (url.scheme == "https" ? "443" : "80");
    std::string head =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}{}{}{}\r\n", request.method, url.target,
                    six ? "[" : "", url.host, six ? "]" : "", usual_port ? "" : ":" + url.port);
    if (!request.headers.find("User-Agent")) head += "User-Agent: " + user_agent + "\r\n";
    // Bytes are stored as they come, so nobody may wrap them on the way.
    if (!request.headers.find("Accept-Encoding")) head += "Accept-Encoding: identity\r\n";
    for (const auto& header : request.headers.all()) {
        head += header.name + ": " + header.value + "\r\n";
    }
    if (body_size > 0 || !repeatable(request.method)) {
        head += fmt::format("Content-Length: {}\r\n", body_size);
    }
    return head + "\r\n";
}

// The time left for one step: the stall limit, or less when the whole exchange has less.
class Budget {
  public:
    Budget(runtime::Clock& clock, const RequestOptions& options)
        : clock_(clock), options_(options), begun_(clock.monotonic()) {}
    Millis step() const { return bounded(options_.step_timeout); }
    Millis bounded(Millis wanted) const {
        if (options_.total_timeout <= Millis{0}) return wanted;
        const Millis left = options_.total_timeout - (clock_.monotonic() - begun_);
        return std::max(Millis{0}, std::min(wanted, left));
    }

  private:
    runtime::Clock& clock_;
    RequestOptions options_;
    Millis begun_;
};

// One request and its response on one stream.
struct Dialogue {
    Dialogue(runtime::Clock& clock, const RequestOptions& limits)
        : real_clock(clock), options(limits), budget(clock, limits) {}
    runtime::Clock& real_clock;
    RequestOptions options;
    Budget budget;
    std::unique_ptr<Stream> stream;
    beast::flat_buffer buffer;
    std::optional<Result<bool>> end;  // what the last read said, when no other can follow it
    bool reusable = false;
};

awaitable<Status> write(Dialogue& dialogue, std::string_view bytes) {
    while (!bytes.empty()) {
        // In pieces, so that a slow but moving upload is no stall.
        const auto piece = bytes.substr(0, chunk);
        auto step = dialogue.stream->write(piece);
        auto status = co_await runtime::with_deadline(dialogue.real_clock, dialogue.budget.step(),
                                                      std::move(step));
        if (!status) co_return status.error();
        bytes.remove_prefix(piece.size());
    }
    co_return ok();
}

// Reads more into the buffer; false at the end of the stream.
awaitable<Result<bool>> fill(Dialogue& dialogue) {
    if (dialogue.end) co_return *dialogue.end;
    const auto space = dialogue.buffer.prepare(chunk);
    auto read = dialogue.stream->read_some({static_cast<char*>(space.data()), space.size()});
    auto size = co_await runtime::with_deadline(dialogue.real_clock, dialogue.budget.step(),
                                                std::move(read));
    if (!size) co_return size.error();
    dialogue.buffer.commit(*size);
    co_return *size > 0;
}

Error error_of(const ResponseParser& parser, const beast::error_code& failure) {
    using beast::http::error;
    if (parser.refusal) return *parser.refusal;
    if (failure == error::header_limit) return Error(ErrorCode::too_large, "the response's header");
    if (failure == error::body_limit) return Error(ErrorCode::too_large, "the response's body");
    if (failure == error::partial_message || failure == error::end_of_stream) {
        return Error(ErrorCode::reset, "the connection ended within the response", failure);
    }
    return Error(ErrorCode::corrupt, "a response that is not HTTP", failure);
}

// Parses until the head, or the whole message, is done.
awaitable<Status> parse(Dialogue& dialogue, ResponseParser& parser, bool whole) {
    const auto buffered_max = dialogue.options.header_bytes_max + chunk;
    while (whole ? !parser.is_done() : !parser.is_header_done()) {
        beast::error_code failure;
        if (may_parse(parser, dialogue.buffer)) {
            dialogue.buffer.consume(parser.put(dialogue.buffer.data(), failure));
            if (!failure) continue;
            if (failure != beast::http::error::need_more) co_return error_of(parser, failure);
            if (dialogue.buffer.size() > buffered_max) {
                co_return Error(ErrorCode::too_large, "the response's header");
            }
        }
        auto more = co_await fill(dialogue);
        if (!more) co_return more.error();
        if (*more) continue;
        failure = {};
        // Beast insists on having seen a byte before an end.
        if (parser.got_some()) parser.put_eof(failure);
        if (!failure && parser.is_done()) break;
        co_return error_of(parser, failure ? failure : beast::http::error::partial_message);
    }
    co_return ok();
}

bool is_interim(const HttpResponse& response) {
    return response.status >= 100 && response.status < 200 && response.status != 101;
}

awaitable<Exchange> read_response(Dialogue& dialogue, BodySink& sink, bool head_only) {
    for (int count = 0; count <= interim_max; ++count) {
        ResponseParser parser(sink, dialogue.options, head_only);
        auto head = co_await parse(dialogue, parser, false);
        const bool head_came = parser.response.status >= 200 && parser.is_header_done();
        if (!head && !head_came) co_return failed(Delivery::maybe_sent, head.error());
        if (is_interim(parser.response)) continue;
        if (parser.response.status < 200) break;
        Exchange exchange;
        exchange.delivery = Delivery::answered;
        exchange.response = std::move(parser.response);
        Status status = head ? sink.begin(exchange.response) : head;
        if (status) {
            parser.eager(true);
            status = co_await parse(dialogue, parser, true);
        }
        exchange.response.complete = status.has_value();
        if (!status) exchange.error = status.error();
        dialogue.reusable = status && parser.keep_alive() && dialogue.buffer.size() == 0;
        co_return exchange;
    }
    co_return failed(Delivery::maybe_sent, Error(ErrorCode::corrupt, "no final response"));
}

// How far a request went out.
struct Sending {
    Status status = ok();
    bool whole = false;
    bool source_failed = false;  // so no answer is to be waited for
};

awaitable<Sending> send_bytes(Dialogue& dialogue, std::string head, const std::string& body) {
    Sending sending;
    const bool joined = body.size() <= chunk;
    if (joined) head += body;
    sending.status = co_await write(dialogue, head);
    if (sending.status && !joined) sending.status = co_await write(dialogue, body);
    sending.whole = sending.status.has_value();
    co_return sending;
}

// False when there is nothing to send: then the sending has failed, or is done.
bool next_piece(BodySource& body, std::uint64_t& offset, std::string& bytes, Sending& sending) {
    const std::uint64_t wanted = std::min(piece_max, body.size() - offset);
    const std::size_t before = bytes.size();
    bytes.resize(before + static_cast<std::size_t>(wanted));
    if (wanted > 0) {
        auto got = body.read(offset, {bytes.data() + before, static_cast<std::size_t>(wanted)});
        if (got && *got == 0) got = Error(ErrorCode::io, "the body is shorter than it was");
        if (!got) {
            sending.source_failed = true;
            sending.status = got.error();
            return false;
        }
        bytes.resize(before + *got);
        offset += *got;
    }
    return !bytes.empty();
}

awaitable<Status> write_pieces(Dialogue& dialogue, std::string bytes, BodySource& body,
                               Sending& sending) {
    std::uint64_t offset = 0;
    // The first piece is read before a byte goes out: a body that is gone asks nothing of anybody.
    while (next_piece(body, offset, bytes, sending)) {
        auto status = co_await write(dialogue, bytes);
        if (!status) co_return status;
        bytes.clear();
    }
    sending.whole = sending.status.has_value();
    co_return sending.status;
}

// Drops what stands before the final answer; true while nothing of that is there.
bool drop_interim(Dialogue& dialogue) {
    constexpr std::string_view interim = "HTTP/1.1 1";
    for (int count = 0; count <= interim_max; ++count) {
        const std::string_view bytes(static_cast<const char*>(dialogue.buffer.data().data()),
                                     dialogue.buffer.size());
        if (bytes.substr(0, interim.size()) != interim.substr(0, bytes.size())) return false;
        if (bytes.starts_with("HTTP/1.1 101")) return false;
        const auto end = bytes.find("\r\n\r\n");
        if (end == std::string_view::npos) {
            return bytes.size() <= dialogue.options.header_bytes_max;
        }
        dialogue.buffer.consume(end + 4);
    }
    return false;
}

// Ends when the final answer begins, or none can come any more. Its silence is no stall: the sending
// has its own limits.
awaitable<void> answer_begins(Dialogue& dialogue) {
    bool waits = true;
    while (waits) {
        const auto space = dialogue.buffer.prepare(chunk);
        const std::span<char> out(static_cast<char*>(space.data()), space.size());
        auto size = co_await dialogue.stream->read_some(out);
        if (!size && size.error().code() == ErrorCode::cancelled) co_return;
        // A second read of an ended stream would hear nothing any more.
        if (!size) dialogue.end = size.error();
        if (size && *size == 0) dialogue.end = false;
        if (dialogue.end) co_return;
        dialogue.buffer.commit(*size);
        waits = drop_interim(dialogue);
    }
}

awaitable<Sending> send_pieces(Dialogue& dialogue, std::string head, BodySource& body) {
    Sending sending;
    auto all = write_pieces(dialogue, std::move(head), body, sending);
    auto answer = answer_begins(dialogue);
    auto sent = co_await runtime::until(std::move(all), std::move(answer));
    if (sent) sending.status = *sent;
    co_return sending;
}

class BeastClient final : public Client {
  public:
    BeastClient(asio::any_io_executor executor, runtime::Clock& clock, ClientConfig config)
        : config_(std::move(config)),
          real_clock_(runtime::make_system_clock(executor)),
          connector_(executor, clock, *real_clock_, config_.ca_file),
          pool_(clock, config_.idle_per_origin_max, config_.idle_timeout) {}

    awaitable<Exchange> send(HttpRequest request, RequestOptions options) override {
        MemorySink sink;
        auto exchange = co_await run(std::move(request), nullptr, sink, std::move(options));
        exchange.response.body = std::move(sink.body);
        co_return exchange;
    }

    awaitable<Exchange> send_from(HttpRequest request, BodySource& body,
                                  RequestOptions options) override {
        MemorySink sink;
        auto exchange = co_await run(std::move(request), &body, sink, std::move(options));
        exchange.response.body = std::move(sink.body);
        co_return exchange;
    }

    awaitable<Exchange> stream(HttpRequest request, BodySink& sink,
                               RequestOptions options) override {
        return run(std::move(request), nullptr, sink, std::move(options));
    }

  private:
    awaitable<Exchange> run(HttpRequest request, BodySource* body, BodySink& sink,
                            RequestOptions options) {
        const auto url = parse_url(request.url);
        if (auto status = check(request, options, url); !status) {
            co_return failed(Delivery::not_sent, status.error());
        }
        Dialogue dialogue(*real_clock_, options);
        // A connection made under looser rules must not serve a stricter request.
        const std::string key = options.unix_socket + "|" + origin_of(*url) +
                                (options.allow_private_addresses ? "|private" : "");
        dialogue.stream =
            pool_.take(key, repeatable(request.method) ? config_.idle_timeout : fresh);
        if (!dialogue.stream) {
            auto limits = options;
            limits.connect_timeout = dialogue.budget.bounded(options.connect_timeout);
            auto made = co_await connector_.connect(*url, std::move(limits));
            if (!made) co_return failed(Delivery::not_sent, made.error());
            dialogue.stream = std::move(*made);
        }
        auto exchange = co_await converse(dialogue, request, *url, body, sink);
        if (dialogue.reusable) pool_.put(key, std::move(dialogue.stream));
        co_return exchange;
    }

    awaitable<Exchange> converse(Dialogue& dialogue, const HttpRequest& request, const Url& url,
                                 BodySource* body, BodySink& sink) {
        const std::uint64_t body_size = body ? body->size() : request.body.size();
        std::string head = head_of(request, url, config_.user_agent, body_size);
        const std::uint64_t written_before = dialogue.stream->written();
        Sending sending;
        if (body) {
            sending = co_await send_pieces(dialogue, std::move(head), *body);
        } else {
            sending = co_await send_bytes(dialogue, std::move(head), request.body);
        }
        const Status& sent = sending.status;
        // A refused first byte proves that the server knows nothing of this request.
        const bool untouched = !sent && dialogue.stream->written() == written_before;
        const Delivery delivery = untouched ? Delivery::not_sent : Delivery::maybe_sent;
        if (!sent && (sending.source_failed || sent.error().code() == ErrorCode::timeout)) {
            co_return failed(delivery, sent.error());
        }
        // A server may answer and hang up before it has read the whole body, so even after a failed
        // write an answer is looked for.
        if (!sent) retry_branch::taken(RetryBranch::exchange_read_on);
        auto exchange = co_await read_response(dialogue, sink, request.method == "HEAD");
        if (sending.whole) co_return exchange;
        dialogue.reusable = false;
        const HttpResponse& response = exchange.response;
        if (exchange.delivery != Delivery::answered) {
            exchange.delivery = delivery;
            if (!sent) exchange.error = sent.error();
        } else if (body && response.complete && response.status < 300) {
            // Of bytes that it did not have, a server cannot say that they are well.
            exchange.response.complete = false;
            exchange.error = Error(ErrorCode::corrupt, "an answer before the body was out");
        }
        co_return exchange;
    }

    ClientConfig config_;
    std::unique_ptr<runtime::Clock> real_clock_;
    Connector connector_;
    ConnectionPool pool_;
};

}  // namespace

std::unique_ptr<Client> make_client(asio::any_io_executor executor, runtime::Clock& clock,
                                    ClientConfig config) {
    return std::make_unique<BeastClient>(std::move(executor), clock, std::move(config));
}

}  // namespace reeld::http
