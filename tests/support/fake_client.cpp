#include "support/fake_client.hpp"

#include <algorithm>
#include <stdexcept>

#include "support/whole_body.hpp"

namespace reeld::test {

using Expectation = FakeClient::Expectation;

Expectation& Expectation::reply(HttpResponse response) {
    exchange_.delivery = Delivery::answered;
    exchange_.response = std::move(response);
    return *this;
}

Expectation& Expectation::reply(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = std::move(body);
    return reply(std::move(response));
}

Expectation& Expectation::cut(HttpResponse response, ErrorCode code) {
    response.complete = false;
    exchange_.error = Error(code, "cut by the script");
    return reply(std::move(response));
}

Expectation& Expectation::fail(Delivery delivery, ErrorCode code) {
    exchange_.delivery = delivery;
    exchange_.error = Error(code, "failed by the script");
    return *this;
}

Expectation& Expectation::after(Millis delay) {
    delay_ = delay;
    return *this;
}

Expectation& Expectation::times(int count) {
    left_ = count;
    return *this;
}

Expectation& FakeClient::expect(std::string method, std::string url_part) {
    auto& made = expected_.emplace_back();
    made.method_ = std::move(method);
    made.url_part_ = std::move(url_part);
    return made.reply(200, "{}");
}

FakeClient::Answer FakeClient::take(const HttpRequest& request) {
    requests.push_back(request);
    for (auto& candidate : expected_) {
        if (candidate.left_ == 0 || candidate.method_ != request.method ||
            request.url.find(candidate.url_part_) == std::string::npos) {
            continue;
        }
        if (candidate.left_ > 0) --candidate.left_;
        return Answer{candidate.exchange_, candidate.delay_};
    }
    unexpected.push_back(request.method + " " + request.url);
    throw std::logic_error("unexpected request " + unexpected.back() + "; expected:" + unmet());
}

http::awaitable<Exchange> FakeClient::send(HttpRequest request, http::RequestOptions given) {
    options.push_back(std::move(given));
    auto answer = take(request);
    if (answer.delay > Millis{0}) co_await clock_.sleep_for(answer.delay);
    co_return std::move(answer.exchange);
}

http::awaitable<Exchange> FakeClient::stream(HttpRequest request, http::BodySink& sink,
                                             http::RequestOptions given) {
    options.push_back(std::move(given));
    auto answer = take(request);
    if (answer.delay > Millis{0}) co_await clock_.sleep_for(answer.delay);
    auto& exchange = answer.exchange;
    if (exchange.delivery != Delivery::answered) co_return std::move(exchange);
    const std::string body = std::exchange(exchange.response.body, {});
    Status status = sink.begin(exchange.response);
    // Two pieces, so that a sink which counts on one is found out.
    const auto middle = body.size() / 2;
    if (status) status = sink.write(std::string_view(body).substr(0, middle));
    if (status) status = sink.write(std::string_view(body).substr(middle));
    if (!status) {
        exchange.response.complete = false;
        exchange.error = status.error();
    }
    co_return std::move(exchange);
}

http::awaitable<Exchange> FakeClient::send_from(HttpRequest request, http::BodySource& body,
                                                http::RequestOptions given) {
    return send_whole(*this, std::move(request), body, std::move(given));
}

bool FakeClient::all_met() const {
    return unmet().empty();
}

std::string FakeClient::unmet() const {
    std::string list;
    for (const auto& one : expected_) {
        if (one.left_ > 0) list += " [" + one.method_ + " " + one.url_part_ + "]";
    }
    return list;
}

void FakeClient::forget() {
    expected_.clear();
}

}  // namespace reeld::test
