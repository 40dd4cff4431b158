#include "engine/status_streams.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/sse_reader.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using domain::State;
using domain::event::RemotePhase;
using domain::event::StatusSeen;

// Jobs that come within this time are looked at together.
constexpr Millis gathered{100};
// News of one job are taken together, so that a chatty model writes no row for each of its lines.
constexpr Millis pace{300};
// A provider's comment every 15 s keeps a stream alive; four of them missing end it.
constexpr Millis silence_max{60'000};
constexpr Millis stream_time_max{3'600'000};
constexpr std::uint64_t stream_bytes_max = 64 * 1024 * 1024;
constexpr std::size_t event_bytes_max = 1024 * 1024;
constexpr Millis quiet_first{15'000};
constexpr Millis quiet_max{600'000};
constexpr std::size_t quiet_jobs_max = 10'000;

bool at_provider(const Job& job) {
    return (job.state == State::submitted || job.state == State::running) && job.remote;
}

// What the row does not say yet; a log alone changes no row.
bool is_news(const Job& job, const StatusSeen& seen) {
    if (seen.phase == RemotePhase::ended) return job.reason != domain::Reason::result;
    const bool running = seen.phase == RemotePhase::running;
    if (running != (job.state == State::running)) return true;
    if (!running && seen.queue_position != job.queue_position) return true;
    return seen.progress && seen.progress != job.progress;
}

}  // namespace

class StatusStreams::Sink final : public http::BodySink {
  public:
    explicit Sink(Stream& stream) : stream_(stream) {}

    Status begin(const HttpResponse& head) override {
        const std::string* type = head.headers.find("Content-Type");
        if (head.status == 200 && type != nullptr && type->starts_with("text/event-stream")) {
            return ok();
        }
        stream_.outcome = "refused";
        return Error(ErrorCode::unsupported, "no status stream");
    }

    Status write(std::string_view bytes) override {
        for (const SseEvent& event : reader_.feed(bytes)) {
            auto seen = stream_.setup.provider->read_stream_event(event.data);
            if (seen) add(std::move(*seen));
        }
        if (reader_.held() > event_bytes_max) {
            return Error(ErrorCode::too_large, "a status event without an end");
        }
        return stream_.wanted ? ok() : Status(Error(ErrorCode::cancelled, "nobody listens"));
    }

  private:
    void add(StatusSeen seen) {
        if (seen.phase == RemotePhase::ended) {
            stream_.completed = true;
            stream_.outcome = "completed";
        }
        if (stream_.news) {
            std::vector<domain::LogLine> logs = std::move(stream_.news->logs);
            logs.insert(logs.end(), seen.logs.begin(), seen.logs.end());
            if (logs.size() > domain::log_lines_max) {
                const auto excess = logs.size() - domain::log_lines_max;
                logs.erase(logs.begin(), logs.begin() + static_cast<std::ptrdiff_t>(excess));
            }
            seen.logs = std::move(logs);
        }
        stream_.news = std::move(seen);
        stream_.bell.ring();
    }

    Stream& stream_;
    SseReader reader_;
};

awaitable<void> StatusStreams::run() {
    for (;;) {
        listen_to_more();
        if (quiet_.empty()) {
            co_await core_.stream_bell.wait();
        } else {
            co_await core_.stream_bell.wait_for(core_.services.clock, quiet_first);
        }
        co_await core_.services.clock.sleep_for(gathered);
    }
}

void StatusStreams::listen_to_more() {
    const Millis now = core_.services.clock.monotonic();
    std::erase_if(quiet_, [&](const auto& one) {
        return now > one.second.until + quiet_max || quiet_.size() > quiet_jobs_max;
    });
    for (const auto& entry : core_.config.providers) {
        const std::string& name = entry.first;
        const auto used = std::count_if(streams_.begin(), streams_.end(), [&](const auto& one) {
            return one.second->provider == name;
        });
        const auto places = static_cast<std::size_t>(std::max(entry.second.status_streams, 0));
        const auto taken = static_cast<std::size_t>(used);
        if (places > taken) listen_at(name, entry.second, places - taken);
    }
}

void StatusStreams::listen_at(const std::string& provider, const ProviderSetup& setup,
                              std::size_t places) {
    constexpr int looked_at = 1'000;
    const Millis now = core_.services.clock.monotonic();
    // Running ones first: of them there is more to hear.
    for (const State state : {State::running, State::submitted}) {
        const auto jobs = core_.services.store.transact(
            [&](store::Tx& tx) { return tx.jobs_in_state(state, looked_at); });
        if (!jobs) return;
        for (const Job& job : *jobs) {
            if (places == 0) return;
            const auto quiet = quiet_.find(job.request.id);
            const bool rests = quiet != quiet_.end() && now < quiet->second.until;
            const bool known = streams_.contains(job.request.id);
            if (job.provider != provider || !job.remote || rests || known ||
                job.reason == domain::Reason::result) {
                continue;
            }
            if (start(job, setup)) --places;
        }
    }
}

bool StatusStreams::start(const Job& job, const ProviderSetup& setup) {
    auto request = setup.provider->build_status_stream(job.request.model, *job.remote);
    if (!request) return false;
    const JobId& id = job.request.id;
    auto stream = std::make_shared<Stream>(id, job, setup, core_.services.tasks.executor());
    streams_.emplace(id, stream);
    core_.services.tasks.spawn("status stream " + id.str(), receive(stream, std::move(*request)));
    core_.services.tasks.spawn("status news " + id.str(), take_news(stream));
    return true;
}

awaitable<void> StatusStreams::receive(StreamPtr stream, HttpRequest request) {
    // However it ends, the other task must hear of it.
    struct End {
        StreamPtr stream;
        ~End() {
            stream->ended = true;
            stream->bell.ring();
        }
    };
    const End end{stream};
    http::RequestOptions options = options_for(stream->setup);
    options.step_timeout = silence_max;
    options.total_timeout = stream_time_max;
    options.body_bytes_max = stream_bytes_max;
    Sink sink(*stream);
    const Exchange exchange =
        co_await core_.services.client.stream(std::move(request), sink, std::move(options));
    if (exchange.delivery != Delivery::answered) stream->outcome = "unreachable";
    core_.count("status_streams", fmt::format("provider=\"{}\",outcome=\"{}\"", stream->provider,
                                              stream->outcome));
}

awaitable<void> StatusStreams::take_news(StreamPtr stream) {
    struct Leave {
        StatusStreams& streams;
        StreamPtr stream;
        ~Leave() { streams.leave(stream); }
    };
    const Leave leave_at_end{*this, stream};
    for (;;) {
        if (!stream->news && !stream->ended) co_await stream->bell.wait();
        if (stream->news) {
            StatusSeen news = std::move(*stream->news);
            stream->news.reset();
            co_await take(stream, std::move(news));
            if (!stream->ended) co_await core_.services.clock.sleep_for(pace);
        } else if (stream->ended) {
            break;
        }
    }
    if (!stream->completed && stream->wanted) co_await look_now(stream);
}

std::optional<Job> StatusStreams::followed(const Stream& stream) const {
    auto found = core_.services.store.transact(
        [&](store::Tx& tx) { return tx.find_job(stream.job); });
    if (!found || !*found || !at_provider(**found)) return std::nullopt;
    if ((*found)->remote->request_id != stream.request) return std::nullopt;
    return std::move(*found);
}

awaitable<void> StatusStreams::take(StreamPtr stream, StatusSeen news) {
    const std::optional<Job> job = followed(*stream);
    if (!job) {
        // Somebody was faster, or the job has another request by now.
        stream->wanted = false;
        co_return;
    }
    if (is_news(*job, news)) {
        domain::Event event = std::move(news);
        Written written = co_await record(core_, stream->job, std::move(event), std::nullopt);
        tasks_.start(stream->job, std::move(written.effects));
        co_return;
    }
    if (news.logs.empty()) co_return;
    const Status kept = core_.services.store.transact(
        [&](store::Tx& tx) { keep_logs(core_, tx, *job, news.logs); });
    const Status durable = co_await core_.commit.durable();
    // A line that could not be kept comes again with the next poll.
    if (kept && durable) core_.event_bell.ring();
}

// It ended before the request did: what it did not tell any more, a poll does.
awaitable<void> StatusStreams::look_now(StreamPtr stream) {
    const std::optional<Job> job = followed(*stream);
    if (!job || job->reason == domain::Reason::result || tasks_.busy(stream->job)) co_return;
    domain::Event event = domain::event::WebhookHint{};
    Written written = co_await record(core_, stream->job, std::move(event), std::nullopt);
    tasks_.start(stream->job, std::move(written.effects));
}

void StatusStreams::leave(const StreamPtr& stream) {
    stream->wanted = false;
    streams_.erase(stream->job);
    if (!stream->completed) {
        Quiet& quiet = quiet_[stream->job];
        Millis wait = quiet_first;
        for (int i = 0; i < quiet.times && wait < quiet_max; ++i) wait *= 2;
        ++quiet.times;
        quiet.until = core_.services.clock.monotonic() + std::min(wait, quiet_max);
    } else {
        quiet_.erase(stream->job);
    }
    core_.stream_bell.ring();
}

}  // namespace reeld::engine
