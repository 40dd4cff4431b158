// The client's half of HTTP: a whole answer over a Unix socket, and where a redirect may lead.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstring>

#include "engine/fetch_policy.hpp"
#include "fuzz/target.hpp"
#include "http/client.hpp"
#include "http/message_rules.hpp"
#include "support/run_loop.hpp"

namespace reeld::fuzz {
namespace {

constexpr std::size_t body_max = 4096;

// A listening socket without a file: its name begins with a zero byte.
class Listener {
  public:
    Listener()
        : name_(std::string(1, '\0') + "reeld-fuzz-" + std::to_string(::getpid())),
          fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name_.data(), name_.size());
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
            ::listen(fd_, 4) != 0) {
            throw std::runtime_error("cannot listen on an abstract socket");
        }
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    const std::string& name() const { return name_; }
    int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }

  private:
    std::string name_;
    int fd_;
};

struct CountingSink final : http::BodySink {
    Status begin(const HttpResponse& got) override {
        must(heads++ == 0, "one head");
        head = got;
        return ok();
    }
    Status write(std::string_view bytes) override {
        must(heads == 1, "a head before its body");
        size += bytes.size();
        return ok();
    }
    HttpResponse head;
    int heads = 0;
    std::size_t size = 0;
};

Exchange exchange_with(std::string_view answer, const std::string& method, CountingSink& sink) {
    static const Listener listener;
    boost::asio::io_context context;
    test::FakeClock clock(context.get_executor());
    http::ClientConfig config;
    config.idle_per_origin_max = 0;
    const auto client = http::make_client(context.get_executor(), clock, config);
    HttpRequest request;
    request.method = method;
    request.url = "http://peer/";
    http::RequestOptions options;
    options.unix_socket = listener.name();
    options.header_bytes_max = 1024;
    options.body_bytes_max = body_max;
    const test::Started<Exchange> call(context, client->stream(request, sink, options));
    test::settle(context);
    const int peer = listener.accept();
    must(peer >= 0, "the client connects");
    static_cast<void>(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL));
    ::shutdown(peer, SHUT_WR);
    context.restart();
    while (!call.done() && context.run_one() > 0) {
    }
    ::close(peer);
    return call.get();
}

std::optional<std::uint64_t> told_length(const HttpResponse& head) {
    const std::string* text = head.headers.find("Content-Length");
    std::uint64_t length = 0;
    if (text == nullptr || text->empty()) return std::nullopt;
    const char* end = text->data() + text->size();
    const auto [at, wrong] = std::from_chars(text->data(), end, length);
    if (wrong != std::errc{} || at != end) return std::nullopt;
    return length;
}

}  // namespace

void run_http_response(std::string_view input) {
    for (const std::string method : {"GET", "HEAD"}) {
        CountingSink sink;
        const Exchange exchange = exchange_with(input.substr(0, 32 * 1024), method, sink);
        must(exchange.delivery != Delivery::not_sent, "the request left");
        must(sink.size <= body_max, "a bounded body");
        if (exchange.delivery != Delivery::answered) {
            must(sink.heads == 0 && !exchange.error.message().empty(), "an error in words");
            continue;
        }
        const auto& response = exchange.response;
        must(response.status >= 200 && response.status <= 999, "a final status");
        for (const auto& header : response.headers.all()) {
            must(http::is_token(header.name), "a field name");
            must(http::is_field_value(header.value), "a field value without line ends");
        }
        const auto length = told_length(response);
        const bool bodiless =
            method == "HEAD" || response.status == 204 || response.status == 304;
        if (bodiless) must(sink.size == 0, "no body where there is none");
        if (!response.complete || bodiless || !length) continue;
        if (response.headers.find("Transfer-Encoding") != nullptr) continue;
        must(sink.size == *length, "a whole body has the length that was told");
    }
}

void run_redirect(std::string_view input) {
    static const engine::FetchHosts hosts{{"fal.media", "*.fal.media"}, {"127.0.0.1:8470"}};
    Lines lines(input);
    const std::string base(lines.next());
    const std::string_view location = lines.next();
    if (const auto hop = engine::check_hop(base, hosts)) {
        const auto url = parse_url(hop->url);
        must(url && !url->has_userinfo, "a URL that names nobody");
        const bool ours = url->host == "127.0.0.1" && url->port == "8470";
        const bool media = url->host == "fal.media" || url->host.ends_with(".fal.media");
        must(ours || (media && url->scheme == "https"), "an allowed place: " + base);
        must(hop->named == ours, "only what the user named may be private");
    }
    if (const auto next = engine::resolve_location(base, location)) {
        const auto url = parse_url(*next);
        must(url.has_value() && next->find('#') == std::string::npos, "a URL to go on with");
        const auto from = parse_url(base);
        const bool elsewhere = origin_of(*url) != origin_of(*from);
        must(!elsewhere || location.find("//") != std::string_view::npos ||
                 location.find(':') != std::string_view::npos,
             "a relative redirect stays where it is");
    }
    Headers headers;
    headers.add("Content-Range", std::string(location));
    headers.add("Content-Length", base);
    headers.add("ETag", std::string(lines.next()));
    headers.add("Last-Modified", std::string(lines.next()));
    if (const auto range = engine::read_content_range(headers); range && !range->unsatisfied) {
        must(range->first <= range->last, "a range has a begin and an end");
        must(!range->total || range->last < *range->total, "a range lies within its file");
    }
    static_cast<void>(engine::read_content_length(headers));
    const std::string validator = engine::read_validator(headers);
    must(validator.empty() || validator.front() == '"' || parse_http_date(validator), "strong");
}

}  // namespace reeld::fuzz
