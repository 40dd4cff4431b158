#pragma once
// A scripted http::Client: a test says which requests come and what each is answered.
//
//   client.expect("POST", "/fal-ai/").reply(200, body);
//   client.expect("GET", "/status").after(5s).fail(Delivery::maybe_sent, ErrorCode::timeout);
//
// Expectations are met in any order, each once; of several that fit, the oldest is taken. A request
// that fits none throws, and is kept in `unexpected` in case somebody catches it.
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"

namespace reeld::test {

class FakeClient final : public http::Client {
  public:
    explicit FakeClient(runtime::Clock& clock) : clock_(clock) {}

    class Expectation {
      public:
        Expectation& reply(HttpResponse response);
        Expectation& reply(int status, std::string body);
        // Answered with a body that is cut: complete is false.
        Expectation& cut(HttpResponse response, ErrorCode code = ErrorCode::reset);
        Expectation& fail(Delivery delivery, ErrorCode code = ErrorCode::unreachable);
        Expectation& after(Millis delay);
        Expectation& times(int count);  // -1: any number

      private:
        friend class FakeClient;
        std::string method_;
        std::string url_part_;
        Exchange exchange_;
        Millis delay_{0};
        int left_ = 1;
    };

    Expectation& expect(std::string method, std::string url_part);

    http::awaitable<Exchange> send(HttpRequest request, http::RequestOptions options) override;
    http::awaitable<Exchange> stream(HttpRequest request, http::BodySink& sink,
                                     http::RequestOptions options) override;
    // The body stands in `requests`, as if it had been the request's own.
    http::awaitable<Exchange> send_from(HttpRequest request, http::BodySource& body,
                                        http::RequestOptions options) override;

    bool all_met() const;
    std::string unmet() const;  // for a CHECK's message
    void forget();              // drops what is still expected

    std::vector<HttpRequest> requests;
    std::vector<http::RequestOptions> options;
    std::vector<std::string> unexpected;

  private:
    struct Answer {
        Exchange exchange;
        Millis delay{0};
    };
    Answer take(const HttpRequest& request);

    runtime::Clock& clock_;
    std::deque<Expectation> expected_;
};

}  // namespace reeld::test
