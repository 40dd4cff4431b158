#pragma once
// The other end of a download: a client whose answers a test writes down, one after the other.
#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "support/fake_clock.hpp"

namespace reeld::test {

struct Answer {
    int status = 200;
    std::vector<Header> headers;
    std::string body;
    std::size_t sent = std::string::npos;  // bytes that arrive before the connection breaks
    std::size_t step = 1000;               // bytes of one write
    Millis pause{0};                       // before every write
    bool hangs = false;                    // never ends after what was sent
    bool chunked = false;                  // tells no Content-Length
    bool unanswered = false;               // fails with `error`
    Error error;
};

class FileServer final : public http::Client {
  public:
    explicit FileServer(FakeClock& clock) : clock_(clock) {}

    std::deque<Answer> answers;
    std::vector<HttpRequest> requests;
    std::vector<http::RequestOptions> options;

    runtime::awaitable<Exchange> send(HttpRequest, http::RequestOptions) override {
        co_return Exchange{};
    }
    runtime::awaitable<Exchange> send_from(HttpRequest, http::BodySource&,
                                           http::RequestOptions) override {
        co_return Exchange{};
    }

    runtime::awaitable<Exchange> stream(HttpRequest request, http::BodySink& sink,
                                        http::RequestOptions given) override {
        requests.push_back(std::move(request));
        options.push_back(std::move(given));
        Exchange exchange;
        if (answers.empty()) {
            exchange.error = Error(ErrorCode::unreachable, "no answer was written down");
            co_return exchange;
        }
        const Answer answer = answers.front();
        answers.pop_front();
        exchange.error = answer.error;
        if (answer.unanswered) co_return exchange;
        exchange.delivery = Delivery::answered;
        exchange.response = head_of(answer);
        if (auto begun = sink.begin(exchange.response); !begun) {
            exchange.error = begun.error();
            co_return exchange;
        }
        const std::size_t end = std::min(answer.sent, answer.body.size());
        for (std::size_t at = 0; at < end; at += answer.step) {
            if (answer.pause > Millis{0}) co_await clock_.sleep_for(answer.pause);
            const std::string piece = answer.body.substr(at, std::min(answer.step, end - at));
            if (auto taken = sink.write(piece); !taken) {
                exchange.error = taken.error();
                co_return exchange;
            }
        }
        if (answer.hangs) {
            co_await clock_.sleep_for(options.back().step_timeout);
            exchange.error = Error(ErrorCode::timeout, "no byte moved");
            co_return exchange;
        }
        exchange.response.complete = end == answer.body.size();
        if (!exchange.response.complete) exchange.error = Error(ErrorCode::reset, "cut");
        co_return exchange;
    }

  private:
    static HttpResponse head_of(const Answer& answer) {
        HttpResponse head;
        head.status = answer.status;
        head.complete = false;
        if (!answer.chunked) {
            head.headers.add("Content-Length", std::to_string(answer.body.size()));
        }
        for (const Header& header : answer.headers)
            head.headers.set(header.name, header.value);
        return head;
    }

    FakeClock& clock_;
};

}  // namespace reeld::test
