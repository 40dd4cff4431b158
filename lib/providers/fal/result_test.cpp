#include "providers/fal/result.hpp"

#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;
using namespace reeld::domain::event;
using domain::Reason;
using domain::RefusalKind;

namespace {

const Header fal_mark{"x-fal-request-id", "r"};

template <class T>
T read_as(const Exchange& exchange) {
    const auto event = read_result(exchange);
    CAPTURE(domain::name_of(event));
    CAPTURE(exchange.response.status);
    REQUIRE(std::holds_alternative<T>(event));
    return std::get<T>(event);
}

}  // namespace

TEST_CASE("a result with a file is seen, without a cost") {
    const auto seen = read_as<ResultSeen>(
        answered(200, fixture("result_video.json"), {{"X-Fal-Billable-Units", "6"}}));
    REQUIRE(seen.outputs.size() == 1);
    CHECK(seen.outputs[0].bytes == 1834211u);
    CHECK_FALSE(seen.cost_micro_usd);
}

TEST_CASE("what fal bills nothing for is told by its count of units, else by the status") {
    CHECK(read_as<ResultSeen>(
              answered(200, fixture("result_video.json"), {{"X-Fal-Billable-Units", "0"}}))
              .cost_micro_usd == 0);
    const std::string refused = fixture("result_content_policy.json");
    CHECK(read_as<ResultFailed>(answered(422, refused, {{"X-Fal-Billable-Units", "0"}})).free);
    CHECK(read_as<ResultFailed>(answered(422, refused, {{"X-Fal-Billable-Units", "0.0"}})).free);
    CHECK_FALSE(read_as<ResultFailed>(answered(422, refused, {{"X-Fal-Billable-Units", "1"}})).free);
    CHECK_FALSE(read_as<ResultFailed>(answered(422, refused, {{"X-Fal-Billable-Units", ""}})).free);
    CHECK_FALSE(read_as<ResultFailed>(answered(422, refused)).free);
    const std::string broken = R"({"detail":"Internal Server Error"})";
    CHECK(read_as<ResultFailed>(answered(500, broken, {fal_mark})).free);
    CHECK_FALSE(
        read_as<ResultFailed>(answered(500, broken, {fal_mark, {"X-Fal-Billable-Units", "2"}}))
            .free);
    const std::string cancelled = R"({"detail":"x","error_type":"client_cancelled"})";
    CHECK_FALSE(read_as<RemoteCancelled>(answered(499, cancelled)).free);
    CHECK(read_as<RemoteCancelled>(answered(499, cancelled, {{"X-Fal-Billable-Units", "0"}})).free);
}

TEST_CASE("a success without a file is final and says what it has instead") {
    const auto refusal =
        read_as<ResultFailed>(answered(200, R"({"text":"v","seed":1})")).refusal;
    CHECK(refusal.kind == RefusalKind::permanent);
    CHECK(refusal.error.code == "no_output");
    CHECK(refusal.error.message.find("text, seed") != std::string::npos);
    read_as<ResultFailed>(answered(200, "[]"));
    read_as<ResultFailed>(answered(200, "{}"));
}

TEST_CASE("a success that cannot be read is asked for again") {
    CHECK(read_as<PollFailed>(answered(200, R"({"video":{"url":"https)")).refusal.kind ==
          RefusalKind::retry);
}

TEST_CASE("too early, unknown and cancelled are told by their codes") {
    read_as<ResultNotReady>(answered(400, R"({"detail":"Request is still in progress"})"));
    read_as<ResultNotReady>(answered(202, R"({"status":"IN_PROGRESS"})"));
    read_as<RemoteMissing>(answered(404, R"({"status":"NOT_FOUND"})"));
    read_as<RemoteCancelled>(answered(499, R"({"detail":"x","error_type":"client_cancelled"})"));
}

TEST_CASE("a 400 or 404 that the model itself gave ends the request") {
    const auto passing = read_as<ResultFailed>(
        answered(400, R"({"detail":[{"msg":"later","type":"downstream_service_error"}]})"));
    CHECK(passing.refusal.kind == RefusalKind::retry);
    const auto bad =
        read_as<ResultFailed>(answered(400, R"({"detail":"no","error_type":"bad_request"})"));
    CHECK(bad.refusal.kind == RefusalKind::permanent);
    CHECK(bad.refusal.reason == Reason::invalid_input);
    read_as<ResultFailed>(answered(404, R"({"detail":"Path /x not found"})"));
}

TEST_CASE("a 401 or 403 pauses the account only in fal's own words") {
    const std::string bad_key = R"({"detail":"invalid key credentials"})";
    CHECK(read_as<PollFailed>(answered(401, bad_key, {fal_mark})).refusal.kind ==
          RefusalKind::credentials);
    CHECK(read_as<PollFailed>(answered(403, fixture("account_locked.json"))).refusal.kind ==
          RefusalKind::account);
    // The model ran: it was refused by a service of its own.
    const auto own = read_as<ResultFailed>(answered(401, bad_key, {{"X-Fal-Billable-Units", "0"}}));
    CHECK(own.refusal.kind == RefusalKind::permanent);
    CHECK(own.refusal.reason == Reason::rejected);
    read_as<ResultFailed>(answered(403, R"({"detail":[{"msg":"no","type":"x"}]})"));
    read_as<ResultFailed>(answered(403, R"({"reason":"no"})"));
    // A page of some proxy speaks for neither.
    CHECK(read_as<PollFailed>(answered(403, "<html>")).refusal.kind == RefusalKind::retry);
}

TEST_CASE("a model error of the input is final") {
    const auto policy =
        read_as<ResultFailed>(answered(422, fixture("result_content_policy.json"))).refusal;
    CHECK(policy.kind == RefusalKind::permanent);
    CHECK(policy.reason == Reason::content_policy);
    CHECK(policy.error.code == "content_policy_violation");
    const auto input =
        read_as<ResultFailed>(answered(422, fixture("result_invalid_input.json"))).refusal;
    CHECK(input.reason == Reason::invalid_input);
    const auto unknown =
        read_as<ResultFailed>(answered(422, R"({"detail":[{"msg":"m","type":"never_heard_of"}]})"))
            .refusal;
    CHECK(unknown.kind == RefusalKind::permanent);
    CHECK(read_as<ResultFailed>(answered(418, "")).refusal.reason == Reason::rejected);
    CHECK(read_as<ResultFailed>(
              answered(422, R"({"detail":[{"msg":"m","type":"no_media_generated"}]})"))
              .refusal.reason == Reason::rejected);
}

TEST_CASE("the retry headers overrule the tables, but not the content checker") {
    const std::string body = R"({"detail":[{"msg":"m","type":"image_load_error"}]})";
    CHECK(read_as<ResultFailed>(answered(422, body, {{"X-Fal-Retryable", "true"}})).refusal.kind ==
          RefusalKind::retry);
    CHECK(read_as<ResultFailed>(answered(500, body, {{"X-Fal-Needs-Retry", "0"}})).refusal.kind ==
          RefusalKind::permanent);
    CHECK(read_as<ResultFailed>(
              answered(422, body, {{"X-Fal-Needs-Retry", "0"}, {"X-Fal-Retryable", "true"}}))
              .refusal.kind == RefusalKind::permanent);
    CHECK(read_as<ResultFailed>(
              answered(422, fixture("result_content_policy.json"), {{"X-Fal-Retryable", "true"}}))
              .refusal.kind == RefusalKind::permanent);
}

TEST_CASE("a marked 5xx ended the request and may be tried anew") {
    const auto runner = read_as<ResultFailed>(answered(503, fixture("infrastructure_error.json"),
                                                       {{"Retry-After", "3"}}))
                            .refusal;
    CHECK(runner.kind == RefusalKind::retry);
    CHECK(runner.error.code == "runner_disconnected");
    CHECK(runner.retry_after == Millis{3000});
    CHECK(read_as<ResultFailed>(answered(504, "", {{"X-Fal-Error-Type", "request_timeout"}}))
              .refusal.error.code == "request_timeout");
    CHECK(read_as<ResultFailed>(answered(500, R"({"detail":"Internal Server Error"})", {fal_mark}))
              .refusal.kind == RefusalKind::retry);
}

TEST_CASE("an unmarked 5xx, a redirect and silence are failed reads of a result that may exist") {
    CHECK(read_as<PollFailed>(answered(503, fixture("ingress_503.html"))).refusal.kind ==
          RefusalKind::retry);
    read_as<PollFailed>(answered(500));
    read_as<PollFailed>(answered(302));
    CHECK(read_as<PollFailed>(answered(429)).refusal.kind == RefusalKind::rate_limited);
    read_as<PollFailed>(unanswered(Delivery::not_sent, ErrorCode::unreachable));
}
