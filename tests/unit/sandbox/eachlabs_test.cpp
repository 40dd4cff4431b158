// The Eachlabs personality, call by call.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.hpp"
#include "unit/sandbox/bench.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

constexpr const char* hook_url = "http://127.0.0.1:9/hooks/eachlabs/abc";

struct Each : Bench {
    using Bench::Bench;

    Answer ask(std::string method, std::string url, std::string body = {}) {
        Headers headers;
        headers.add("Authorization", "Bearer smk_any");
        return call(std::move(method), std::move(url), std::move(body), std::move(headers));
    }
    Answer create(const std::string& prompt, const std::string& path = "/v1/prediction") {
        json::object body{
            {"model", "minimax-i2v-01"},
            {"version", "0.0.1"},
            {"input", {{"prompt", prompt}, {"first_frame_image", "https://example.com/a.png"}}},
            {"webhook_url", hook_url},
            {"webhook_secret", "s3cret"}};
        return ask("POST", path, json::serialize(body));
    }
    std::string id_of(const Answer& answer) { return text(read(answer), "predictionID"); }
    json::object get(const std::string& id) { return read(ask("GET", "/v1/prediction/" + id)); }
    json::array executions(const std::string& query = {}) {
        return read(ask("GET", "/v1/executions?" + query)).at("executions").as_array();
    }
    std::size_t accepted() { return service.ledger().at("accepted").as_array().size(); }
};

Options quiet() {
    Options options;
    options.noise = 0;
    return options;
}

Options faulty(Fault fault) {
    Options options = quiet();
    options.faults[fault] = 1;
    return options;
}

}  // namespace

TEST_CASE("a prediction goes from created over processing to success, and costs once it is there") {
    Each bench(quiet());
    const Answer answer = bench.create("waves");
    REQUIRE(answer.status == 200);
    CHECK(text(read(answer), "status") == "success");
    const std::string id = bench.id_of(answer);
    json::object seen = bench.get(id);
    CHECK(text(seen, "status") == "created");
    CHECK(seen.at("output").is_null());
    CHECK(text(seen.at("input").as_object(), "prompt") == "waves");
    bench.pass(Millis{1'000});
    bench.get(id);
    CHECK(text(bench.get(id), "status") == "processing");
    bench.pass(Millis{4'000});
    seen = bench.get(id);
    CHECK(text(seen, "status") == "success");
    CHECK(find_number(seen.at("metrics").as_object(), "cost") == 0.43);
    CHECK(bench.ask("GET", path_of(text(seen, "output"))).status == 200);
    const json::object ledger = bench.service.ledger();
    CHECK(ledger.at("billed") == 1);
    CHECK(find_number(ledger, "billed_usd") == 0.43);
    CHECK(text(ledger.at("accepted").at(0).as_object(), "endpoint") == "eachlabs/minimax-i2v-01");
}

TEST_CASE("either header carries the key, and a wrong one gets a sentence or nothing") {
    Options options = quiet();
    options.key = "smk_1";
    Each bench(options);
    const auto ask = [&](const char* name, const char* value) {
        Headers headers;
        headers.add(name, value);
        headers.add("authorization-not", "x");
        HttpRequest request{"GET", "/v1/executions", headers, ""};
        return bench.service.handle(request, bench.now);
    };
    CHECK(ask("Authorization", "Bearer smk_1").status == 200);
    CHECK(ask("X-API-Key", "smk_1").status == 200);
    CHECK(ask("Authorization", "Key smk_1").status == 401);
    CHECK(text(read(ask("X-API-Key", "smk_2")), "error") == "Invalid or missing API key");
    bench.control(R"({"bare_401": true})");
    CHECK(read(ask("X-API-Key", "smk_2")).empty());
}

TEST_CASE("what cannot be made is refused before it is billed") {
    Each bench(quiet());
    const auto refused = [&](const std::string& body) {
        return bench.ask("POST", "/v1/prediction", body).status;
    };
    CHECK(refused("{") == 422);
    CHECK(refused("{}") == 400);
    CHECK(refused(R"({"model":"no-such-model","input":{}})") == 404);
    CHECK(refused(R"({"model":"minimax-i2v-01","input":{"prompt":"x"}})") == 400);
    CHECK(refused(R"({"model":"minimax-i2v-01","input":[]})") == 400);
    CHECK(bench.create("[sandbox:refused]").status == 400);
    CHECK(bench.create("fine", "/v1/prediction/").status == 200);
    CHECK(bench.create("fine", "/v1/prediction/run").status == 400);
    CHECK(bench.accepted() == 1);
}

TEST_CASE("a balance that is used up is a 402, too many at once a 429, and neither makes anything") {
    Each bench(quiet());
    bench.control(R"({"locked": true})");
    Answer answer = bench.create("one");
    CHECK(answer.status == 402);
    CHECK(text(read(answer), "error") == "payment required");
    bench.control(R"({"locked": false, "in_flight_max": 1})");
    CHECK(bench.create("two").status == 200);
    answer = bench.create("three");
    CHECK(answer.status == 429);
    CHECK(text(read(answer), "details").find("1 concurrent") != std::string::npos);
    CHECK(bench.accepted() == 1);
    bench.run(Millis{60'000});
    CHECK(bench.create("three").status == 200);
    for (const Fault fault : {Fault::submit_402, Fault::submit_429, Fault::lost_request}) {
        Each other(faulty(fault));
        const Answer one = other.create("x");
        CHECK((one.drop || one.status == 402 || one.status == 429));
        CHECK(other.accepted() == 0);
    }
}

TEST_CASE("lost and spoilt answers leave an accepted prediction behind") {
    for (const Fault fault : {Fault::lost_answer, Fault::truncated_answer, Fault::answer_no_id,
                              Fault::answer_odd, Fault::slow_answer}) {
        CAPTURE(to_string(fault));
        Each bench(faulty(fault));
        bench.create("x");
        CHECK(bench.accepted() == 1);
    }
}

TEST_CASE("the list gives rows without inputs, others among them, by page and time") {
    Options options;
    options.noise = 1;
    options.history_delay = Millis{0};
    Each bench(options);
    const std::string first = bench.id_of(bench.create("one"));
    bench.pass(Millis{30'000});
    const std::string second = bench.id_of(bench.create("two"));
    bench.pass(Millis{30'000});
    const json::array rows = bench.executions("model=minimax-i2v-01");
    REQUIRE(rows.size() == 4);
    std::size_t ours = 0;
    for (const json::value& row : rows) {
        const std::string id = text(row.as_object(), "id");
        CHECK(find(row.as_object(), "input") == nullptr);
        const std::string prompt = text(bench.get(id).at("input").as_object(), "prompt");
        if (id == first || id == second) {
            ++ours;
        } else {
            CHECK(prompt.starts_with("somebody else's film"));
        }
    }
    CHECK(ours == 2);
    CHECK(bench.executions("limit=1").size() == 1);
    CHECK(bench.executions("limit=3&offset=3").size() == 1);
    CHECK(bench.executions("model=hailuo-i2v-live").empty());
    CHECK(bench.executions("status=error").empty());
    CHECK(bench.executions("to=2025-01-01T00:00:00Z").empty());
    for (const char* query : {"limit=0", "limit=101", "limit=x", "offset=-1", "status=processing",
                              "from=yesterday"}) {
        CAPTURE(query);
        CHECK(bench.ask("GET", std::string("/v1/executions?") + query).status == 400);
    }
    CHECK(bench.accepted() == 2);
}

TEST_CASE("a cancel is answered in both words; it frees what waits, or only the record") {
    Each bench(quiet());
    std::set<std::string> words;
    for (int i = 0; i < 12; ++i) {
        const std::string id = bench.id_of(bench.create("job " + std::to_string(i)));
        const Answer answer = bench.ask("POST", "/v1/prediction/" + id + "/cancel");
        REQUIRE(answer.status == 200);
        words.insert(text(read(answer), "status"));
        CHECK(text(bench.get(id), "status") == "cancelled");
        CHECK(bench.ask("POST", "/v1/prediction/" + id + "/cancel").status == 400);
    }
    CHECK(words == std::set<std::string>{"cancelled", "success"});
    CHECK(bench.run(Millis{60'000}).empty());
    CHECK(bench.service.ledger().at("billed") == 0);
    CHECK(bench.ask("POST", "/v1/prediction/nobody/cancel").status == 404);

    Each lying(faulty(Fault::cancel_lies));
    const std::string id = lying.id_of(lying.create("late"));
    CHECK(lying.ask("POST", "/v1/prediction/" + id + "/cancel").status == 200);
    CHECK(text(lying.get(id), "status") == "cancelled");
    lying.run(Millis{60'000});
    CHECK(text(lying.get(id), "status") == "success");
    CHECK(lying.service.ledger().at("billed") == 1);
}

TEST_CASE("failures come in an envelope, a dispatch failure in a sentence, and cost nothing") {
    Each bench(quiet());
    for (const auto& row :
         {std::pair("provider_failed", "PROVIDER_FAILED"), std::pair("503", "NETWORK_ERROR"),
          std::pair("content_policy", "PROVIDER_REJECTED"), std::pair("dispatch", "<absent>")}) {
        CAPTURE(row.first);
        const std::string id =
            bench.id_of(bench.create(fmt::format("[sandbox:{}]", row.first)));
        bench.run(Millis{60'000});
        const json::object seen = bench.get(id);
        CHECK(text(seen, "status") == "error");
        CHECK(text(seen.at("output").as_object(), "error_code") == row.second);
        CHECK(find_number(seen.at("metrics").as_object(), "cost") == 0);
    }
    CHECK(bench.service.ledger().at("billed") == 0);
}

TEST_CASE("outputs come in every shape and words of every age") {
    Each shaped(faulty(Fault::output_shape));
    std::set<json::kind> kinds;
    for (int i = 0; i < 12; ++i) {
        const std::string id = shaped.id_of(shaped.create("job " + std::to_string(i)));
        shaped.run(Millis{60'000});
        kinds.insert(shaped.get(id).at("output").kind());
    }
    CHECK(kinds == std::set<json::kind>{json::kind::array, json::kind::object});
    Each old(faulty(Fault::legacy_words));
    const std::string id = old.id_of(old.create("old"));
    old.run(Millis{60'000});
    CHECK(text(old.get(id), "status") == "succeeded");
}

TEST_CASE("a webhook carries the secret, is tried three times, and its record can be read") {
    Each bench(quiet());
    const std::string id = bench.id_of(bench.create("waves"));
    const auto seen = bench.run(Millis{120'000}, 500);
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].url == hook_url);
    CHECK(*seen[0].headers.find("X-Webhook-Secret") == "s3cret");
    const auto body = parse_json(seen[0].body);
    REQUIRE(body.has_value());
    CHECK(text(body->as_object(), "exec_id") == id);
    CHECK(text(body->as_object(), "status") == "succeeded");
    const json::object record = read(bench.ask("GET", "/v1/webhooks/" + id));
    CHECK(text(record, "request") == seen[0].body);
    REQUIRE(record.at("attempts").as_array().size() == 3);
    CHECK(record.at("attempts").at(2).at("status") == "FAILED");
    CHECK(read(bench.ask("GET", "/v1/webhooks")).at("webhooks").as_array().size() == 1);
    CHECK(bench.ask("GET", "/v1/webhooks/nobody").status == 404);
}

TEST_CASE("forged and older webhooks differ from the honest one in their proof") {
    Each old(faulty(Fault::webhook_legacy));
    old.create("old");
    const auto legacy = old.run(Millis{60'000});
    REQUIRE(legacy.size() == 1);
    CHECK(legacy[0].headers.find("X-Webhook-Secret") == nullptr);
    CHECK(*legacy[0].headers.find("X-Webhook-Signature") ==
          hmac_sha256_hex("s3cret", legacy[0].body));
    Each forged(faulty(Fault::webhook_forged));
    for (int i = 0; i < 9; ++i) forged.create("job " + std::to_string(i));
    std::size_t honest = 0;
    const auto seen = forged.run(Millis{300'000});
    for (const WebhookDelivery& delivery : seen) {
        const std::string* secret = delivery.headers.find("X-Webhook-Secret");
        honest += secret != nullptr && *secret == "s3cret" ? 1 : 0;
    }
    CHECK(seen.size() == 18);
    CHECK(honest == 9);
}

TEST_CASE("a file is put where a signed place says, with what was signed, and read by anyone") {
    Each bench(quiet());
    CHECK(bench.ask("POST", "/v1/upload/presign", "{}").status == 400);
    const json::object place =
        read(bench.ask("POST", "/v1/upload/presign", R"({"content_type":"image/png"})"));
    const auto put = [&](const char* type, const std::string& meta) {
        Headers headers;
        headers.add("Content-Type", type);
        headers.add("x-amz-meta-file-id", meta);
        HttpRequest request{"PUT", path_of(text(place, "presigned_url")), headers, "pixels"};
        return bench.service.handle(request, bench.now).status;
    };
    CHECK(put("image/jpeg", text(place, "id")) == 403);
    CHECK(put("image/png", "other") == 403);
    CHECK(bench.ask("GET", path_of(text(place, "public_url"))).status == 404);
    CHECK(put("image/png", text(place, "id")) == 200);
    CHECK(bench.ask("GET", path_of(text(place, "public_url"))).body == "pixels");
    CHECK(bench.ask("DELETE", "/v1/files/" + text(place, "id")).status == 204);
    CHECK(bench.ask("DELETE", "/v1/files/7").status == 400);
    CHECK(bench.ask("GET", path_of(text(place, "public_url"))).status == 404);
    bench.pass(Millis{901'000});
    CHECK(put("image/png", text(place, "id")) == 403);
}

TEST_CASE("a model tells what it needs") {
    Each bench(quiet());
    const json::object model = read(bench.ask("GET", "/v1/model?slug=minimax-i2v-01"));
    CHECK(model.at("request_schema").at("required").as_array().size() == 2);
    CHECK(bench.ask("GET", "/v1/model?slug=nobody").status == 404);
}
