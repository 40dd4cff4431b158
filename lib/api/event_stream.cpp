#include "api/event_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/job_json.hpp"
#include "api/json_text.hpp"
#include "api/query.hpp"
#include "base/log.hpp"

namespace reeld::api {
namespace {

constexpr int batch_rows = 200;

struct Batch {
    std::string text;        // complete events, may be empty
    std::int64_t last = 0;   // the newest entry looked at
    std::int64_t last_log = 0;
    bool full = false;       // there may be more at once
};

class EventStream : public http::BodyProducer {
  public:
    EventStream(engine::Control& control, StreamRequest request, Millis keepalive)
        : control_(control), request_(request), keepalive_(keepalive) {}

    http::awaitable<void> produce(http::BodyWriter& writer) override {
        if (!co_await greet(writer)) co_return;
        while (true) {
            const auto batch = read();
            if (!batch) co_return end(batch.error());
            // Only after the barrier is it certain that these numbers will never mean other events.
            const Status durable = co_await control_.read_barrier();
            if (!durable) co_return end(durable.error());
            if (batch->last != after_ || !batch->text.empty()) {
                after_ = batch->last;
                log_after_ = batch->last_log;
                if (!co_await send(writer, text_of(*batch))) co_return;
            }
            if (batch->full) continue;
            co_await control_.wait_for_event(after_, keepalive_);
            const auto idle = nothing_new();
            if (!idle) co_return end(idle.error());
            if (*idle && !co_await send(writer, ": keepalive\n\n")) co_return;
        }
    }

  private:
    // Settles where to start and tells the reader, so that a cut before the first event loses none.
    http::awaitable<bool> greet(http::BodyWriter& writer) {
        const auto last =
            control_.store().transact([](store::Tx& tx) { return tx.last_event_id(); });
        if (!last) {
            end(last.error());
            co_return false;
        }
        const Status durable = co_await control_.read_barrier();
        if (!durable) {
            end(durable.error());
            co_return false;
        }
        // A number beyond the trail's end is of another database: nothing is known to be missed.
        const auto log = control_.store().transact([](store::Tx& tx) { return tx.last_log_id(); });
        log_after_ = log ? *log : 0;
        after_ = request_.from_now ? *last : std::min(request_.after, *last);
        co_return co_await send(writer, fmt::format("retry: 1000\nid: {}\n\n", after_));
    }

    http::awaitable<bool> send(http::BodyWriter& writer, std::string text) {
        const Status sent = co_await writer.write(std::move(text));
        co_return sent.has_value();
    }

    // Entries that are not shown still move the reader's cursor, and keep the connection warm.
    static std::string text_of(const Batch& batch) {
        return batch.text.empty() ? fmt::format("id: {}\n\n", batch.last) : batch.text;
    }

    Result<Batch> read() {
        return control_.store().transact([this](store::Tx& tx) {
            Batch batch;
            batch.last = after_;
            const auto entries = tx.events_after(after_, batch_rows);
            for (const auto& entry : entries) {
                batch.last = entry.id;
                if (request_.all || changes_state(entry)) batch.text += sse_text(entry);
            }
            batch.full = entries.size() == static_cast<std::size_t>(batch_rows);
            batch.last_log = log_after_;
            if (!request_.all) return batch;
            const auto logs = tx.logs_after(log_after_, batch_rows);
            for (const auto& log : logs) {
                batch.last_log = log.id;
                batch.text += sse_text(log);
            }
            batch.full = batch.full || logs.size() == static_cast<std::size_t>(batch_rows);
            return batch;
        });
    }

    Result<bool> nothing_new() {
        return control_.store().transact(
            [this](store::Tx& tx) {
                const bool no_log = !request_.all || tx.last_log_id() <= log_after_;
                return no_log && tx.last_event_id() <= after_;
            });
    }

    // The reader reconnects with its last id, so ending is the honest answer to a failed read.
    static void end(const Error& error) {
        log::warning("api", "an event stream ended: " + error.message());
    }

    engine::Control& control_;
    StreamRequest request_;
    Millis keepalive_;
    std::int64_t after_ = 0;
    std::int64_t log_after_ = 0;
};

}  // namespace

bool changes_state(const store::AuditEntry& entry) {
    return !entry.from || *entry.from != entry.to;
}

std::string sse_text(const store::StoredLog& log) {
    return fmt::format("event: log\ndata: {}\n\n", json_text(log_json(log)));
}

std::string sse_text(const store::AuditEntry& entry) {
    return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", entry.id,
                       changes_state(entry) ? "state" : "trail", json_text(event_json(entry)));
}

std::variant<StreamRequest, Problem> read_stream_request(const http::ServerRequest& request,
                                                         const http::Target& target) {
    StreamRequest result;
    const auto all = target.get("all");
    if (all && *all != "true" && *all != "false") {
        return Problem(400, "invalid_parameter", "all is true or false.");
    }
    result.all = all == "true";
    const std::string* header = request.headers.find("Last-Event-ID");
    const auto after = header != nullptr ? std::optional<std::string>(*header)
                                         : target.get("after");
    if (!after || after->empty()) {
        result.from_now = true;
        return result;
    }
    const auto number = read_count(*after);
    if (!number) {
        return Problem(400, "invalid_parameter",
                       "Last-Event-ID and after are the number of an event: digits only.");
    }
    result.after = *number;
    return result;
}

std::unique_ptr<http::BodyProducer> make_event_stream(engine::Control& control,
                                                      StreamRequest request, Millis keepalive) {
    return std::make_unique<EventStream>(control, request, keepalive);
}

}  // namespace reeld::api
