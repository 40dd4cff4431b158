#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "bench.hpp"
#include "sandbox/python_json.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

// As the provider's documentation tells a receiver to check.
bool verifies(Bench& bench, const WebhookDelivery& delivery) {
    const auto value = [&](std::string_view name) { return *delivery.headers.find(name); };
    const std::string message = value("x-fal-webhook-request-id") + "\n" +
                                value("x-fal-webhook-user-id") + "\n" +
                                value("x-fal-webhook-timestamp") + "\n" + sha256_hex(delivery.body);
    const std::int64_t sent = std::stoll(value("x-fal-webhook-timestamp"));
    if (std::abs(sent - to_unix_ms(bench.now) / 1000) > 300) return false;
    const json::object set = read(bench.call("GET", "/.well-known/jwks.json"));
    for (const json::value& key : *find_array(set, "keys")) {
        CHECK(text(key.as_object(), "kty") == "OKP");
        CHECK(text(key.as_object(), "crv") == "Ed25519");
        const auto x = from_base64url(text(key.as_object(), "x"));
        const auto signature = from_hex(value("x-fal-webhook-signature"));
        if (x && signature && ed25519_verify(*x, message, *signature)) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("python's layout: sorted keys, spaced separators, escapes beyond ASCII") {
    const auto value = parse_json(
        "{\"b\":[1,2.5,true,null],\"a\":\"d\xC3\xA9"
        "f\\n\\\"\xF0\x9F\x98\x80\"}");
    REQUIRE(value.has_value());
    CHECK(python_json(*value) == R"({"a": "d\u00e9f\n\"\ud83d\ude00", "b": [1, 2.5, true, null]})");
    CHECK(python_json(json::object{}) == "{}");
    CHECK(python_json(2.0) == "2.0");
}

TEST_CASE("a finished job is told to its webhook, signed so that the key set verifies it") {
    Bench bench;
    const json::object submitted = read(bench.submit("x", hook));
    const auto seen = bench.run(Millis{20'000});
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].url == "http://127.0.0.1:9/hooks/fal/abc");
    CHECK(seen[0].timeout == Millis{15'000});
    CHECK(*seen[0].headers.find("content-type") == "application/json");
    CHECK(verifies(bench, seen[0]));
    const auto body = parse_json(seen[0].body);
    REQUIRE(body.has_value());
    const json::object& object = body->as_object();
    CHECK(text(object, "status") == "OK");
    CHECK(text(object, "request_id") == text(submitted, "request_id"));
    CHECK(text(object, "gateway_request_id") == text(submitted, "request_id"));
    CHECK(find(object, "error")->is_null());
    const Answer result = bench.call("GET", path_of(text(submitted, "response_url")));
    CHECK(python_json(*find(object, "payload")) == result.body);
    CHECK(seen[0].body.starts_with(R"({"error": null, "gateway_request_id": ")"));
}

TEST_CASE("a failed job's webhook says ERROR and carries the error body") {
    Bench bench;
    bench.submit("[sandbox:content_policy]", hook);
    const auto seen = bench.run(Millis{20'000});
    REQUIRE(seen.size() == 1);
    CHECK(verifies(bench, seen[0]));
    CHECK(seen[0].body.starts_with(R"({"error": "Invalid status code: 422")"));
    CHECK(seen[0].body.find("content_policy_violation") != std::string::npos);
}

TEST_CASE("a receiver that never accepts is asked 32 times at growing distances, freshly signed") {
    Bench bench;
    bench.submit("x", hook);
    std::vector<Instant> times;
    for (auto next = bench.service.next_due(); next; next = bench.service.next_due()) {
        bench.now = *next;
        for (const WebhookDelivery& delivery : bench.service.due(bench.now)) {
            CHECK(verifies(bench, delivery));
            CHECK(delivery.timeout == Millis{times.empty() ? 15'000 : 120'000});
            times.push_back(bench.now);
            bench.service.delivered(
                delivery.id, times.size() % 2 == 0 ? std::optional(500) : std::nullopt, bench.now);
        }
    }
    CHECK(times.size() == 32);
    for (std::size_t i = 2; i < times.size(); ++i) {
        CHECK(times[i] - times[i - 1] > times[i - 1] - times[i - 2]);
    }
    CHECK(times.back() - times.front() < Millis{3'600'000});
}

TEST_CASE("retries stop when the stored result expires") {
    Options options;
    options.retention = Millis{60'000};
    Bench bench(options);
    bench.submit("x", hook);
    const auto seen = bench.run(Millis{7'200'000}, 500);
    CHECK(seen.size() == 4);  // after 0, 7, 21 and 42 s; the next would be at 70
}

TEST_CASE("a redirect is a permanent failure, 2xx is the end") {
    for (const int status : {301, 307, 200, 204}) {
        Bench bench;
        bench.submit("x", hook);
        CHECK(bench.run(Millis{7'200'000}, status).size() == 1);
    }
}

TEST_CASE("no webhook is sent when none was asked for") {
    Bench bench;
    bench.submit("x");
    CHECK(bench.run(Millis{60'000}).empty());
}

TEST_CASE("webhook_dropped: it never comes, the result is there all the same") {
    Bench bench(with_fault(Fault::webhook_dropped));
    const json::object submitted = read(bench.submit("x", hook));
    CHECK(bench.run(Millis{600'000}).empty());
    CHECK(bench.call("GET", path_of(text(submitted, "response_url"))).status == 200);
}

TEST_CASE("webhook_duplicate: the same body again after it was accepted, once") {
    Bench bench(with_fault(Fault::webhook_duplicate));
    bench.submit("x", hook);
    const auto seen = bench.run(Millis{600'000});
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].body == seen[1].body);
}

TEST_CASE("webhook_late: it comes 30 to 120 s after the end") {
    Bench bench(with_fault(Fault::webhook_late));
    const json::object submitted = read(bench.submit("x", hook));
    CHECK(bench.run(Millis{29'000}).empty());
    CHECK(bench.call("GET", path_of(text(submitted, "response_url"))).status == 200);
    CHECK(bench.run(Millis{100'000}).size() == 1);
}

TEST_CASE("webhook_early: it is due before the submit's answer is out") {
    Bench bench(with_fault(Fault::webhook_early));
    const Answer answer = bench.submit("x", hook);
    CHECK(answer.status == 200);
    CHECK(answer.delay > Millis{0});
    const auto seen = bench.service.due(bench.now);
    REQUIRE(seen.size() == 1);
    CHECK(verifies(bench, seen[0]));
    CHECK(seen[0].body.find(text(read(answer), "request_id")) != std::string::npos);
}

TEST_CASE("webhook_forged: beside the true delivery comes one that breaks a rule") {
    int wrong_key = 0;
    int other_user = 0;
    Bench bench(with_fault(Fault::webhook_forged));
    for (int i = 0; i < 30; ++i) {
        bench.submit("job " + std::to_string(i), hook);
        const auto seen = bench.run(Millis{20'000});
        REQUIRE(seen.size() == 2);
        int honest = 0;
        for (const WebhookDelivery& delivery : seen) {
            Bench same;
            same.now =
                from_unix_ms(std::stoll(*delivery.headers.find("x-fal-webhook-timestamp")) * 1000);
            const bool good = verifies(same, delivery);
            const bool mine = *delivery.headers.find("x-fal-webhook-user-id") == "sandbox|1";
            honest += good && mine ? 1 : 0;
            wrong_key += good ? 0 : 1;
            other_user += mine ? 0 : 1;
        }
        CHECK(honest == 1);
    }
    CHECK(wrong_key > 0);
    CHECK(other_user > 0);
    CHECK(wrong_key + other_user == 30);
}

TEST_CASE("webhook_payload_error: the payload is null and the result call has it") {
    Bench bench(with_fault(Fault::webhook_payload_error));
    bench.submit("x", hook);
    const auto seen = bench.run(Millis{20'000});
    REQUIRE(seen.size() == 1);
    CHECK(verifies(bench, seen[0]));
    CHECK(seen[0].body.find(R"("payload": null)") != std::string::npos);
    CHECK(seen[0].body.find("payload_error") != std::string::npos);
}

TEST_CASE("server_retry: back to the queue once, and the webhook names another gateway id") {
    Bench bench(with_fault(Fault::server_retry));
    const json::object submitted = read(bench.submit("x", hook));
    const std::string url = path_of(text(submitted, "status_url"));
    std::string states;
    std::string last;
    std::vector<WebhookDelivery> seen;
    for (int i = 0; i < 400; ++i) {
        for (auto& delivery : bench.run(Millis{20}))
            seen.push_back(std::move(delivery));
        const std::string state = text(read(bench.call("GET", url)), "status");
        if (state != last) states += state + " ";
        last = state;
    }
    CHECK(states == "IN_QUEUE IN_PROGRESS IN_QUEUE IN_PROGRESS COMPLETED ");
    REQUIRE(seen.size() == 1);
    const auto body = parse_json(seen[0].body);
    CHECK(text(body->as_object(), "gateway_request_id") != text(submitted, "request_id"));
}
