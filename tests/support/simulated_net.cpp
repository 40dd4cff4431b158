#include "support/simulated_net.hpp"

#include <algorithm>

#include "support/http_date.hpp"

namespace reeld::test {
namespace {

Exchange failed(Delivery delivery, ErrorCode code, std::string why) {
    Exchange exchange;
    exchange.delivery = delivery;
    exchange.error = Error(code, std::move(why));
    return exchange;
}

}  // namespace

Millis SimulatedNet::latency() {
    return Millis{5 + static_cast<Millis::rep>(rng_.uniform() * 60)};
}

http::awaitable<SimulatedNet::Carried> SimulatedNet::carry(HttpRequest request,
                                                           http::RequestOptions options) {
    Carried carried;
    if (down || rng_.uniform() < unreachable) {
        co_await clock_.sleep_for(latency());
        carried.exchange = failed(Delivery::not_sent, ErrorCode::unreachable, "no route");
        co_return carried;
    }
    const int line = lines_;
    {
        const InFlight in_flight{*this, in_flight_.insert(in_flight_.end(), request)};
        co_await clock_.sleep_for(latency());
    }
    if (down || line != lines_) {
        carried.exchange = failed(Delivery::not_sent, ErrorCode::unreachable, "no route");
        co_return carried;
    }
    sandbox::Answer answer = provider_.handle(request, clock_.true_now());
    answer.headers.set("Date", http_date(clock_.true_now()));
    provider_changed_.ring();
    const Millis wait = answer.delay + latency();
    const bool has_limit = options.total_timeout > Millis{0};
    if (rng_.uniform() < lost_answer || (has_limit && wait > options.total_timeout)) {
        co_await clock_.sleep_for(has_limit ? options.total_timeout : options.step_timeout);
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::timeout, "no answer in time");
        co_return carried;
    }
    co_await clock_.sleep_for(wait);
    if (line != lines_) {
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::reset, "the line was cut");
        co_return carried;
    }
    carried.exchange = sandbox::to_exchange(answer);
    carried.exchange.response.headers.set("Date", http_date(clock_.now()));
    carried.bytes_per_second = answer.bytes_per_second;
    co_return carried;
}

void SimulatedNet::deliver_in_flight() {
    for (const HttpRequest& request : in_flight_) provider_.handle(request, clock_.now());
    provider_changed_.ring();
}

http::awaitable<Exchange> SimulatedNet::send(HttpRequest request, http::RequestOptions options) {
    const Carried carried = co_await carry(std::move(request), std::move(options));
    co_return carried.exchange;
}

http::awaitable<Exchange> SimulatedNet::stream(HttpRequest request, http::BodySink& sink,
                                               http::RequestOptions options) {
    Carried carried = co_await carry(std::move(request), std::move(options));
    Exchange exchange = std::move(carried.exchange);
    if (exchange.delivery != Delivery::answered) co_return exchange;
    const std::string body = std::exchange(exchange.response.body, {});
    const int line = lines_;
    Status status = sink.begin(exchange.response);
    constexpr std::size_t piece = 16 * 1024;
    for (std::size_t at = 0; status && at < body.size(); at += piece) {
        const std::size_t count = std::min(piece, body.size() - at);
        Millis pause{1};
        if (carried.bytes_per_second) {
            pause = Millis{static_cast<Millis::rep>(count * 1000 / *carried.bytes_per_second)};
        }
        co_await clock_.sleep_for(pause);
        if (line != lines_) {
            exchange.response.complete = false;
            exchange.error = Error(ErrorCode::reset, "the line was cut");
            co_return exchange;
        }
        status = sink.write(std::string_view(body).substr(at, count));
    }
    if (!status) {
        exchange.response.complete = false;
        exchange.error = status.error();
    }
    co_return exchange;
}

}  // namespace reeld::test
