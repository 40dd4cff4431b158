#include "providers/eachlabs/submit.hpp"

#include <doctest/doctest.h>

#include "base/json.hpp"
#include "providers/eachlabs/fixtures/exchanges.hpp"
#include "providers/eachlabs/webhook.hpp"

using namespace reeld;
using namespace reeld::providers::eachlabs;

namespace {

json::object body_of(const HttpRequest& request) {
    const auto value = parse_json(request.body);
    REQUIRE(value.has_value());
    return value->as_object();
}

}  // namespace

TEST_CASE("a submit names the slug, sends the input as it stands and asks for a secret webhook") {
    const auto intent = sample_intent();
    const auto request = build_submit(sample_account(), intent);
    REQUIRE(request.has_value());
    CHECK(request->method == "POST");
    CHECK(request->url == "https://api.eachlabs.ai/v1/prediction");
    CHECK(*request->headers.find("Authorization") == "Bearer smk_sample");
    CHECK(request->headers.find("X-API-Key") == nullptr);
    CHECK(request->body.find("smk_sample") == std::string::npos);
    CHECK(request->body.find("\"input\":" + intent.input + ",") != std::string::npos);
    const auto body = body_of(*request);
    CHECK(find_string(body, "model") == "minimax-i2v-01");
    CHECK(find_string(body, "version") == "0.0.1");
    CHECK(find_string(body, "webhook_url") == intent.webhook_url);
    CHECK(find_string(body, "webhook_secret") ==
          webhook_secret(sample_account(), intent.webhook_token));
}

TEST_CASE("without a webhook neither its URL nor a secret is sent") {
    auto intent = sample_intent();
    intent.webhook_url.clear();
    const auto body = body_of(*build_submit(sample_account(), intent));
    CHECK(find(body, "webhook_url") == nullptr);
    CHECK(find(body, "webhook_secret") == nullptr);
}

TEST_CASE("the older header takes the place of the bearer token when it is configured") {
    Account account = sample_account();
    account.old_header = true;
    const auto request = build_submit(account, sample_intent());
    CHECK(*request->headers.find("X-API-Key") == "smk_sample");
    CHECK(request->headers.find("Authorization") == nullptr);
}

TEST_CASE("a model that is no slug of Eachlabs is not submitted") {
    for (const char* model : {"eachlabs/", "eachlabs/a/b", "eachlabs/..", "minimax-i2v-01",
                              "fal-ai/minimax", "eachlabs/a b", "eachlabs/a%2Fb"}) {
        auto intent = sample_intent();
        intent.model = model;
        CHECK_FALSE(build_submit(sample_account(), intent).has_value());
    }
}

TEST_CASE("every 4xx proves that nothing was made, but a conflict and a broken exchange") {
    for (int status = 400; status < 500; ++status) {
        CAPTURE(status);
        const auto event = read_submit(sample_account(), answered(status, "{}"));
        const bool refused = std::holds_alternative<domain::event::SubmitRefused>(event);
        CHECK(refused == (status != 409 && status != 499));
    }
    for (const int status : {100, 204, 200, 302, 500, 502, 503, 504, 520}) {
        CAPTURE(status);
        const auto event = read_submit(sample_account(), answered(status, "{}"));
        CHECK(std::holds_alternative<domain::event::SubmitUnknown>(event));
    }
}

TEST_CASE("an id that would leave its place in a URL is no id") {
    for (const char* id : {"..", ".", "", "a b", "a\\u0000b"}) {
        const auto event = read_submit(
            sample_account(),
            answered(200, std::string(R"({"status":"success","predictionID":")") + id + "\"}"));
        CHECK(std::holds_alternative<domain::event::SubmitUnknown>(event));
    }
    const auto odd = read_submit(sample_account(), answered(200, R"({"predictionID":"a/../b?c"})"));
    REQUIRE(std::holds_alternative<domain::event::SubmitAccepted>(odd));
    CHECK(std::get<domain::event::SubmitAccepted>(odd).remote.status_url ==
          "https://api.eachlabs.ai/v1/prediction/a%2F..%2Fb%3Fc");
}
