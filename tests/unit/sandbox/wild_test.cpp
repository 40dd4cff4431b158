// Goal: what providers, proxies and networks were seen to do beside their documents. Each fault is
// made certain and looked at from outside.
#include "bench.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

std::size_t accepted(const Bench& bench) {
    return bench.service.ledger().at("accepted").as_array().size();
}

std::string url_in(const Answer& submitted, std::string_view which) {
    return path_of(text(read(submitted), which));
}

struct Finished {
    std::string status_url, result_url, file_url;
};
Finished finish(Bench& bench, const std::string& prompt) {
    const json::object submitted = read(bench.submit(prompt));
    bench.run(Millis{60'000});
    const std::string id = text(submitted, "request_id");
    return {path_of(text(submitted, "status_url")), path_of(text(submitted, "response_url")),
            "/files/b/" + id + "/output.mp4"};
}

std::string status_of(Bench& bench, const std::string& url) {
    return text(read(bench.call("GET", url)), "status");
}

}  // namespace

TEST_CASE("a guest network and a redirect answer a submit that nobody accepted") {
    Bench portal(with_fault(Fault::submit_portal));
    const Answer page = portal.submit("x");
    CHECK(page.status == 200);
    CHECK(*page.headers.find("content-type") == "text/html");
    CHECK(accepted(portal) == 0);
    Bench moved(with_fault(Fault::submit_redirect));
    const Answer elsewhere = moved.submit("x");
    CHECK(elsewhere.status / 100 == 3);
    CHECK(elsewhere.headers.find("location")->starts_with("https://elsewhere.invalid/"));
    CHECK(accepted(moved) == 0);
}

TEST_CASE("behind another proxy's error page one submit in two was accepted") {
    Bench bench(with_fault(Fault::submit_5xx_proxy));
    for (int i = 0; i < 60; ++i) {
        const Answer answer = bench.submit("job " + std::to_string(i));
        CHECK(answer.status >= 500);
        CHECK(answer.body.find("nginx") == std::string::npos);
        CHECK(answer.headers.find("x-fal-request-id") == nullptr);
    }
    CHECK(accepted(bench) > 15);
    CHECK(accepted(bench) < 45);
}

TEST_CASE("accepted submits are answered without the id, twice over, or with foreign URLs") {
    Bench nameless(with_fault(Fault::answer_no_id));
    int in_header = 0;
    for (int i = 0; i < 40; ++i) {
        const Answer answer = nameless.submit("job " + std::to_string(i));
        CHECK_FALSE(read(answer).contains("request_id"));
        in_header += answer.headers.find("x-fal-request-id") != nullptr ? 1 : 0;
    }
    CHECK(accepted(nameless) == 40);
    CHECK(in_header > 8);
    CHECK(in_header < 32);

    Bench odd(with_fault(Fault::answer_odd));
    const Answer twice = odd.submit("x");
    const auto first = twice.body.find("\"request_id\"");
    CHECK(twice.body.find("\"request_id\"", first + 1) != std::string::npos);
    CHECK(accepted(odd) == 1);

    Bench foreign(with_fault(Fault::answer_foreign_urls));
    const json::object answer = read(foreign.submit("x"));
    CHECK(text(answer, "status_url").starts_with("https://elsewhere.invalid/"));
    CHECK(foreign.call("GET", "/fal-ai/minimax/requests/" + text(answer, "request_id") + "/status")
              .status == 202);
}

TEST_CASE("more submits than the account may make in a minute are refused until it is over") {
    Options options;
    options.requests_per_minute = 3;
    Bench bench(options);
    for (int i = 0; i < 3; ++i) CHECK(bench.submit("x").status == 200);
    bench.pass(Millis{10'000});
    const Answer refused = bench.submit("x");
    CHECK(refused.status == 429);
    CHECK(refused.headers.find("retry-after") != nullptr);
    bench.pass(Millis{50'000});
    CHECK(bench.submit("x").status == 200);
    CHECK(bench.control(R"({"requests_per_minute": 0})").status == 200);
    for (int i = 0; i < 9; ++i) CHECK(bench.submit("x").status == 200);
}

TEST_CASE("status answers that say nothing, or not the truth") {
    SUBCASE("status_404: unknown for a while, then known again") {
        Bench bench;
        const std::string url = url_in(bench.submit("[sandbox:status_404]"), "status_url");
        CHECK(bench.call("GET", url).status == 404);
        bench.pass(Millis{5'000});
        CHECK(bench.call("GET", url).status == 404);
        bench.pass(Millis{60'000});
        CHECK(bench.call("GET", url).status == 200);
    }
    SUBCASE("status_429, status_portal") {
        Bench slow(with_fault(Fault::status_429));
        CHECK(slow.call("GET", url_in(slow.submit("x"), "status_url")).status == 429);
        Bench portal(with_fault(Fault::status_portal));
        const Answer page = portal.call("GET", url_in(portal.submit("x"), "status_url"));
        CHECK(page.status == 200);
        CHECK(page.body.find("guest network") != std::string::npos);
    }
    SUBCASE("status_garbled never reads as one of the three words") {
        Bench bench(with_fault(Fault::status_garbled));
        for (int i = 0; i < 20; ++i) {
            const std::string prompt = "job " + std::to_string(i);
            const Answer answer = bench.call("GET", url_in(bench.submit(prompt), "status_url"));
            const auto body = parse_json(answer.body);
            const bool readable = body && body->is_object();
            if (readable) CHECK(text(body->get_object(), "status") == "ARCHIVED");
        }
    }
    SUBCASE("status_early: COMPLETED, and the result is not ready") {
        Bench bench;
        const json::object submitted = read(bench.submit("[sandbox:status_early]"));
        bench.run(Millis{1'000});
        CHECK(status_of(bench, path_of(text(submitted, "status_url"))) == "COMPLETED");
        CHECK(bench.call("GET", path_of(text(submitted, "response_url"))).status == 400);
        CHECK(status_of(bench, path_of(text(submitted, "status_url"))) == "IN_PROGRESS");
    }
    SUBCASE("status_stale: IN_PROGRESS, and the result is ready") {
        Bench bench;
        const Finished job = finish(bench, "[sandbox:status_stale]");
        CHECK(status_of(bench, job.status_url) == "IN_PROGRESS");
        CHECK(bench.call("GET", job.result_url).status == 200);
        CHECK(status_of(bench, job.status_url) == "COMPLETED");
    }
}

TEST_CASE("a cancel that is lied about, and one that fails") {
    Bench lying(with_fault(Fault::cancel_lies));
    const json::object waiting = read(lying.submit("x"));
    const Answer answer = lying.call("PUT", path_of(text(waiting, "cancel_url")));
    CHECK(answer.status == 200);
    CHECK(text(read(answer), "status") == "OK");
    lying.run(Millis{60'000});
    CHECK(lying.call("GET", path_of(text(waiting, "response_url"))).status == 200);
    Bench broken(with_fault(Fault::cancel_5xx));
    CHECK(broken.call("PUT", url_in(broken.submit("x"), "cancel_url")).status >= 500);
}

TEST_CASE("results that are empty, foreign, late, garbled or soon gone") {
    SUBCASE("result_empty, result_foreign: billed all the same") {
        Bench empty(with_fault(Fault::result_empty));
        CHECK(read(empty.call("GET", finish(empty, "x").result_url)).at("video").is_null());
        CHECK(find_int(empty.service.ledger(), "billed") == 1);
        Bench foreign(with_fault(Fault::result_foreign));
        const json::object result = read(foreign.call("GET", finish(foreign, "x").result_url));
        CHECK(text(*find_object(result, "video"), "url").find("elsewhere") != std::string::npos);
    }
    SUBCASE("result_404: unknown for a while") {
        Bench bench(with_fault(Fault::result_404));
        const Finished job = finish(bench, "x");
        CHECK(bench.call("GET", job.result_url).status == 404);
        bench.pass(Millis{61'000});
        CHECK(bench.call("GET", job.result_url).status == 200);
    }
    SUBCASE("result_portal, result_garbled: nothing that can be read") {
        Bench portal(with_fault(Fault::result_portal));
        CHECK(portal.call("GET", finish(portal, "x").result_url).body.starts_with("<html>"));
        Bench garbled(with_fault(Fault::result_garbled));
        const Answer answer = garbled.call("GET", finish(garbled, "x").result_url);
        CHECK_FALSE(parse_json(answer.body).has_value());
    }
    SUBCASE("result_expires: kept for five minutes at most") {
        Bench bench(with_fault(Fault::result_expires));
        const json::object submitted = read(bench.submit("x"));
        bench.run(Millis{20'000});
        CHECK(bench.call("GET", path_of(text(submitted, "response_url"))).status == 200);
        bench.pass(Millis{301'000});
        CHECK(bench.call("GET", path_of(text(submitted, "response_url"))).status == 404);
    }
    SUBCASE("url_expires: the address dies, a fresh one works") {
        Bench bench(with_fault(Fault::url_expires));
        const Finished job = finish(bench, "x");
        const auto address = [&] {
            const json::object result = read(bench.call("GET", job.result_url));
            return path_of(text(*find_object(result, "video"), "url"));
        };
        const std::string first = address();
        CHECK(bench.call("GET", first).status == 200);
        bench.pass(Millis{601'000});
        CHECK(bench.call("GET", first).status == 403);
        CHECK(bench.call("GET", address()).status == 200);
    }
}

TEST_CASE("files that are gone, late, moved or called something else") {
    Bench gone(with_fault(Fault::media_gone));
    const std::string lost = finish(gone, "x").file_url;
    const int status = gone.call("GET", lost).status;
    CHECK((status == 403 || status == 404 || status == 410));
    CHECK(gone.call("GET", lost).status == status);
    CHECK(gone.service.file_of(lost.substr(9, 36), "output.mp4").size() > 1'000);
    Bench late(with_fault(Fault::media_5xx));
    CHECK(late.call("GET", finish(late, "x").file_url).status == 503);
    Bench moved(with_fault(Fault::media_redirect));
    const Answer hop = moved.call("GET", finish(moved, "x").file_url);
    CHECK(hop.status == 302);
    CHECK(moved.call("GET", *hop.headers.find("location")).status == 200);
    Bench odd(with_fault(Fault::media_odd_type));
    const Answer file = odd.call("GET", finish(odd, "x").file_url);
    CHECK(*file.headers.find("content-type") == "text/html");
    CHECK(file.body.substr(4, 4) == "ftyp");
}

TEST_CASE("webhooks that are stale, cut, empty or of another request") {
    SUBCASE("webhook_stale is signed ten minutes before it comes") {
        Bench bench(with_fault(Fault::webhook_stale));
        bench.submit("x", hook);
        const auto seen = bench.run(Millis{20'000});
        REQUIRE(seen.size() == 1);
        const auto at = std::stoll(*seen[0].headers.find("x-fal-webhook-timestamp"));
        CHECK(to_unix_ms(bench.now) / 1000 - at > 600);
    }
    SUBCASE("webhook_cut spoils the first try only") {
        Bench bench(with_fault(Fault::webhook_cut));
        bench.submit("x", hook);
        const auto seen = bench.run(Millis{60'000}, 401);
        REQUIRE(seen.size() >= 2);
        const bool unsigned_one = seen[0].headers.find("x-fal-webhook-signature")->empty();
        CHECK((unsigned_one || seen[0].body.size() < seen[1].body.size()));
        CHECK(parse_json(seen[1].body).has_value());
    }
    SUBCASE("webhook_null says OK and nothing else") {
        Bench bench(with_fault(Fault::webhook_null));
        bench.submit("x", hook);
        const auto seen = bench.run(Millis{20'000});
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].body.find(R"("payload": null)") != std::string::npos);
        CHECK(seen[0].body.find("payload_error") == std::string::npos);
    }
    SUBCASE("webhook_swapped brings a second one of a request that is not ours") {
        Bench bench(with_fault(Fault::webhook_swapped));
        const std::string id = text(read(bench.submit("x", hook)), "request_id");
        int of_another = 0;
        for (const WebhookDelivery& delivery : bench.run(Millis{20'000})) {
            const std::string header = *delivery.headers.find("x-fal-webhook-request-id");
            CHECK(delivery.body.find(header) != std::string::npos);
            of_another += header == id ? 0 : 1;
        }
        CHECK(of_another == 1);
    }
}

TEST_CASE("the older webhook policy: ten retries within two hours") {
    Options options;
    options.webhook_patient = true;
    Bench bench(options);
    bench.submit("x", hook);
    CHECK(bench.run(Millis{7'300'000}, 500).size() == 10);
}

TEST_CASE("keys rotate, and a stale set lacks the new one") {
    Bench bench;
    const std::string before = bench.call("GET", "/.well-known/jwks.json").body;
    CHECK(bench.control(R"({"rotate_keys": true, "faults": {"keys_stale": 1}})").status == 200);
    CHECK(bench.call("GET", "/.well-known/jwks.json").body == before);
    CHECK(bench.control(R"({"faults": {"keys_stale": 0, "keys_5xx": 1}})").status == 200);
    CHECK(bench.call("GET", "/.well-known/jwks.json").status == 503);
    CHECK(bench.control(R"({"faults": {"keys_5xx": 0}})").status == 200);
    CHECK(bench.call("GET", "/.well-known/jwks.json").body != before);
}

TEST_CASE("the history fails, hides inputs, shows requests late and comes in pages") {
    const std::string list =
        "/v1/models/requests/by-endpoint?endpoint_id=fal-ai%2Fminimax%2Fvideo-01&expand=payloads";
    const auto items = [](const Answer& answer) { return read(answer).at("items").as_array(); };
    Bench broken(with_fault(Fault::history_5xx));
    const auto page = parse_json(broken.call("GET", list).body);
    CHECK((!page || find_array(page->get_object(), "items") == nullptr));

    Bench blank(with_fault(Fault::history_blank));
    blank.submit("x");
    blank.run(Millis{60'000});
    CHECK_FALSE(items(blank.call("GET", list)).at(0).as_object().contains("json_input"));

    Bench late(with_fault(Fault::history_late));
    late.submit("x");
    late.run(Millis{60'000});
    CHECK(items(late.call("GET", list)).empty());
    late.run(Millis{1'800'000});
    CHECK(items(late.call("GET", list)).size() == 1);

    Options options;
    options.history_page = 2;
    Bench paged(options);
    for (int i = 0; i < 3; ++i) paged.submit("job " + std::to_string(i));
    paged.run(Millis{60'000});
    const Answer first = paged.call("GET", list);
    CHECK(items(first).size() == 2);
    const std::string cursor = text(read(first), "next_cursor");
    CHECK(items(paged.call("GET", list + "&cursor=" + cursor)).size() == 1);
}

TEST_CASE("the diary tells of accepted, failed and ended requests") {
    Bench bench;
    std::string told;
    bench.service.tell([&](Instant, const std::string& line) { told += line + "\n"; });
    bench.submit("[sandbox:lost_request]");
    bench.submit("x");
    bench.run(Millis{60'000});
    CHECK(told.find("POST 1: lost_request\n") != std::string::npos);
    CHECK(told.find("POST 2: accepted as ") != std::string::npos);
    CHECK(told.find(" ended with 200, billed\n") != std::string::npos);
}
