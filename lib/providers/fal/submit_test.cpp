#include "providers/fal/submit.hpp"

#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;
using namespace reeld::domain::event;
using domain::Reason;
using domain::RefusalKind;

namespace {

const Header request_id_header{"X-Fal-Request-Id", "hinted-1"};

template <class T>
T read_as(const Exchange& exchange) {
    const auto event = read_submit({}, sample_intent(), exchange);
    CAPTURE(domain::name_of(event));
    REQUIRE(std::holds_alternative<T>(event));
    return std::get<T>(event);
}

}  // namespace

TEST_CASE("a submit posts the input itself to the whole endpoint id") {
    auto intent = sample_intent();
    intent.webhook_url = "https://hooks.example.com/hooks/fal/00ff?a=b&c";
    const auto request = build_submit({}, Secret("id:secret"), intent);
    REQUIRE(request.has_value());
    CHECK(request->method == "POST");
    CHECK(request->url ==
          "https://queue.fal.run/fal-ai/minimax/video-01/image-to-video?fal_webhook="
          "https%3A%2F%2Fhooks.example.com%2Fhooks%2Ffal%2F00ff%3Fa%3Db%26c");
    CHECK(*request->headers.find("Authorization") == "Key id:secret");
    CHECK(*request->headers.find("Content-Type") == "application/json");
    CHECK(request->body == intent.input);
}

TEST_CASE("without a webhook URL the submit has no query, without an endpoint id there is none") {
    auto intent = sample_intent();
    CHECK(build_submit({}, {}, intent)->url ==
          "https://queue.fal.run/fal-ai/minimax/video-01/image-to-video");
    intent.model = "1234-my-app";
    CHECK(build_submit({}, {}, intent)->url == "https://queue.fal.run/1234/my-app");
    intent.model = "../x/y";
    CHECK(build_submit({}, {}, intent).has_error());
}

TEST_CASE("an accepted submit keeps the URLs that were given and builds those that were not") {
    const auto given = read_as<SubmitAccepted>(answered(200, fixture("submit_accepted.json")));
    CHECK(given.remote.request_id.str() == sample_id);
    CHECK(given.queue_position == 0);
    const auto bare = read_as<SubmitAccepted>(
        answered(201, R"({"request_id":"r","status_url":"not a url","queue_position":-1})"));
    CHECK(bare.remote.response_url == "https://queue.fal.run/fal-ai/minimax/requests/r");
    CHECK(bare.remote.status_url == "https://queue.fal.run/fal-ai/minimax/requests/r/status");
    CHECK(bare.remote.cancel_url == "https://queue.fal.run/fal-ai/minimax/requests/r/cancel");
    CHECK_FALSE(bare.queue_position);
}

TEST_CASE("an accepted submit whose body is whole counts, even if the connection ended badly") {
    auto exchange = answered(200, fixture("submit_accepted.json"));
    exchange.response.complete = false;
    read_as<SubmitAccepted>(exchange);
}

TEST_CASE("a success that names no request is unknown, with the header's id as a hint") {
    for (const char* body :
         {"", "{", "[]", "ok", "{}", R"({"request_id":""})", R"({"request_id":7})",
          R"({"request_id":"a b"})", R"({"request_id":".."})", R"({"request_id":"."})",
          R"({"request_id":"a\r\nX: y"})", R"({"request_id":"a","request_id":"b"})"}) {
        CAPTURE(body);
        const auto event = read_as<SubmitUnknown>(answered(200, body, {request_id_header}));
        CHECK(event.reason == Reason::garbled_answer);
        REQUIRE(event.hint);
        CHECK(event.hint->request_id.str() == "hinted-1");
        CHECK(event.hint->status_url ==
              "https://queue.fal.run/fal-ai/minimax/requests/hinted-1/status");
        CHECK_FALSE(read_as<SubmitUnknown>(answered(200, body)).hint);
    }
}

TEST_CASE("a submit that never left was not sent, one that may have left is unknown") {
    CHECK(
        read_as<SubmitNotSent>(unanswered(Delivery::not_sent, ErrorCode::unreachable)).error.code ==
        "unreachable");
    CHECK(read_as<SubmitUnknown>(unanswered(Delivery::maybe_sent, ErrorCode::timeout)).reason ==
          Reason::timeout);
    CHECK(read_as<SubmitUnknown>(unanswered(Delivery::maybe_sent, ErrorCode::reset)).reason ==
          Reason::reset);
}

TEST_CASE("each 4xx proves that nothing was made, and says who is to blame") {
    struct Row {
        int status;
        RefusalKind kind;
        Reason reason;
    };
    const std::vector<Row> rows{{400, RefusalKind::permanent, Reason::invalid_input},
                                {401, RefusalKind::credentials, Reason::credentials},
                                {402, RefusalKind::account, Reason::account},
                                {403, RefusalKind::account, Reason::account},
                                {404, RefusalKind::permanent, Reason::invalid_input},
                                {405, RefusalKind::permanent, Reason::rejected},
                                {408, RefusalKind::retry, Reason::provider_error},
                                {413, RefusalKind::permanent, Reason::invalid_input},
                                {422, RefusalKind::permanent, Reason::invalid_input},
                                {429, RefusalKind::rate_limited, Reason::rate_limit}};
    for (const Row& row : rows) {
        CAPTURE(row.status);
        const auto refusal =
            read_as<SubmitRefused>(answered(row.status, R"({"detail":"no"})",
                                            {{"Retry-After", "7"}, request_id_header}))
                .refusal;
        CHECK(refusal.kind == row.kind);
        CHECK(refusal.reason == row.reason);
        CHECK(refusal.error.message == "no");
        CHECK(refusal.retry_after == Millis{7000});
    }
}

TEST_CASE("a 422 of the content checker is told from other bad input") {
    const auto policy =
        read_as<SubmitRefused>(answered(422, fixture("result_content_policy.json"))).refusal;
    CHECK(policy.reason == Reason::content_policy);
    CHECK(policy.error.code == "content_policy_violation");
    const auto input =
        read_as<SubmitRefused>(answered(422, fixture("result_invalid_input.json"))).refusal;
    CHECK(input.reason == Reason::invalid_input);
    CHECK(input.error.code == "value_error.missing");
}

TEST_CASE("of the 5xx only the ingress page of a 503 proves that nothing was made") {
    const std::string page = fixture("ingress_503.html");
    const auto refused =
        read_as<SubmitRefused>(answered(503, page, {{"Retry-After", "5"}})).refusal;
    CHECK(refused.kind == RefusalKind::retry);
    CHECK(refused.retry_after == Millis{5000});
    read_as<SubmitUnknown>(answered(503, page, {request_id_header}));
    read_as<SubmitUnknown>(answered(503, R"({"detail":"nginx"})"));
    read_as<SubmitUnknown>(answered(503));
    read_as<SubmitUnknown>(answered(500, R"({"detail":"Internal Server Error"})"));
    read_as<SubmitUnknown>(answered(500, page));
    read_as<SubmitUnknown>(answered(502, page));
    CHECK(read_as<SubmitUnknown>(answered(504, page)).reason == Reason::timeout);
}

TEST_CASE("a 5xx that names a request in its header hints at it") {
    const auto event = read_as<SubmitUnknown>(answered(500, "", {request_id_header}));
    REQUIRE(event.hint);
    CHECK(event.hint->request_id.str() == "hinted-1");
}

TEST_CASE("redirects, conflicts, broken exchanges and odd codes prove nothing") {
    for (const int status : {0, 100, 301, 302, 303, 307, 308, 409, 499, 600}) {
        CAPTURE(status);
        CHECK(read_as<SubmitUnknown>(answered(status)).reason == Reason::garbled_answer);
    }
}
