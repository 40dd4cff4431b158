#pragma once
// A sandbox on a clock that only the test moves.
#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>
#include <string>

#include "sandbox/service.hpp"

namespace reeld::sandbox {

struct Bench {
    explicit Bench(Options options = {}) : service(std::move(options)) {}

    Instant now = from_unix_ms(1'767'225'600'000);
    Service service;

    void pass(Millis duration) { now += duration; }

    Answer call(std::string method, std::string url, std::string body = {}, Headers headers = {}) {
        HttpRequest request{std::move(method), std::move(url), std::move(headers), std::move(body)};
        if (request.headers.find("authorization") == nullptr) {
            request.headers.add("Authorization", "Key any:thing");
        }
        return service.handle(request, now);
    }
    Answer submit(const std::string& prompt, const std::string& query = {},
                  const std::string& endpoint = "fal-ai/minimax/video-01") {
        return call("POST", "/" + endpoint + query,
                    json::serialize(json::object{{"prompt", prompt}}));
    }
    Answer control(const std::string& settings) {
        return call("POST", "/_sandbox/control", settings);
    }
    // Fires webhooks into nowhere with this status until the time is reached.
    std::vector<WebhookDelivery> run(Millis duration, std::optional<int> status = 200) {
        std::vector<WebhookDelivery> seen;
        const Instant end = now + duration;
        for (auto next = service.next_due(); next && *next <= end; next = service.next_due()) {
            now = std::max(now, *next);
            for (WebhookDelivery& delivery : service.due(now)) {
                service.delivered(delivery.id, status, now);
                seen.push_back(std::move(delivery));
            }
        }
        now = end;
        return seen;
    }
};

inline json::object read(const Answer& answer) {
    const auto value = parse_json(answer.body);
    REQUIRE(value.has_value());
    REQUIRE(value->is_object());
    return value->get_object();
}
inline std::string text(const json::object& object, std::string_view key) {
    return find_string(object, key).value_or("<absent>");
}
inline std::string path_of(const std::string& url) {
    return parse_url(url)->target;
}

inline Options with_fault(Fault fault, double odds = 1) {
    Options options;
    options.faults[fault] = odds;
    return options;
}

constexpr const char* hook = "?fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhooks%2Ffal%2Fabc";

}  // namespace reeld::sandbox
