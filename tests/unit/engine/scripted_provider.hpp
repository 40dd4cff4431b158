#pragma once
// The far end of a fal account, as a test wants it: every kind of call has an answer that can be
// replaced, a delay and a count.
#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "http/client.hpp"
#include "support/http_date.hpp"
#include "support/whole_body.hpp"
#include "unit/domain/mp4_bytes.hpp"

namespace reeld::test {

inline Exchange answered(int status, std::string body) {
    Exchange exchange;
    exchange.delivery = Delivery::answered;
    exchange.response.status = status;
    exchange.response.headers.add("Content-Type", "application/json");
    exchange.response.body = std::move(body);
    return exchange;
}

inline Exchange broken(Delivery delivery, ErrorCode code) {
    Exchange exchange;
    exchange.delivery = delivery;
    exchange.error = Error(code, "broken by the script");
    return exchange;
}

class ScriptedProvider final : public http::Client {
  public:
    using Answer = std::function<Exchange(const HttpRequest&)>;

    explicit ScriptedProvider(runtime::Clock& clock) : clock_(clock) {
        answer["submit"] = [this](const HttpRequest&) {
            return answered(200, fmt::format(R"({{"request_id":"r-{}"}})", count["submit"]));
        };
        answer["status"] = [](const HttpRequest&) {
            return answered(200, R"({"status":"IN_QUEUE","queue_position":3})");
        };
        answer["result"] = [](const HttpRequest&) { return answered(200, result_body(1)); };
        answer["cancel"] = [](const HttpRequest&) { return answered(202, "{}"); };
        answer["history"] = [](const HttpRequest&) {
            return answered(200, R"({"items":[],"has_more":false})");
        };
        answer["lookup"] = answer["history"];
        answer["key check"] = [](const HttpRequest&) { return answered(404, "{}"); };
        answer["keys"] = [](const HttpRequest&) { return answered(200, key_set({good_seed()})); };
        answer["upload start"] = [this](const HttpRequest&) {
            const int n = count["upload start"];
            return answered(200, fmt::format(R"({{"file_url":"http://127.0.0.1:8470/stored/{}",)"
                                             R"("upload_url":"http://127.0.0.1:8470/put/{}?sig=geheim"}})",
                                             n, n));
        };
        answer["put"] = [this](const HttpRequest&) {
            Exchange exchange = answered(200, "");
            exchange.response.headers.add("ETag", fmt::format("\"{}\"", count["put"]));
            return exchange;
        };
        answer["upload end"] = [](const HttpRequest&) { return answered(200, "{}"); };
        answer["file"] = [](const HttpRequest&) {
            Exchange exchange = answered(200, video());
            exchange.response.headers.set("Content-Type", "video/mp4");
            exchange.response.headers.add("Content-Length", std::to_string(video().size()));
            return exchange;
        };
    }

    std::map<std::string, Answer> answer;
    std::map<std::string, Millis> delay;  // 10 ms when not named
    std::map<std::string, int> count;
    std::optional<Millis> clock_ahead{Millis{0}};  // our clock less its own; nothing: no Date
    std::vector<HttpRequest> requests;

    static std::string kind_of(const HttpRequest& request) {
        const std::string& url = request.url;
        const auto has = [&](std::string_view part) { return url.find(part) != std::string::npos; };
        if (has("jwks.json")) return "keys";
        if (has("00000000-0000-0000-0000-000000000000")) return "key check";
        if (has("/v1/models/requests/")) return has("&request_id=") ? "lookup" : "history";
        if (has("/files/")) return "file";
        if (has("/storage/upload/")) return "upload start";
        if (request.method == "PUT") return "put";
        if (has("/put/")) return "upload end";
        if (request.method == "POST") return "submit";
        if (has("/cancel")) return "cancel";
        return has("/status") ? "status" : "result";
    }

    static std::string good_seed() { return std::string(32, 'k'); }
    static std::string key_set(const std::vector<std::string>& seeds) {
        std::string keys;
        for (const std::string& seed : seeds) {
            keys += fmt::format(R"({}{{"kty":"OKP","crv":"Ed25519","x":"{}"}})",
                                keys.empty() ? "" : ",",
                                to_base64url(ed25519_public_key(seed).value()));
        }
        return R"({"keys":[)" + keys + "]}";
    }
    static std::string video() {
        static const std::string bytes = Mp4{.samples = 10, .sample_bytes = 50}.bytes();
        return bytes;
    }
    static std::string result_body(int files) {
        std::string list;
        for (int i = 0; i < files; ++i) {
            list += fmt::format(
                R"({}{{"url":"http://127.0.0.1:8470/files/{}.mp4","content_type":"video/mp4"}})",
                list.empty() ? "" : ",", i);
        }
        return files == 1 ? R"({"video":)" + list + "}" : R"({"images":[)" + list + "]}";
    }

    http::awaitable<Exchange> send(HttpRequest request, http::RequestOptions) override {
        const std::string kind = kind_of(request);
        ++count[kind];
        requests.push_back(request);
        Exchange exchange = answer.at(kind)(request);
        if (exchange.delivery == Delivery::answered && clock_ahead) {
            exchange.response.headers.set("Date", http_date(clock_.now() - *clock_ahead));
        }
        const auto found = delay.find(kind);
        const Millis wait = found == delay.end() ? Millis{10} : found->second;
        co_await clock_.sleep_for(wait);
        co_return exchange;
    }
    http::awaitable<Exchange> stream(HttpRequest request, http::BodySink& sink,
                                     http::RequestOptions options) override {
        Exchange exchange = co_await send(std::move(request), std::move(options));
        if (exchange.delivery != Delivery::answered) co_return exchange;
        const std::string body = std::exchange(exchange.response.body, {});
        Status status = sink.begin(exchange.response);
        if (status) status = sink.write(body);
        if (!status) {
            exchange.response.complete = false;
            exchange.error = status.error();
        }
        co_return exchange;
    }
    http::awaitable<Exchange> send_from(HttpRequest request, http::BodySource& body,
                                        http::RequestOptions options) override {
        return send_whole(*this, std::move(request), body, std::move(options));
    }

  private:
    runtime::Clock& clock_;
};

}  // namespace reeld::test
