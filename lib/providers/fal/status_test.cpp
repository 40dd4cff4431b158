#include "providers/fal/status.hpp"

#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;
using namespace reeld::domain::event;
using domain::RefusalKind;

namespace {
template <class T>
T read_as(const Exchange& exchange) {
    const auto event = read_status(exchange);
    CAPTURE(domain::name_of(event));
    REQUIRE(std::holds_alternative<T>(event));
    return std::get<T>(event);
}
}  // namespace

TEST_CASE("the body's word decides the phase, whatever the 2xx code is") {
    const auto queued = read_as<StatusSeen>(answered(202, fixture("status_queued.json")));
    CHECK(queued.phase == RemotePhase::queued);
    CHECK(queued.queue_position == 2);
    const auto running = read_as<StatusSeen>(answered(200, fixture("status_running.json")));
    CHECK(running.phase == RemotePhase::running);
    CHECK_FALSE(running.queue_position);
    CHECK(read_as<StatusSeen>(answered(202, R"({"status":"COMPLETED"})")).phase ==
          RemotePhase::ended);
}

TEST_CASE("members that older generations lack or fill oddly do no harm") {
    for (const char* body :
         {R"({"status":"IN_QUEUE"})", R"({"status":"IN_QUEUE","queue_position":null})",
          R"({"status":"IN_QUEUE","queue_position":-3})",
          R"({"status":"IN_QUEUE","queue_position":"2","logs":null,"metrics":{}})"}) {
        CAPTURE(body);
        const auto seen = read_as<StatusSeen>(answered(200, body));
        CHECK(seen.phase == RemotePhase::queued);
        CHECK_FALSE(seen.queue_position);
    }
}

TEST_CASE("a completed request that failed has merely ended: its result tells how") {
    CHECK(read_as<StatusSeen>(answered(200, fixture("status_completed_failed.json"))).phase ==
          RemotePhase::ended);
}

TEST_CASE("an unknown status word is a failed poll that names it") {
    const auto refusal = read_as<PollFailed>(answered(200, R"({"status":"DREAMING"})")).refusal;
    CHECK(refusal.kind == RefusalKind::retry);
    CHECK(refusal.error.code == "unknown_status");
    CHECK(refusal.error.message.find("DREAMING") != std::string::npos);
}

TEST_CASE("an id that fal does not know is missing") {
    read_as<RemoteMissing>(answered(404, R"({"status":"NOT_FOUND"})"));
}

TEST_CASE("a poll without a usable answer failed, and says whose matter that is") {
    struct Row {
        int status;
        RefusalKind kind;
    };
    const std::vector<Row> rows{{200, RefusalKind::retry},   {301, RefusalKind::retry},
                                {400, RefusalKind::retry},   {401, RefusalKind::credentials},
                                {403, RefusalKind::account}, {429, RefusalKind::rate_limited},
                                {500, RefusalKind::retry},   {503, RefusalKind::retry}};
    for (const Row& row : rows) {
        CAPTURE(row.status);
        const auto refusal =
            read_as<PollFailed>(answered(row.status, "{", {{"Retry-After", "9"}})).refusal;
        CHECK(refusal.kind == row.kind);
        CHECK(refusal.retry_after == Millis{9000});
    }
    CHECK(read_as<PollFailed>(unanswered(Delivery::maybe_sent, ErrorCode::timeout))
              .refusal.error.code == "timeout");
}

TEST_CASE("log lines are read with what is told of each, and what is none is left out") {
    const auto seen = read_as<StatusSeen>(answered(202, R"({"status":"IN_PROGRESS","logs":[
        {"message":"step 1","level":"INFO","source":"USER",
         "timestamp":"2026-01-01T00:00:01.500000+00:00"},
        {"message":"see https://a.example/x?sig=secret"},
        {"message":""}, "text", null, {"level":"INFO"}]})"));
    REQUIRE(seen.logs.size() == 2);
    CHECK(seen.logs[0].message == "step 1");
    CHECK(seen.logs[0].level == "INFO");
    CHECK(seen.logs[0].source == "USER");
    CHECK(seen.logs[0].at == from_unix_ms(1'767'225'601'500));
    CHECK(seen.logs[1].message.find("secret") == std::string::npos);
    CHECK_FALSE(seen.logs[1].at);
}

TEST_CASE("of a long log the newest lines are read, of a long line its begin") {
    std::string body = R"({"status":"IN_PROGRESS","logs":[)";
    for (int i = 0; i < 300; ++i) {
        body += (i ? "," : "") + std::string(R"({"message":")") + std::to_string(i) + "\"}";
    }
    body += R"(,{"message":")" + std::string(9'000, 'x') + "\"}]}";
    const auto seen = read_as<StatusSeen>(answered(200, body));
    REQUIRE(seen.logs.size() == domain::log_lines_max);
    CHECK(seen.logs.front().message == "101");
    CHECK(seen.logs.back().message.size() <= domain::log_message_bytes_max);
}

TEST_CASE("a stream is asked for below the status, and its events are statuses or nothing") {
    domain::Remote remote;
    remote.request_id = RequestId("764cabcf-b745-4b3e-ae38-1200304cf45b");
    const auto request =
        build_status_stream(Hosts{}, Secret("a:b"), "fal-ai/minimax/video-01", remote);
    REQUIRE(request.has_value());
    CHECK(request->url ==
          "https://queue.fal.run/fal-ai/minimax/requests/764cabcf-b745-4b3e-ae38-1200304cf45b"
          "/status/stream?logs=1");
    CHECK(*request->headers.find("Accept") == "text/event-stream");
    const auto seen = read_stream_event(R"({"status":"IN_QUEUE","queue_position":4})");
    REQUIRE(seen.has_value());
    CHECK(seen->queue_position == 4);
    CHECK(read_stream_event(R"({"status":"COMPLETED","logs":null})")->phase == RemotePhase::ended);
    for (const char* data : {"", "keepalive", "[]", R"({"status":"ARCHIVED"})", R"({"status":7})"}) {
        CHECK_FALSE(read_stream_event(data));
    }
}
