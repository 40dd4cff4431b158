#include "sandbox/host.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace reeld::sandbox {

namespace {

constexpr Millis idle_wait{60'000};
constexpr std::uint64_t request_bytes_max = 128ULL * 1024 * 1024;  // an upload in one piece

using runtime::awaitable;

// A body that ends too early, or comes slowly, or both.
class FaultyBody final : public http::BodyProducer {
  public:
    FaultyBody(runtime::Clock& clock, const Answer& answer)
        : clock_(clock),
          body_(answer.body),
          cut_after_(answer.cut_after),
          bytes_per_second_(answer.bytes_per_second) {}

    awaitable<void> produce(http::BodyWriter& writer) override {
        const std::size_t end = std::min(cut_after_.value_or(body_.size()), body_.size());
        const std::size_t step =
            bytes_per_second_ ? std::max<std::size_t>(*bytes_per_second_ / 4, 1) : body_.size();
        for (std::size_t at = 0; at < end; at += step) {
            std::string piece = body_.substr(at, std::min(step, end - at));
            const Status written = co_await writer.write(std::move(piece));
            if (!written) co_return;
            if (bytes_per_second_) co_await clock_.sleep_for(Millis{250});
        }
        if (end < body_.size()) writer.abort();
    }

  private:
    runtime::Clock& clock_;
    std::string body_;
    std::optional<std::size_t> cut_after_;
    std::optional<std::size_t> bytes_per_second_;
};

// Status events until the job is done.
class EventBody final : public http::BodyProducer {
  public:
    EventBody(runtime::Clock& clock, Service& service, StatusStream stream)
        : clock_(clock), service_(service), stream_(std::move(stream)) {}

    awaitable<void> produce(http::BodyWriter& writer) override {
        for (;;) {
            StreamStep step = service_.stream(stream_, clock_.now());
            if (!step.bytes.empty()) {
                const Status written = co_await writer.write(std::move(step.bytes));
                if (!written) co_return;
            }
            if (step.broken) writer.abort();
            if (step.ended) co_return;
            const Millis pause = std::max(step.again_at - clock_.now(), Millis{1});
            co_await clock_.sleep_for(pause);
        }
    }

  private:
    runtime::Clock& clock_;
    Service& service_;
    StatusStream stream_;
};

}  // namespace

Host::Host(runtime::TaskGroup& tasks, runtime::Clock& clock, http::Client& client, Options options)
    : tasks_(tasks),
      clock_(clock),
      client_(client),
      service_(std::move(options)),
      changed_(tasks.executor()) {}

Status Host::listen(const std::string& where) {
    http::ServerLimits limits;
    limits.body_bytes_max = request_bytes_max;
    auto server = http::listen_tcp(tasks_, where, *this, limits);
    if (!server) return server.error();
    server_ = std::move(*server);
    if (url().empty()) service_.set_public_url(address());
    tasks_.spawn("sandbox webhooks", run_webhooks());
    return ok();
}

void Host::close() {
    if (server_) server_->close();
}

awaitable<http::ServerResponse> Host::handle(http::ServerRequest request) {
    HttpRequest plain;
    plain.method = std::move(request.method);
    plain.url = std::move(request.target);
    plain.headers = std::move(request.headers);
    plain.body = std::move(request.body);
    Answer answer = service_.handle(plain, clock_.now());
    changed_.ring();
    log::debug("sandbox", plain.method + " " + plain.url.substr(0, plain.url.find('?')),
               {{"status", answer.drop ? "dropped" : std::to_string(answer.status)}});
    if (answer.delay > Millis{0}) co_await clock_.sleep_for(answer.delay);
    co_return to_response(std::move(answer));
}

http::ServerResponse Host::to_response(Answer answer) {
    http::ServerResponse response;
    response.status = answer.status;
    response.headers = answer.headers;
    response.drop = answer.drop;
    if (answer.stream) {
        response.source = std::make_unique<EventBody>(clock_, service_, std::move(*answer.stream));
    } else if ((answer.cut_after || answer.bytes_per_second) && !answer.head_only) {
        response.source_size = answer.body.size();
        response.source = std::make_unique<FaultyBody>(clock_, answer);
    } else {
        response.body = std::move(answer.body);
    }
    return response;
}

awaitable<void> Host::run_webhooks() {
    for (;;) {
        const Instant now = clock_.now();
        for (WebhookDelivery& delivery : service_.due(now)) {
            tasks_.spawn("sandbox webhook", deliver(std::move(delivery)));
        }
        const auto next = service_.next_due();
        const Millis wait = next ? std::clamp(*next - now, Millis{1}, idle_wait) : idle_wait;
        co_await changed_.wait_for(clock_, wait);
    }
}

awaitable<void> Host::deliver(WebhookDelivery delivery) {
    HttpRequest request;
    request.method = "POST";
    request.url = std::move(delivery.url);
    request.headers = std::move(delivery.headers);
    request.body = std::move(delivery.body);
    http::RequestOptions options;
    options.total_timeout = delivery.timeout;
    options.step_timeout = delivery.timeout;
    options.allow_plain_http = true;
    options.allow_private_addresses = true;
    const Exchange exchange = co_await client_.send(std::move(request), std::move(options));
    std::optional<int> status;
    if (exchange.delivery == Delivery::answered) status = exchange.response.status;
    log::debug("sandbox", "webhook delivered",
               {{"status", status ? std::to_string(*status) : "none"}});
    service_.delivered(delivery.id, status, clock_.now());
    changed_.ring();
}

}  // namespace reeld::sandbox
