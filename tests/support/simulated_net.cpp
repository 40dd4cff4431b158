#include "support/simulated_net.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "provider_api/retry_after.hpp"
#include "support/http_date.hpp"

namespace reeld::test {
namespace {

Exchange failed(Delivery delivery, ErrorCode code, std::string why) {
    Exchange exchange;
    exchange.delivery = delivery;
    exchange.error = Error(code, std::move(why));
    return exchange;
}

// Some cancel with a POST too, and uploads begin and end with one.
bool is_submit(const HttpRequest& request) {
    return request.method == "POST" && !request.url.ends_with("/cancel") &&
           request.url.find("/storage/") == std::string::npos &&
           request.url.find("/v1/upload/") == std::string::npos;
}

}  // namespace

Millis SimulatedNet::latency() {
    return Millis{5 + static_cast<Millis::rep>(rng_.uniform() * 60)};
}

bool SimulatedNet::strikes(double odds, const char* kind) {
    if (odds <= 0 || rng_.uniform() >= odds) return false;
    if (journal != nullptr) journal->count(kind);
    return true;
}

void SimulatedNet::say(const HttpRequest& request, std::string what) {
    if (journal == nullptr || !journal->writes) return;
    const auto url = parse_url(request.url);
    const std::string target = url ? url->target.substr(0, url->target.find('?')) : request.url;
    journal->say(clock_.monotonic(), "net",
                 fmt::format("{} {}: {}", request.method, target, what));
}

// A key goes to the provider's calls alone: no other host, and no file needs it.
void SimulatedNet::watch_keys(const HttpRequest& request) {
    const bool has_key = request.headers.find("Authorization") != nullptr ||
                         request.headers.find("X-API-Key") != nullptr;
    if (!has_key) return;
    const auto url = parse_url(request.url);
    const bool foreign = !url || (!origin.empty() && origin_of(*url) != origin);
    const std::string_view target = url ? std::string_view(url->target) : "";
    const bool keyless = target.starts_with("/files/") || target.starts_with("/storage/put/") ||
                         target.starts_with("/uploads/");
    if (foreign || keyless) leaks.insert(request.url);
}

sandbox::Answer SimulatedNet::deliver(const HttpRequest& request) {
    sandbox::Answer answer = provider_.handle(request, provider_now());
    answer.headers.set("Date", http_date(provider_now()));
    provider_changed_.ring();
    return answer;
}

http::awaitable<void> SimulatedNet::arrive_late(HttpRequest request, Millis after) {
    co_await clock_.sleep_for(after);
    const sandbox::Answer answer = deliver(request);
    say(request, fmt::format("arrives late, answered {} to nobody", answer.status));
}

http::awaitable<SimulatedNet::Carried> SimulatedNet::carry(HttpRequest request,
                                                           http::RequestOptions options) {
    static constexpr std::array<const char*, 3> ways{"connection refused", "no such name",
                                                     "no route"};
    Carried carried;
    const Millis limit =
        options.total_timeout > Millis{0} ? options.total_timeout : options.step_timeout;
    const bool has_limit = options.total_timeout > Millis{0};
    watch_keys(request);
    const auto url = parse_url(request.url);
    const bool exists = origin.empty() || (url && origin_of(*url) == origin);
    if (down || !exists || strikes(unreachable, "net/unreachable")) {
        const auto way = exists ? static_cast<std::size_t>(rng_.uniform() * 3) : 1;
        say(request, ways.at(way));
        co_await clock_.sleep_for(latency());
        carried.exchange = failed(Delivery::not_sent, ErrorCode::unreachable, ways.at(way));
        co_return carried;
    }
    const int line = lines_;
    if (on_request) on_request(request);
    if (is_submit(request) && on_submit) on_submit(request);
    {
        const InFlight in_flight{*this, in_flight_.insert(in_flight_.end(), request)};
        co_await clock_.sleep_for(latency());
    }
    if (down || line != lines_) {
        carried.exchange = failed(Delivery::not_sent, ErrorCode::unreachable, "no route");
        co_return carried;
    }
    if (strikes(lost_request, "net/lost_request")) {
        say(request, "lost on its way");
        co_await clock_.sleep_for(latency());
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::reset, "reset by peer");
        co_return carried;
    }
    if (wires != nullptr && strikes(late_request, "net/late_request")) {
        const Millis after = limit / 2 + Millis{static_cast<Millis::rep>(rng_.uniform() * 90'000)};
        say(request, fmt::format("held up for {} ms", after.count()));
        HttpRequest copy = request;
        wires->spawn("late request", arrive_late(std::move(copy), after));
        co_await clock_.sleep_for(limit);
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::timeout, "no answer in time");
        co_return carried;
    }
    const sandbox::Answer answer = deliver(request);
    const Millis wait = answer.delay + latency();
    if (strikes(lost_answer, "net/lost_answer") || (has_limit && wait > limit)) {
        say(request, fmt::format("the answer {} is lost", answer.status));
        co_await clock_.sleep_for(limit);
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::timeout, "no answer in time");
        co_return carried;
    }
    co_await clock_.sleep_for(wait);
    if (line != lines_) {
        say(request, "the line was cut");
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::reset, "the line was cut");
        co_return carried;
    }
    if (strikes(reset_answer, "net/reset_answer")) {
        say(request, fmt::format("reset before the answer {}", answer.status));
        carried.exchange = failed(Delivery::maybe_sent, ErrorCode::reset, "reset by peer");
        co_return carried;
    }
    say(request, answer.drop ? "dropped" : fmt::format("answered {}", answer.status));
    carried.exchange = sandbox::to_exchange(answer);
    carried.bytes_per_second = answer.bytes_per_second;
    carried.events = answer.stream;
    if (has_limit) carried.left = limit - wait;
    if (carried.exchange.delivery != Delivery::answered) co_return carried;
    carried.cut = strikes(cut_answer, "net/cut_answer");
    carried.drips = !carried.cut && strikes(slow_answer, "net/slow_answer");
    if (carried.cut || carried.drips) say(request, carried.cut ? "cut within" : "drips");
    // An answer that drips is known when its time is over.
    if (is_submit(request) && answer.status == 429 && on_retry_after && !carried.drips) {
        const auto hint = retry_after_of(answer.headers, clock_.now());
        if (hint) on_retry_after(request, *hint);
    }
    co_return carried;
}

void SimulatedNet::deliver_in_flight() {
    for (const HttpRequest& request : in_flight_) deliver(request);
}

http::awaitable<Exchange> SimulatedNet::send(HttpRequest request, http::RequestOptions options) {
    Carried carried = co_await carry(std::move(request), std::move(options));
    if (!carried.cut && !carried.drips) co_return std::move(carried.exchange);
    if (carried.drips) co_await clock_.sleep_for(carried.left);
    Exchange& exchange = carried.exchange;
    std::string& body = exchange.response.body;
    body.resize(static_cast<std::size_t>(rng_.uniform() * static_cast<double>(body.size())));
    exchange.response.complete = false;
    exchange.error = carried.drips ? Error(ErrorCode::timeout, "the answer did not end in time")
                                   : Error(ErrorCode::reset, "reset within the answer");
    co_return std::move(exchange);
}

// The events of a job as they happen, looked for less often than the real service does.
http::awaitable<Exchange> SimulatedNet::tell_events(Carried carried, http::BodySink& sink,
                                                    Millis limit) {
    constexpr Millis look_again{1'000};
    Exchange exchange = std::move(carried.exchange);
    const int line = lines_;
    const Millis end = clock_.monotonic() + limit;
    int left = carried.cut || carried.drips ? 1 + static_cast<int>(rng_.uniform() * 3) : -1;
    if (journal != nullptr) journal->count("net/status_stream");
    Status status = sink.begin(exchange.response);
    while (status) {
        const sandbox::StreamStep step = provider_.stream(*carried.events, provider_now());
        if (!step.bytes.empty()) status = sink.write(step.bytes);
        if (!status || (step.ended && !step.broken)) break;
        if (step.broken || line != lines_ || down) {
            status = Error(ErrorCode::reset, "the stream broke");
        } else if (!step.bytes.empty() && --left == 0) {
            status = carried.cut ? Error(ErrorCode::reset, "reset within the stream")
                                 : Error(ErrorCode::timeout, "no byte for too long");
        } else if (clock_.monotonic() >= end) {
            status = Error(ErrorCode::timeout, "the stream has no end");
        } else {
            co_await clock_.sleep_for(std::max(step.again_at - provider_now(), look_again));
        }
    }
    if (!status) {
        exchange.response.complete = false;
        exchange.error = status.error();
    }
    co_return exchange;
}

http::awaitable<Exchange> SimulatedNet::stream(HttpRequest request, http::BodySink& sink,
                                               http::RequestOptions options) {
    const Millis stall = options.step_timeout;
    const Millis limit = options.total_timeout;
    Carried carried = co_await carry(std::move(request), std::move(options));
    if (carried.events && carried.exchange.delivery == Delivery::answered) {
        co_return co_await tell_events(std::move(carried), sink, limit);
    }
    Exchange exchange = std::move(carried.exchange);
    if (exchange.delivery != Delivery::answered) co_return exchange;
    const std::string body = std::exchange(exchange.response.body, {});
    const int line = lines_;
    std::size_t end = body.size();
    if (carried.cut || carried.drips) {
        end = static_cast<std::size_t>(rng_.uniform() * static_cast<double>(end));
    }
    Status status = sink.begin(exchange.response);
    constexpr std::size_t piece = 16 * 1024;
    for (std::size_t at = 0; status && at < end; at += piece) {
        const std::size_t count = std::min(piece, end - at);
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
    if (status && carried.drips) {
        co_await clock_.sleep_for(stall);
        status = Error(ErrorCode::timeout, "no byte for too long");
    } else if (status && carried.cut) {
        status = Error(ErrorCode::reset, "reset within the file");
    }
    if (!status) {
        exchange.response.complete = false;
        exchange.error = status.error();
    }
    co_return exchange;
}

http::awaitable<Exchange> SimulatedNet::send_from(HttpRequest request, http::BodySource& body,
                                                  http::RequestOptions options) {
    const int line = lines_;
    std::string bytes(static_cast<std::size_t>(body.size()), '\0');
    for (std::uint64_t at = 0; at < bytes.size();) {
        const std::size_t left = std::min<std::size_t>(256 * 1024, bytes.size() - at);
        auto got = body.read(at, {bytes.data() + at, left});
        if (got && *got == 0) got = Error(ErrorCode::io, "the body is shorter than it was");
        if (!got) {
            say(request, "the body failed");
            co_return failed(at == 0 ? Delivery::not_sent : Delivery::maybe_sent,
                             got.error().code(), got.error().context());
        }
        at += *got;
        co_await clock_.sleep_for(Millis{4});
        if (line != lines_) {
            say(request, "the line was cut");
            co_return failed(Delivery::maybe_sent, ErrorCode::reset, "the line was cut");
        }
    }
    request.body = std::move(bytes);
    co_return co_await send(std::move(request), std::move(options));
}

}  // namespace reeld::test
