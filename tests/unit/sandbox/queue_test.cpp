#include <fmt/format.h>

#include "bench.hpp"

using namespace reeld;
using namespace reeld::sandbox;

TEST_CASE(
    "a submit is answered with the id and the three root-form URLs, then runs to its result") {
    Bench bench;
    const Answer answer =
        bench.submit("waves at dusk", "", "fal-ai/minimax/hailuo-02/pro/text-to-video");
    CHECK(answer.status == 200);
    const json::object body = read(answer);
    const std::string id = text(body, "request_id");
    CHECK(text(body, "status") == "IN_QUEUE");
    CHECK(find_int(body, "queue_position") == 0);
    CHECK(*answer.headers.find("x-fal-request-id") == id);
    CHECK(text(body, "response_url") == "http://127.0.0.1:8470/fal-ai/minimax/requests/" + id);
    CHECK(text(body, "status_url") == text(body, "response_url") + "/status");
    CHECK(text(body, "cancel_url") == text(body, "response_url") + "/cancel");

    const std::string status = path_of(text(body, "status_url"));
    CHECK(bench.call("GET", status).status == 202);
    CHECK(bench.call("GET", path_of(text(body, "response_url"))).status == 400);
    bench.run(Millis{1'000});
    const Answer running = bench.call("GET", status + "?logs=1");
    CHECK(running.status == 202);
    CHECK(text(read(running), "status") == "IN_PROGRESS");
    CHECK(find_array(read(running), "logs") != nullptr);
    bench.run(Millis{10'000});
    const Answer done = bench.call("GET", status + "?logs=true");
    CHECK(done.status == 200);
    CHECK(text(read(done), "status") == "COMPLETED");
    CHECK(find_array(read(done), "logs")->size() == 10);
    CHECK(find_object(read(done), "metrics") != nullptr);

    const Answer result = bench.call("GET", path_of(text(body, "response_url")));
    CHECK(result.status == 200);
    const json::object result_body = read(result);
    const json::object video = *find_object(result_body, "video");
    const Answer file = bench.call("GET", path_of(text(video, "url")));
    CHECK(file.status == 200);
    CHECK(static_cast<std::int64_t>(file.body.size()) == find_int(video, "file_size"));
    CHECK(file.body.substr(4, 4) == "ftyp");
}

TEST_CASE("logs are null unless asked for, as the python client needs the member") {
    Bench bench;
    const std::string status = path_of(text(read(bench.submit("x")), "status_url"));
    bench.run(Millis{10'000});
    const json::object body = read(bench.call("GET", status));
    REQUIRE(find(body, "logs") != nullptr);
    CHECK(find(body, "logs")->is_null());
}

TEST_CASE("no more jobs run at once than the account may, and positions fall in order") {
    Options options;
    options.concurrency = 2;
    Bench bench(options);
    std::vector<std::string> urls;
    for (int i = 0; i < 6; ++i) {
        urls.push_back(path_of(text(read(bench.submit("job " + std::to_string(i))), "status_url")));
    }
    CHECK(find_int(read(bench.call("GET", urls[5])), "queue_position") == 5);
    std::int64_t last = 5;
    for (int step = 0; step < 200; ++step) {
        bench.run(Millis{100});
        int running = 0;
        for (const std::string& url : urls) {
            running += text(read(bench.call("GET", url)), "status") == "IN_PROGRESS" ? 1 : 0;
        }
        CHECK(running <= 2);
        const auto position =
            find_int(read(bench.call("GET", urls[5])), "queue_position").value_or(0);
        CHECK(position <= last);
        last = position;
    }
    CHECK(text(read(bench.call("GET", urls[5])), "status") == "COMPLETED");
}

TEST_CASE("keys: none is refused, any will do when none is set, only the right one when one is") {
    Bench open;
    HttpRequest bare{"POST", "/fal-ai/minimax/video-01", {}, R"({"prompt":"x"})"};
    CHECK(open.service.handle(bare, open.now).status == 401);
    Options options;
    options.key = "id:secret";
    Bench closed(options);
    CHECK(closed.submit("x").status == 401);
    Headers right;
    right.add("Authorization", "Key id:secret");
    CHECK(closed.call("POST", "/a/b", R"({"prompt":"x"})", right).status == 200);
    CHECK(closed.service.ledger().at("accepted").as_array().size() == 1);
}

TEST_CASE("unknown ids are 404 NOT_FOUND, and a body that is no object is 400") {
    Bench bench;
    const Answer answer =
        bench.call("GET", "/fal-ai/minimax/requests/00000000-0000-0000-0000-000000000000/status");
    CHECK(answer.status == 404);
    CHECK(text(read(answer), "status") == "NOT_FOUND");
    CHECK(bench.call("POST", "/fal-ai/minimax/video-01", "[1]").status == 400);
    CHECK(bench.call("POST", "/fal-ai/minimax/video-01", "{").status == 400);
    CHECK(bench.service.ledger().at("accepted").as_array().empty());
}

TEST_CASE(
    "later calls take the root form, a trailing slash, /response, and the full path unless "
    "strict") {
    Bench bench;
    const std::string id = text(read(bench.submit("x")), "request_id");
    bench.run(Millis{10'000});
    const std::string root = "/fal-ai/minimax/requests/" + id;
    CHECK(bench.call("GET", root + "/").status == 200);
    CHECK(bench.call("GET", root + "/response").status == 200);
    const std::string full = "/fal-ai/minimax/video-01/requests/" + id;
    CHECK(bench.call("GET", full + "/status").status == 200);
    CHECK(bench.control(R"({"strict_paths":true})").status == 200);
    CHECK(bench.call("GET", full + "/status").status == 404);
    CHECK(bench.call("GET", root + "/status").status == 200);
    CHECK(bench.call("GET", "/fal-ai/other/requests/" + id).status == 404);
}

TEST_CASE("a missing or empty prompt is accepted and ends as a 422 that is not billed") {
    Bench bench;
    const std::string url =
        path_of(text(read(bench.call("POST", "/a/b", R"({"image_url":"u"})")), "response_url"));
    bench.submit("");
    bench.run(Millis{20'000});
    const Answer result = bench.call("GET", url);
    CHECK(result.status == 422);
    const json::object body = read(result);
    const json::object entry = find_array(body, "detail")->at(0).as_object();
    CHECK(text(entry, "type") == "missing");
    CHECK(*find_array(entry, "loc") == json::array{"body", "prompt"});
    const json::object ledger = bench.service.ledger();
    CHECK(ledger.at("billed").to_number<int>() == 0);
    CHECK(ledger.at("accepted").as_array().size() == 2);
}

TEST_CASE("marks in the prompt force an outcome") {
    Bench bench;
    const std::vector<std::pair<std::string, int>> table{{"[sandbox:content_policy]", 422},
                                                         {"a [sandbox:500] b", 500},
                                                         {"[sandbox:503]", 503},
                                                         {"[sandbox:504]", 504},
                                                         {"[sandbox:nonsense]", 200}};
    for (const auto& row : table) {
        const std::string& prompt = row.first;
        const std::string url = path_of(text(read(bench.submit(prompt)), "response_url"));
        bench.run(Millis{10'000});
        CHECK_MESSAGE(bench.call("GET", url).status == row.second, prompt);
    }
}

TEST_CASE("cancelling: OK while queued, requested while running, too late at the end") {
    Options options;
    options.concurrency = 1;
    Bench bench(options);
    const json::object first = read(bench.submit("one"));
    const json::object second = read(bench.submit("two"));
    bench.run(Millis{1'000});
    const Answer queued = bench.call("PUT", path_of(text(second, "cancel_url")));
    CHECK(queued.status == 200);
    CHECK(text(read(queued), "status") == "OK");
    const Answer running = bench.call("PUT", path_of(text(first, "cancel_url")));
    CHECK(running.status == 202);
    CHECK(text(read(running), "status") == "CANCELLATION_REQUESTED");
    const Answer late = bench.call("PUT", path_of(text(first, "cancel_url")));
    CHECK(late.status == 400);
    CHECK(text(read(late), "status") == "ALREADY_COMPLETED");
    const Answer result = bench.call("GET", path_of(text(second, "response_url")));
    CHECK(result.status == 499);
    CHECK(*result.headers.find("x-fal-error-type") == "client_cancelled");
    const json::array accepted = bench.service.ledger().at("accepted").as_array();
    CHECK(accepted.at(0).at("billed").as_bool());
    CHECK_FALSE(accepted.at(1).at("billed").as_bool());
}

TEST_CASE("a start deadline that passes in the queue ends in a 504 of type user") {
    Options options;
    options.concurrency = 0;
    Bench bench(options);
    Headers headers;
    headers.add("X-Fal-Request-Start-Timeout", "5");
    const std::string url = path_of(
        text(read(bench.call("POST", "/a/b", R"({"prompt":"x"})", headers)), "response_url"));
    bench.run(Millis{4'900});
    CHECK(bench.call("GET", url).status == 400);
    bench.run(Millis{200});
    const Answer result = bench.call("GET", url);
    CHECK(result.status == 504);
    CHECK(*result.headers.find("x-fal-request-timeout-type") == "user");
}

TEST_CASE("the result is gone after the retention") {
    Bench bench;
    const std::string url = path_of(text(read(bench.submit("x")), "response_url"));
    bench.run(Millis{3'500'000});
    CHECK(bench.call("GET", url).status == 200);
    bench.run(Millis{200'000});
    CHECK(bench.call("GET", url).status == 404);
}

TEST_CASE("a locked account refuses submits and accepts nothing") {
    Bench bench;
    bench.control(R"({"locked":true})");
    const Answer answer = bench.submit("x");
    CHECK(answer.status == 403);
    CHECK(text(read(answer), "detail").starts_with("User is locked. Reason: Exhausted balance"));
    CHECK(bench.service.ledger().at("accepted").as_array().empty());
    bench.control(R"({"locked":false})");
    CHECK(bench.submit("x").status == 200);
}

TEST_CASE("the queue's length can be limited by the caller") {
    Options options;
    options.concurrency = 0;
    Bench bench(options);
    bench.submit("a");
    bench.submit("b");
    CHECK(bench.submit("c", "?fal_max_queue_length=1").status == 429);
    CHECK(bench.submit("c", "?fal_max_queue_length=2").status == 200);
}

TEST_CASE("a request with a target URL is answered as if it had gone there") {
    Bench bench;
    Headers headers;
    headers.add("x-fal-target-url", "https://queue.fal.run/fal-ai/minimax/video-01");
    CHECK(bench.call("POST", "/api/fal/proxy", R"({"prompt":"x"})", headers).status == 200);
    CHECK(text(bench.service.ledger().at("accepted").at(0).as_object(), "endpoint") ==
          "fal-ai/minimax/video-01");
    Headers foreign;
    foreign.add("x-fal-target-url", "https://example.com/fal-ai/minimax/video-01");
    CHECK(bench.call("POST", "/api/fal/proxy", R"({"prompt":"x"})", foreign).status == 400);
}

TEST_CASE("a stream sends each change once, a comment every 15 s, and ends with COMPLETED") {
    Options options;
    options.concurrency = 0;
    Bench bench(options);
    const std::string url = path_of(text(read(bench.submit("x")), "status_url")) + "/stream?logs=1";
    Answer answer = bench.call("GET", url);
    REQUIRE(answer.stream);
    CHECK(*answer.headers.find("content-type") == "text/event-stream");
    StreamStep step = bench.service.stream(*answer.stream, bench.now);
    CHECK(step.bytes.starts_with("data: {"));
    CHECK(step.bytes.ends_with("}\n\n"));
    CHECK(step.bytes.find("IN_QUEUE") != std::string::npos);
    bench.pass(Millis{14'000});
    CHECK(bench.service.stream(*answer.stream, bench.now).bytes.empty());
    bench.pass(Millis{1'000});
    step = bench.service.stream(*answer.stream, bench.now);
    CHECK(step.bytes.starts_with(": "));
    CHECK_FALSE(step.ended);
    bench.control(R"({"concurrency":2})");
    std::string all;
    while (!step.ended) {
        bench.pass(Millis{250});
        step = bench.service.stream(*answer.stream, bench.now);
        all += step.bytes;
    }
    CHECK(all.find("IN_PROGRESS") != std::string::npos);
    CHECK(step.bytes.find("COMPLETED") != std::string::npos);
    CHECK_FALSE(step.broken);
}

TEST_CASE("a stream tells each log line once, a poll tells all so far") {
    Bench bench;
    const std::string status = path_of(text(read(bench.submit("x")), "status_url"));
    Answer answer = bench.call("GET", status + "/stream?logs=1");
    REQUIRE(answer.stream);
    std::string all;
    StreamStep step;
    while (!step.ended) {
        step = bench.service.stream(*answer.stream, bench.now);
        all += step.bytes;
        bench.pass(Millis{250});
    }
    for (int number = 1; number <= 10; ++number) {
        const std::string line = fmt::format("\"step {} of 10\"", number);
        const auto at = all.find(line);
        REQUIRE(at != std::string::npos);
        CHECK(all.find(line, at + 1) == std::string::npos);
    }
    CHECK(find_array(read(bench.call("GET", status + "?logs=1")), "logs")->size() == 10);
}
