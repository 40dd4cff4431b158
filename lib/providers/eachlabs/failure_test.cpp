#include "providers/eachlabs/failure.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "providers/eachlabs/fixtures/exchanges.hpp"
#include "providers/eachlabs/prediction.hpp"

using namespace reeld;
using namespace reeld::providers::eachlabs;
using domain::Reason;
using domain::Refusal;
using domain::RefusalKind;

namespace {

Refusal refusal_of(const std::string& output) {
    const auto value = parse_json(R"({"status":"error","output":)" + output + "}");
    REQUIRE(value.has_value());
    return classify_failure(value->as_object());
}

Refusal of_code(const std::string& code, const char* retryable = "false") {
    return refusal_of(fmt::format(
        R"({{"classification":{{"category":"UNKNOWN"}},"error_code":"{}","retryable":{}}})", code,
        retryable));
}

Refusal of_category(const std::string& category) {
    return refusal_of(fmt::format(R"({{"classification":{{"category":"{}"}}}})", category));
}

struct Row {
    const char* word;
    RefusalKind kind;
    std::optional<int> most;
};

}  // namespace

TEST_CASE("each error code has its class") {
    for (const Row& row : {Row{"INPUT_VALIDATION_ERROR", RefusalKind::permanent, {}},
                           Row{"PROVIDER_REJECTED", RefusalKind::permanent, {}},
                           Row{"PROVIDER_BAD_REQUEST", RefusalKind::permanent, {}},
                           Row{"INPUT_DOWNLOAD_ERROR", RefusalKind::permanent, {}},
                           Row{"PROVIDER_AUTH_ERROR", RefusalKind::permanent, {}},
                           Row{"PROVIDER_RATE_LIMIT", RefusalKind::retry, {}},
                           Row{"NETWORK_ERROR", RefusalKind::retry, {}},
                           Row{"PROVIDER_SERVER_ERROR", RefusalKind::retry, {}},
                           Row{"PROVIDER_FAILED", RefusalKind::retry, 2},
                           Row{"EXECUTION_TIMEOUT", RefusalKind::retry, 2},
                           Row{"SOMETHING_NEW", RefusalKind::permanent, {}}}) {
        CAPTURE(row.word);
        const Refusal refusal = of_code(row.word);
        CHECK(refusal.kind == row.kind);
        CHECK(refusal.attempts_max == row.most);
    }
    CHECK(of_code("SOMETHING_NEW", "true").kind == RefusalKind::retry);
    CHECK(of_code("INPUT_VALIDATION_ERROR", "true").kind == RefusalKind::permanent);
    CHECK(of_code("PROVIDER_REJECTED").error.code == "provider_rejected");
}

TEST_CASE("where there is no code the category decides") {
    for (const Row& row : {Row{"VALIDATION", RefusalKind::permanent, {}},
                           Row{"AUTH", RefusalKind::permanent, {}},
                           Row{"RATE_LIMIT", RefusalKind::retry, {}},
                           Row{"NETWORK", RefusalKind::retry, {}},
                           Row{"TIMEOUT", RefusalKind::retry, {}},
                           Row{"PROVIDER", RefusalKind::retry, 2},
                           Row{"INTERNAL", RefusalKind::retry, 3},
                           Row{"UNKNOWN", RefusalKind::permanent, {}}}) {
        CAPTURE(row.word);
        const Refusal refusal = of_category(row.word);
        CHECK(refusal.kind == row.kind);
        CHECK(refusal.attempts_max == row.most);
    }
}

TEST_CASE("what a moderator stopped is never tried again, whoever says so") {
    for (const char* output : {R"({"error_code":"CONTENT_MODERATION","retryable":true})",
                               R"({"classification":{"category":"content_moderation"}})",
                               R"({"error_code":"PROVIDER_FAILED","provider_error_code":"1026"})",
                               R"({"error_code":"NETWORK_ERROR","provider_error_code":1027})"}) {
        CAPTURE(output);
        const Refusal refusal = refusal_of(output);
        CHECK(refusal.kind == RefusalKind::permanent);
        CHECK(refusal.reason == Reason::content_policy);
        CHECK_FALSE(refusal.attempts_max);
    }
}

TEST_CASE("the sentence comes from the envelope, the logs or the output as it stands") {
    CHECK(refusal_of(R"({"error":"a","error_message":"b"})").error.message == "b");
    CHECK(refusal_of(R"({"error":"a"})").error.message == "a");
    CHECK(refusal_of(R"("plain words")").error.message == "plain words");
    CHECK(refusal_of(R"({"odd":[1]})").error.message == R"({"odd":[1]})");
    CHECK(refusal_of("null").error.message == "Eachlabs says no more than that it failed");
    CHECK(refusal_of(R"({"error_message":"see https://cdn.example/x.png?sig=abc"})")
              .error.message == "see https://cdn.example/x.png");
}

TEST_CASE("a cancelled prediction tells what it cost, unless it says nothing or 0 too early") {
    const auto cancelled = [](const char* metrics) {
        const auto event = read_status(answered(
            200, std::string(R"({"status":"cancelled","output":null,"metrics":)") + metrics + "}"));
        REQUIRE(std::holds_alternative<domain::event::RemoteCancelled>(event));
        return std::get<domain::event::RemoteCancelled>(event).cost_micro_usd;
    };
    CHECK(cancelled(R"({"cost":0.2})") == 200'000);
    CHECK_FALSE(cancelled(R"({"cost":0})"));
    CHECK_FALSE(cancelled("{}"));
}

TEST_CASE("a cost that cannot be one is not told") {
    const auto cost_of = [](const char* metrics) {
        const auto event = read_status(answered(
            200, std::string(R"({"status":"success","output":"https://a.example/x","metrics":)") +
                     metrics + "}"));
        REQUIRE(std::holds_alternative<domain::event::ResultSeen>(event));
        return std::get<domain::event::ResultSeen>(event).cost_micro_usd;
    };
    CHECK(cost_of(R"({"cost":0.43})") == 430'000);
    CHECK(cost_of(R"({"cost":0})") == 0);
    CHECK(cost_of(R"({"cost":3})") == 3'000'000);
    for (const char* odd : {"{}", "null", "7", R"({"cost":-1})", R"({"cost":"0.43"})",
                            R"({"cost":1e300})"}) {
        CAPTURE(odd);
        CHECK_FALSE(cost_of(odd));
    }
}
