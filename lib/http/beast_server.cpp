// The reading half of the server: Beast's parser under our limits and rules.
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "http/message_rules.hpp"
#include "http/request_reader.hpp"
#include "runtime/with_deadline.hpp"

namespace reeld::http {
namespace {

namespace beast = boost::beast;

constexpr std::size_t chunk = 16 * 1024;
constexpr std::size_t fields_max = 200;

bool all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

class RequestParser final : public beast::http::basic_parser<true> {
  public:
    explicit RequestParser(const ServerLimits& limits) : header_max_(limits.header_bytes_max) {
        header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(header_max_, 1u << 30)));
        body_limit(limits.body_bytes_max);
    }

    ServerRequest request;
    std::optional<Refusal> refusal;

    // What Beast lets pass but two readers could understand in two ways.
    std::optional<Refusal> ambiguity() const {
        if (hosts_ > 1 || (version_ == 11 && hosts_ == 0))
            return Refusal{400, "one Host is needed"};
        if (encodings_ > 0 && version_ < 11) return Refusal{400, "chunks need HTTP/1.1"};
        if (encodings_ > 0 && !chunked()) return Refusal{400, "only chunked is understood"};
        if (lengths_ > 1) return Refusal{400, "more than one Content-Length"};
        return std::nullopt;
    }

  private:
    using Text = beast::string_view;
    using Code = beast::error_code;

    void stop(int status, std::string detail, Code& code) {
        Refusal why{status, std::move(detail)};
        refusal = std::move(why);
        code = beast::http::error::bad_value;
    }
    void on_request_impl(beast::http::verb, Text method, Text target, int version, Code&) override {
        version_ = version;
        request.method = std::string(method);
        request.target = std::string(target);
        header_size_ = method.size() + target.size();
    }
    void on_response_impl(int, Text, int, Code&) override {}
    void on_field_impl(beast::http::field field, Text name, Text value, Code& code) override {
        if (is_header_done()) return;  // trailers say nothing to us
        header_size_ += name.size() + value.size() + 4;
        if (header_size_ > header_max_ || request.headers.all().size() >= fields_max) {
            return stop(431, "the header is too large", code);
        }
        if (field == beast::http::field::host) ++hosts_;
        if (field == beast::http::field::content_length) {
            ++lengths_;
            if (!all_digits({value.data(), value.size()})) {
                return stop(400, "Content-Length is no number", code);
            }
        }
        if (field == beast::http::field::transfer_encoding) {
            ++encodings_;
            if (!equals_ignoring_case({value.data(), value.size()}, "chunked")) {
                return stop(400, "only chunked is understood", code);
            }
        }
        request.headers.add(std::string(name), std::string(value));
    }
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
    std::size_t on_body_impl(Text body, Code&) override {
        request.body.append(body.data(), body.size());
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& code) override {
        return on_body_impl(body, code);
    }
    void on_finish_impl(Code&) override {}

    std::size_t header_max_;
    std::size_t header_size_ = 0;
    int version_ = 0;
    int hosts_ = 0;
    int lengths_ = 0;
    int encodings_ = 0;
};

Refusal refusal_of(const RequestParser& parser, const beast::error_code& failure) {
    using beast::http::error;
    if (parser.refusal) return *parser.refusal;
    if (failure == error::header_limit) return Refusal{431, "the header is too large"};
    if (failure == error::body_limit) return Refusal{413, "the body is too large"};
    return Refusal{400, "the request is malformed"};
}

}  // namespace

struct RequestReader::State {
    State(Serving& shared, Stream& connection) : serving(shared), stream(connection) {}

    // False at the end of the stream; ErrorCode::timeout when `until` has passed.
    awaitable<Result<bool>> fill(Millis until) {
        const Millis left = std::max(Millis{0}, until - serving.clock->monotonic());
        const auto space = buffer.prepare(chunk);
        auto read = stream.read_some({static_cast<char*>(space.data()), space.size()});
        auto size = co_await runtime::with_deadline(*serving.clock, left, std::move(read));
        if (!size) co_return size.error();
        buffer.commit(*size);
        co_return *size > 0;
    }

    // Parses until the head, or the whole request, is done; fills in `out` what went wrong.
    awaitable<bool> parse(RequestParser& parser, bool whole, Millis until, ReadRequest& out) {
        while (whole ? !parser.is_done() : !parser.is_header_done()) {
            if (may_parse(parser, buffer)) {
                beast::error_code failure;
                buffer.consume(parser.put(buffer.data(), failure));
                if (!failure) continue;
                const bool hungry = failure == beast::http::error::need_more;
                if (hungry && buffer.size() > serving.limits.header_bytes_max + chunk) {
                    failure = beast::http::error::header_limit;
                } else if (hungry) {
                    failure = {};
                }
                if (failure) {
                    out.refusal = refusal_of(parser, failure);
                    co_return false;
                }
            }
            auto more = co_await fill(until);
            if (more && *more) continue;
            if (!more && more.error().code() == ErrorCode::timeout) {
                Refusal late{408, "the request did not arrive in time"};
                out.refusal = std::move(late);
            } else {
                out.gone = true;
            }
            co_return false;
        }
        co_return true;
    }

    // Waits for a request's first byte.
    awaitable<bool> begins() {
        if (buffer.size() > 0) co_return true;
        if (serving.closing) co_return false;
        const Millis limit = fresh ? serving.limits.header_timeout : serving.limits.idle_timeout;
        auto more = co_await fill(serving.clock->monotonic() + limit);
        co_return more&&* more;
    }

    // Stands in the list of those that close() may end, or that may have to give way to others.
    class Entry {
      public:
        explicit Entry(State& state) : list_(state.serving.waiting) {
            place_ = list_.insert(list_.end(), Serving::Waiting{&state.stream});
        }
        ~Entry() { leave(); }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        void begin() { place_->begun = true; }
        void leave() {
            if (place_ != list_.end()) list_.erase(place_);
            place_ = list_.end();
        }

      private:
        std::list<Serving::Waiting>& list_;
        std::list<Serving::Waiting>::iterator place_;
    };

    Serving& serving;
    Stream& stream;
    beast::flat_buffer buffer;
    bool fresh = true;
};

RequestReader::RequestReader(Serving& serving, Stream& stream)
    : state_(std::make_unique<State>(serving, stream)) {}
RequestReader::~RequestReader() = default;

awaitable<ReadRequest> RequestReader::next() {
    auto& state = *state_;
    auto& clock = *state.serving.clock;
    const auto& limits = state.serving.limits;
    ReadRequest out;
    State::Entry entry(state);
    const bool begun = co_await state.begins();
    state.fresh = false;
    if (!begun) {
        out.gone = true;
        co_return out;
    }
    entry.begin();
    RequestParser parser(limits);
    const Millis head_until = clock.monotonic() + limits.header_timeout;
    const bool head = co_await state.parse(parser, false, head_until, out);
    if (!head) co_return out;
    entry.leave();
    out.refusal = parser.ambiguity();
    if (out.refusal) co_return out;
    if (const auto* expect = parser.request.headers.find("Expect")) {
        if (!equals_ignoring_case(*expect, "100-continue")) {
            Refusal unknown{417, "only 100-continue can be expected"};
            out.refusal = std::move(unknown);
            co_return out;
        }
        if (!parser.is_done() && state.buffer.size() == 0) {
            auto go_on = state.stream.write("HTTP/1.1 100 Continue\r\n\r\n");
            auto sent =
                co_await runtime::with_deadline(clock, limits.write_timeout, std::move(go_on));
            out.gone = !sent;
            if (out.gone) co_return out;
        }
    }
    parser.eager(true);
    const Millis body_until = clock.monotonic() + limits.body_timeout;
    const bool body = co_await state.parse(parser, true, body_until, out);
    if (!body) co_return out;
    out.keep_alive = parser.keep_alive();
    out.request = std::move(parser.request);
    co_return out;
}

}  // namespace reeld::http
