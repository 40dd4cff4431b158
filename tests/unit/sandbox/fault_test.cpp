#include "bench.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

std::size_t accepted(const Bench& bench) {
    return bench.service.ledger().at("accepted").as_array().size();
}

// A finished job's file.
std::string finished_file(Bench& bench, const std::string& prompt) {
    const json::object submitted = read(bench.submit(prompt));
    bench.run(Millis{60'000});
    const json::object result = read(bench.call("GET", path_of(text(submitted, "response_url"))));
    return path_of(text(*find_object(result, "video"), "url"));
}

}  // namespace

TEST_CASE("a faults file is read; an unknown name and a number out of range are named") {
    const auto faults = parse_faults(R"({"lost_answer": 0.25, "submit_429": 1})");
    REQUIRE(faults.has_value());
    CHECK((*faults)[Fault::lost_answer] == 0.25);
    CHECK((*faults)[Fault::submit_429] == 1);
    CHECK((*faults)[Fault::lost_request] == 0);
    CHECK(parse_faults(R"({"lost_anwser": 1})").error().context().find("lost_anwser") !=
          std::string::npos);
    CHECK_FALSE(parse_faults(R"({"lost_answer": 1.5})").has_value());
    CHECK_FALSE(parse_faults(R"({"lost_answer": "yes"})").has_value());
    CHECK_FALSE(parse_faults("[]").has_value());
    for (std::size_t i = 0; i < fault_count; ++i) {
        const auto fault = static_cast<Fault>(i);
        CHECK(parse_fault(to_string(fault)) == fault);
    }
}

TEST_CASE("without faults nothing misbehaves") {
    Bench bench;
    for (int i = 0; i < 200; ++i) {
        const Answer answer = bench.submit("job " + std::to_string(i), hook);
        CHECK(answer.status == 200);
        CHECK_FALSE(answer.drop);
        CHECK_FALSE(answer.cut_after);
        CHECK(answer.delay == Millis{0});
    }
    CHECK(bench.run(Millis{600'000}).size() == 200);
    CHECK(bench.service.ledger().at("faults").as_object().empty());
    CHECK(bench.service.ledger().at("billed").to_number<int>() == 200);
}

TEST_CASE("submit faults either accept or do not, as documented") {
    SUBCASE("lost_request drops before accepting") {
        Bench bench(with_fault(Fault::lost_request));
        CHECK(bench.submit("x").drop);
        CHECK(accepted(bench) == 0);
    }
    SUBCASE("lost_answer drops after accepting") {
        Bench bench(with_fault(Fault::lost_answer));
        const Answer answer = bench.submit("x");
        CHECK(answer.drop);
        CHECK(to_exchange(answer).delivery == Delivery::maybe_sent);
        CHECK(accepted(bench) == 1);
    }
    SUBCASE("truncated_answer accepts, and the body ends early") {
        Bench bench(with_fault(Fault::truncated_answer));
        const Exchange exchange = to_exchange(bench.submit("x"));
        CHECK(exchange.delivery == Delivery::answered);
        CHECK_FALSE(exchange.response.complete);
        CHECK(accepted(bench) == 1);
    }
    SUBCASE("slow_answer accepts and takes 5 to 20 s") {
        Bench bench(with_fault(Fault::slow_answer));
        const Answer answer = bench.submit("x");
        CHECK(answer.delay >= Millis{5'000});
        CHECK(answer.delay <= Millis{20'000});
        CHECK(accepted(bench) == 1);
    }
    SUBCASE("submit_429 never accepts and sometimes says when to come back") {
        Bench bench(with_fault(Fault::submit_429));
        int hints = 0;
        for (int i = 0; i < 40; ++i) {
            const Answer answer = bench.submit("x");
            CHECK(answer.status == 429);
            hints += answer.headers.find("retry-after") != nullptr ? 1 : 0;
        }
        CHECK(hints > 5);
        CHECK(hints < 35);
        CHECK(accepted(bench) == 0);
    }
}

TEST_CASE(
    "an nginx page has no request id; behind a 503 nothing was accepted, behind others rarely") {
    Bench bench(with_fault(Fault::submit_5xx_nginx));
    std::size_t behind = 0;
    for (int i = 0; i < 120; ++i) {
        const std::size_t before = accepted(bench);
        const Answer answer = bench.submit("job " + std::to_string(i));
        CHECK(answer.status >= 502);
        CHECK(answer.status <= 504);
        CHECK(answer.headers.find("x-fal-request-id") == nullptr);
        CHECK(answer.body.find("nginx") != std::string::npos);
        if (answer.status == 503) CHECK(accepted(bench) == before);
        behind += accepted(bench) - before;
    }
    CHECK(behind > 5);
    CHECK(behind < 40);
}

TEST_CASE("a JSON 5xx names a request id, and one in two was accepted under that id") {
    Bench bench(with_fault(Fault::submit_5xx_json));
    std::size_t behind = 0;
    for (int i = 0; i < 60; ++i) {
        const std::size_t before = accepted(bench);
        const Answer answer = bench.submit("job " + std::to_string(i));
        CHECK((answer.status == 500 || answer.status == 503));
        const std::string* id = answer.headers.find("x-fal-request-id");
        REQUIRE(id != nullptr);
        if (accepted(bench) == before) continue;
        ++behind;
        const json::object ledger = bench.service.ledger();
        CHECK(text(ledger.at("accepted").as_array().back().as_object(), "request_id") == *id);
    }
    CHECK(behind > 15);
    CHECK(behind < 45);
}

TEST_CASE("a mark makes a fault happen to the first POST of that input only") {
    Bench bench;
    CHECK(bench.submit("[sandbox:lost_request] a").drop);
    CHECK_FALSE(bench.submit("[sandbox:lost_request] a").drop);
    CHECK(bench.submit("[sandbox:lost_request] b").drop);
    CHECK(accepted(bench) == 1);
}

TEST_CASE("status faults: a 5xx now and then, and a running job that looks queued") {
    Bench broken(with_fault(Fault::status_5xx));
    const std::string url = path_of(text(read(broken.submit("x")), "status_url"));
    CHECK(broken.call("GET", url).status >= 500);
    Bench regressing;
    const std::string other =
        path_of(text(read(regressing.submit("[sandbox:status_regress]")), "status_url"));
    regressing.run(Millis{1'000});
    CHECK(text(read(regressing.call("GET", other)), "status") == "IN_QUEUE");
    CHECK(text(read(regressing.call("GET", other)), "status") == "IN_PROGRESS");
}

TEST_CASE("stream_cut: the connection breaks after the first event") {
    Bench bench(with_fault(Fault::stream_cut));
    const std::string url = path_of(text(read(bench.submit("x")), "status_url")) + "/stream";
    Answer answer = bench.call("GET", url);
    REQUIRE(answer.stream);
    CHECK_FALSE(bench.service.stream(*answer.stream, bench.now).ended);
    const StreamStep step = bench.service.stream(*answer.stream, bench.now);
    CHECK(step.ended);
    CHECK(step.broken);
}

TEST_CASE("moderation and result_5xx decide how a job ends; cancel_ignored lets it finish") {
    Bench strict(with_fault(Fault::moderation));
    const json::object refused = read(strict.submit("x"));
    strict.run(Millis{20'000});
    CHECK(strict.call("GET", path_of(text(refused, "response_url"))).status == 422);

    Bench failing(with_fault(Fault::result_5xx));
    const json::object failed = read(failing.submit("x"));
    failing.run(Millis{20'000});
    CHECK(failing.call("GET", path_of(text(failed, "response_url"))).status >= 500);
    CHECK(failing.service.ledger().at("billed").to_number<int>() == 0);

    Bench stubborn(with_fault(Fault::cancel_ignored));
    const json::object running = read(stubborn.submit("x"));
    stubborn.run(Millis{1'000});
    CHECK(stubborn.call("PUT", path_of(text(running, "cancel_url"))).status == 202);
    stubborn.run(Millis{20'000});
    CHECK(stubborn.call("GET", path_of(text(running, "response_url"))).status == 200);
}

TEST_CASE("media faults spoil one download, marks html and cut spoil all") {
    SUBCASE("media_404_once") {
        Bench bench(with_fault(Fault::media_404_once));
        const std::string url = finished_file(bench, "x");
        CHECK(bench.call("GET", url).status == 404);
        CHECK(bench.call("GET", url).status == 200);
    }
    SUBCASE("media_truncated keeps the length it announces") {
        Bench bench(with_fault(Fault::media_truncated));
        const Answer answer = bench.call("GET", finished_file(bench, "x"));
        REQUIRE(answer.cut_after);
        CHECK(*answer.cut_after < answer.body.size());
        CHECK_FALSE(to_exchange(answer).response.complete);
    }
    SUBCASE("media_slow") {
        Bench bench(with_fault(Fault::media_slow));
        CHECK(bench.call("GET", finished_file(bench, "x")).bytes_per_second);
    }
    SUBCASE("media_corrupt shows both of its faces") {
        Bench bench(with_fault(Fault::media_corrupt));
        const std::string url = finished_file(bench, "x");
        int pages = 0;
        for (int i = 0; i < 40; ++i) {
            const Answer answer = bench.call("GET", url);
            CHECK(answer.status == 200);
            pages += answer.body.starts_with("<html>") ? 1 : 0;
        }
        CHECK(pages > 5);
        CHECK(pages < 35);
    }
    SUBCASE("the marks") {
        Bench bench;
        const std::string page = finished_file(bench, "[sandbox:html]");
        const std::string cut = finished_file(bench, "[sandbox:cut]");
        for (int i = 0; i < 3; ++i) {
            CHECK(bench.call("GET", page).body.starts_with("<html>"));
            CHECK(bench.call("GET", cut).body.substr(4, 4) == "ftyp");
        }
    }
}

TEST_CASE("range_ignored: everything with a 200") {
    Bench bench(with_fault(Fault::range_ignored));
    Headers headers;
    headers.add("Range", "bytes=10-19");
    const Answer answer = bench.call("GET", finished_file(bench, "x"), {}, headers);
    CHECK(answer.status == 200);
    CHECK(answer.body.size() > 1000);
}

TEST_CASE("stream_ends: the stream of a running job ends in good order") {
    Bench bench(with_fault(Fault::stream_ends));
    const std::string url = path_of(text(read(bench.submit("x")), "status_url")) + "/stream";
    const Answer answer = bench.call("GET", url);
    REQUIRE(answer.stream);
    StatusStream state = *answer.stream;
    StreamStep step = bench.service.stream(state, bench.now);
    for (int i = 0; i < 10'000 && !step.ended; ++i) {
        bench.pass(Millis{250});
        step = bench.service.stream(state, bench.now);
    }
    CHECK(step.ended);
    CHECK_FALSE(step.broken);
    CHECK(step.bytes.find("IN_PROGRESS") != std::string::npos);
}

TEST_CASE("stream_refused: the first stream is a 503, the next one is a stream") {
    Bench bench;
    const std::string url =
        path_of(text(read(bench.submit("x [sandbox:stream_refused]")), "status_url")) + "/stream";
    CHECK(bench.call("GET", url).status == 503);
    CHECK(bench.call("GET", url).stream);
}
