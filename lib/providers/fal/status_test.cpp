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
