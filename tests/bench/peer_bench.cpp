// The fast peer of the benchmark: takes submits as fal does, ends each at once, signs and delivers
// its webhook over kept connections, and serves one small and one large film. Everything that can
// be made beforehand is, so that the daemon is what gets measured.
//
//   peer_bench [LARGE_MIB]      prints the address it listens on as its first line
//
// A model whose id ends in "/never" is accepted and never ends. GET /_bench/arrivals gives the
// monotonic nanoseconds at which each prompt's submit came, GET /_bench/counts the counts so far.
#include <fmt/format.h>
#include <time.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "sandbox/mp4.hpp"

namespace {

using namespace reeld;
using runtime::awaitable;

constexpr int deliverers = 64;
constexpr std::size_t arrivals_kept = 5'000;
constexpr std::size_t piece_bytes = 256 * 1024;
const std::string signing_seed(32, 'b');
const std::string user = "bench|1";

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// The small film with a `free` box behind it that fills the file up.
class LargeFilm final : public http::BodyProducer {
  public:
    LargeFilm(const std::string& film, std::uint64_t size) : film_(film), size_(size) {}

    awaitable<void> produce(http::BodyWriter& writer) override {
        static const std::string piece(piece_bytes, 'x');
        std::string first = film_;
        const auto filler = static_cast<std::uint32_t>(size_ - film_.size());
        for (int shift = 24; shift >= 0; shift -= 8) {
            first += static_cast<char>((filler >> shift) & 0xFF);
        }
        first += "free";
        std::uint64_t sent = first.size();
        Status written = co_await writer.write(std::move(first));
        while (written && sent < size_) {
            std::string next = piece.substr(0, std::min<std::uint64_t>(piece_bytes, size_ - sent));
            sent += next.size();
            written = co_await writer.write(std::move(next));
        }
    }

  private:
    const std::string& film_;
    std::uint64_t size_;
};

class Peer final : public http::Handler {
  public:
    Peer(runtime::TaskGroup& tasks, runtime::Clock& clock, http::Client& client,
         std::uint64_t large)
        : tasks_(tasks), clock_(clock), client_(client), large_(large), bell_(tasks.executor()) {
        film_ = sandbox::make_mp4(sandbox::Mp4Spec{.seed = "bench", .seconds = 1});
        keys_ = fmt::format(R"({{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{}"}}]}})",
                            to_base64url(*ed25519_public_key(signing_seed)));
    }

    void start(std::string address) {
        address_ = std::move(address);
        for (int i = 0; i < deliverers; ++i) tasks_.spawn("deliverer", deliver());
    }

    awaitable<http::ServerResponse> handle(http::ServerRequest request) override {
        const std::string path = request.target.substr(0, request.target.find('?'));
        if (request.method == "POST") co_return submit(request, path);
        if (path == "/film.mp4") co_return answer("video/mp4", film_);
        if (path == "/large.mp4") {
            http::ServerResponse response = answer("video/mp4", {});
            response.source = std::make_unique<LargeFilm>(film_, large_);
            response.source_size = large_;
            co_return response;
        }
        if (path == "/.well-known/jwks.json") co_return answer("application/json", keys_);
        if (path == "/_bench/arrivals") co_return arrivals();
        if (path == "/_bench/counts") {
            co_return answer("application/json",
                             fmt::format(R"({{"submits":{},"delivered":{},"refused":{}}})",
                                         submits_, delivered_, refused_));
        }
        co_return answer("application/json", R"({"status":"IN_QUEUE","queue_position":0})");
    }

  private:
    struct Order {
        std::string request_id;
        std::string url;
        bool large = false;
    };

    static http::ServerResponse answer(const std::string& type, std::string body) {
        http::ServerResponse response;
        response.headers.set("Content-Type", type);
        response.body = std::move(body);
        return response;
    }

    http::ServerResponse submit(const http::ServerRequest& request, const std::string& path) {
        const std::int64_t at = monotonic_ns();
        const auto target = http::parse_target(request.target);
        const auto url = target ? target->get("fal_webhook") : std::nullopt;
        const std::string id = fmt::format("bench-{:08}-{}", ++submits_, at);
        if (path.ends_with("/timed")) {
            const auto input = parse_json(request.body);
            const auto* fields = input ? input->if_object() : nullptr;
            const auto prompt = fields ? find_string(*fields, "prompt") : std::nullopt;
            if (prompt && arrivals_.size() < arrivals_kept) arrivals_.emplace(*prompt, at);
        }
        if (url && !path.ends_with("/never")) {
            Order order{id, *url, path.ends_with("/large")};
            orders_.push_back(std::move(order));
            bell_.ring();
        }
        const std::string base = fmt::format("http://{}{}/requests/{}", address_, path, id);
        return answer("application/json",
                      fmt::format(R"({{"status":"IN_QUEUE","request_id":"{}","response_url":"{}",)"
                                  R"("status_url":"{}/status","cancel_url":"{}/cancel",)"
                                  R"("queue_position":0}})",
                                  id, base, base, base));
    }

    http::ServerResponse arrivals() {
        json::object all;
        for (const auto& [prompt, at] : arrivals_) all[prompt] = at;
        arrivals_.clear();
        return answer("application/json", json::serialize(all));
    }

    HttpRequest delivery_of(const Order& order) const {
        const std::uint64_t size = order.large ? large_ : film_.size();
        HttpRequest request;
        request.method = "POST";
        request.url = order.url;
        request.body = fmt::format(
            R"({{"request_id":"{0}","gateway_request_id":"{0}","status":"OK","error":null,)"
            R"("payload":{{"video":{{"url":"http://{1}/{2}.mp4","content_type":"video/mp4",)"
            R"("file_name":"film.mp4","file_size":{3}}}}}}})",
            order.request_id, address_, order.large ? "large" : "film", size);
        const auto seconds =
            std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch());
        const std::string at = std::to_string(seconds.count());
        const std::string message =
            order.request_id + "\n" + user + "\n" + at + "\n" + sha256_hex(request.body);
        request.headers.add("Content-Type", "application/json");
        request.headers.add("X-Fal-Webhook-Request-Id", order.request_id);
        request.headers.add("X-Fal-Webhook-User-Id", user);
        request.headers.add("X-Fal-Webhook-Timestamp", at);
        request.headers.add("X-Fal-Webhook-Signature",
                            to_hex(*ed25519_sign(signing_seed, message)));
        return request;
    }

    awaitable<void> deliver() {
        for (;;) {
            while (orders_.empty()) co_await bell_.wait();
            const Order order = std::move(orders_.front());
            orders_.pop_front();
            if (!orders_.empty()) bell_.ring();
            http::RequestOptions options;
            options.allow_plain_http = true;
            options.allow_private_addresses = true;
            HttpRequest request = delivery_of(order);
            const Exchange exchange =
                co_await client_.send(std::move(request), std::move(options));
            const bool taken = exchange.delivery == Delivery::answered &&
                               exchange.response.status == 200;
            ++(taken ? delivered_ : refused_);
            if (taken) continue;
            orders_.push_back(order);
            co_await clock_.sleep_for(Millis{50});
        }
    }

    runtime::TaskGroup& tasks_;
    runtime::Clock& clock_;
    http::Client& client_;
    std::uint64_t large_;
    runtime::Bell bell_;
    std::string film_;
    std::string keys_;
    std::string address_;
    std::deque<Order> orders_;
    std::map<std::string, std::int64_t> arrivals_;
    std::uint64_t submits_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t refused_ = 0;
};

int serve(std::uint64_t large_mib) {
    boost::asio::io_context context{1};
    const auto clock = runtime::make_system_clock(context.get_executor());
    http::ClientConfig config;
    config.idle_per_origin_max = deliverers;
    const auto client = http::make_client(context.get_executor(), *clock, config);
    runtime::TaskGroup tasks(context.get_executor(),
                             [](const std::string& name, std::exception_ptr) {
                                 std::cerr << "peer_bench: " << name << " failed\n";
                                 std::exit(1);
                             });
    Peer peer(tasks, *clock, *client, large_mib * 1024 * 1024);
    http::ServerLimits limits;
    limits.connections_max = 4'096;
    limits.body_bytes_max = 64ULL * 1024 * 1024;
    auto server = http::listen_tcp(tasks, "127.0.0.1:0", peer, limits);
    if (!server) {
        std::cerr << "peer_bench: " << server.error().message() << '\n';
        return 1;
    }
    peer.start((*server)->address());
    std::cout << (*server)->address() << std::endl;
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) {
        (*server)->close();
        tasks.stop();
    });
    context.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    log::set_level(log::Level::error);
    return serve(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 512);
}
