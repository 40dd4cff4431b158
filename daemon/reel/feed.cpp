#include "reel/feed.hpp"

namespace reeld::reel {
namespace {

constexpr Millis reconnect_after{1'000};

class FeedSink : public http::BodySink {
  public:
    FeedSink(Feed& feed, SseReader& reader) : feed_(feed), reader_(reader) {}

    Status begin(const HttpResponse& head) override {
        if (head.status != 200) return Error(ErrorCode::refused, "no event stream");
        feed_.connected = true;
        feed_.everything = true;
        feed_.bell.ring();
        return ok();
    }

    Status write(std::string_view bytes) override {
        for (auto& event : reader_.feed(bytes)) {
            const auto data = parse_json(event.data);
            const auto* object = data ? data->if_object() : nullptr;
            const std::string job =
                object == nullptr ? std::string() : find_string(*object, "job").value_or("");
            if (event.event == "log") {
                if (object != nullptr) take_log(job, *object);
                continue;
            }
            if (object != nullptr) feed_.jobs.insert(job);
            if (feed_.keep_events) feed_.events.push_back(std::move(event));
            feed_.bell.ring();
        }
        return ok();
    }

  private:
    // Not of many more jobs than anybody can look at.
    void take_log(const std::string& job, const json::object& log) {
        constexpr std::size_t jobs_max = 1'000;
        if (feed_.logs.size() >= jobs_max && !feed_.logs.contains(job)) feed_.logs.clear();
        feed_.logs[job] = find_string(log, "message").value_or("");
        feed_.bell.ring();
    }

    Feed& feed_;
    SseReader& reader_;
};

}  // namespace

awaitable<void> read_feed(Session& session, std::shared_ptr<Feed> feed) {
    SseReader reader;
    while (true) {
        // A plain stream tells state changes; the whole trail also tells progress.
        const std::string target = feed->keep_events ? "/v1/events" : "/v1/events?all=true";
        HttpRequest request = socket_request("GET", target, {});
        if (!reader.last_id().empty()) request.headers.add("Last-Event-ID", reader.last_id());
        http::RequestOptions options = socket_options(session);
        options.total_timeout = Millis{0};
        options.step_timeout = Millis{60'000};
        options.body_bytes_max = UINT64_MAX;
        FeedSink sink(*feed, reader);
        const Exchange exchange =
            co_await session.client.stream(std::move(request), sink, std::move(options));
        static_cast<void>(exchange);
        feed->connected = false;
        reader.reset();
        feed->bell.ring();
        co_await session.clock.sleep_for(reconnect_after);
    }
}

}  // namespace reeld::reel
