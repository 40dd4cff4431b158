#include <set>

#include "api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;

namespace {

// One open event stream.
struct Reader {
    Reader(ApiFixture& api, const std::string& target, const std::string& last_id = {}) {
        Headers headers;
        if (!last_id.empty()) headers.add("Last-Event-ID", last_id);
        response = api.ask("GET", target, {}, headers);
        REQUIRE(response.source != nullptr);
        boost::asio::co_spawn(api.context, response.source->produce(writer),
                              [this](const std::exception_ptr&) { ended = true; });
        test::settle(api.context);
    }
    std::vector<std::string> values(const std::string& field) const {
        std::vector<std::string> found;
        std::size_t at = 0;
        const std::string& text = writer.text;
        while ((at = text.find("\n" + field + ": ", at)) != std::string::npos) {
            const auto start = at + field.size() + 3;
            found.push_back(text.substr(start, text.find('\n', start) - start));
            at = start;
        }
        return found;
    }
    std::vector<std::string> jobs() const {
        std::vector<std::string> ids;
        for (const auto& data : values("data")) {
            ids.push_back(*find_string(parse_json(data)->as_object(), "job"));
        }
        return ids;
    }

    http::ServerResponse response;
    Written writer;
    bool ended = false;
};

}  // namespace

TEST_CASE_FIXTURE(ApiFixture, "a stream starts now, and tells the number from which it does") {
    control.put("old");
    Reader reader(*this, "/v1/events");
    CHECK(*reader.response.headers.find("Content-Type") == "text/event-stream");
    CHECK(reader.writer.text == "retry: 1000\nid: 1\n\n");
    control.put("new");
    test::settle(context);
    CHECK(reader.jobs() == std::vector<std::string>{"new"});
    CHECK(reader.values("event") == std::vector<std::string>{"state"});
    CHECK(reader.values("id") == std::vector<std::string>{"1", "2"});
}

TEST_CASE_FIXTURE(ApiFixture, "a reader that comes back with its last id misses and repeats nothing") {
    for (int i = 0; i < 500; ++i) control.put(fmt::format("j{}", i));
    Reader all(*this, "/v1/events?after=0");
    CHECK(all.jobs().size() == 500);
    Reader again(*this, "/v1/events?after=3", "498");
    CHECK(again.jobs() == std::vector<std::string>{"j498", "j499"});
    control.put("later");
    test::settle(context);
    CHECK(again.jobs().back() == "later");
    CHECK(all.jobs().size() == 501);
}

TEST_CASE_FIXTURE(ApiFixture, "trail entries that leave the state move the cursor only") {
    domain::Job job = control.put("a");
    Reader plain(*this, "/v1/events?after=1");
    Reader every(*this, "/v1/events?after=1&all=true");
    job.progress = 0.5;
    control.change(job, "status_seen", domain::State::queued);
    test::settle(context);
    CHECK(plain.values("data").empty());
    CHECK(plain.values("id").back() == "2");
    CHECK(every.values("event") == std::vector<std::string>{"trail"});
}

TEST_CASE_FIXTURE(ApiFixture, "a silent stream is kept warm and ends when the peer has gone") {
    Reader reader(*this, "/v1/events");
    clock.advance(Millis{15'000});
    test::settle(context);
    CHECK(reader.writer.text.ends_with(": keepalive\n\n"));
    CHECK_FALSE(reader.ended);
    reader.writer.gone = true;
    clock.advance(Millis{15'000});
    test::settle(context);
    CHECK(reader.ended);
}

TEST_CASE_FIXTURE(ApiFixture, "an event that did not become durable is not sent") {
    Reader reader(*this, "/v1/events");
    control.barrier_failure = Error(ErrorCode::io, "commit");
    control.put("a");
    test::settle(context);
    CHECK(reader.values("data").empty());
    CHECK(reader.ended);
}

TEST_CASE_FIXTURE(ApiFixture, "a number beyond the trail starts at its end, no number is refused") {
    control.put("a");
    Reader reader(*this, "/v1/events?after=999");
    control.put("b");
    test::settle(context);
    CHECK(reader.jobs() == std::vector<std::string>{"b"});
    CHECK(get("/v1/events?after=x").status == 400);
    CHECK(get("/v1/events?after=-1").status == 400);
    CHECK(get("/v1/events?all=yes").status == 400);
}

TEST_CASE_FIXTURE(ApiFixture, "the status tells version, counts by state, providers and the rest") {
    control.status_.counts[domain::State::queued] = 4;
    control.status_.providers[0].limited_until = clock.now();
    control.status_.webhook_address = "127.0.0.1:8460";
    control.status_.webhook_public_url = "https://hooks.example.com";
    control.status_.last_errors.push_back({clock.now(), JobId("a"), "timeout", "no answer"});
    control.status_.disk_free_bytes = 12;
    clock.advance(Millis{61'500});
    const auto status = get_object("/v1/status");
    CHECK(find_string(status, "version") == "1.2.3");
    CHECK(find_int(status, "uptime_s") == 61);
    const auto& counts = *find_object(status, "counts");
    CHECK(counts.size() == domain::all_states.size());
    CHECK(find_int(counts, "queued") == 4);
    CHECK(find_int(counts, "failed") == 0);
    const auto& provider = find_array(status, "providers")->at(0).as_object();
    CHECK(find_string(provider, "health") == "ok");
    CHECK(find_bool(provider, "has_key") == true);
    CHECK(find(provider, "limited_until")->is_string());
    CHECK(find_string(*find_object(status, "webhook"), "listen") == "127.0.0.1:8460");
    CHECK(find_int(*find_object(status, "disk"), "free_bytes") == 12);
    CHECK(find_array(status, "last_errors")->size() == 1);
    CHECK(find_object(status, "store") != nullptr);
    CHECK(find_object(status, "downloads") != nullptr);
}

TEST_CASE_FIXTURE(ApiFixture, "metrics have help and type once a family, and escaped labels") {
    control.status_.providers[0].name = "a\"b\\c\nd";
    control.status_.counts[domain::State::failed] = 3;
    control.counters_["submits"] = {{"{provider=\"fal\"}", 7}, {"{provider=\"x\ny\"}", 1}};
    control.counters_["webhooks"] = {{"", 2}};
    control.counters_["bad name"] = {{"", 2}};
    const auto response = get("/metrics");
    CHECK(response.headers.find("Content-Type")->starts_with("text/plain; version=0.0.4"));
    const std::string& text = response.body;
    const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
    CHECK(has("# TYPE reeld_jobs gauge\nreeld_jobs{state=\"held\"} 0\n"));
    CHECK(has("reeld_jobs{state=\"failed\"} 3\n"));
    CHECK(has("reeld_provider_concurrency{provider=\"a\\\"b\\\\c\\nd\"} 8\n"));
    CHECK(has("# TYPE reeld_submits_total counter\nreeld_submits_total{provider=\"fal\"} 7\n"));
    CHECK(has("reeld_submits_total{provider=\"x\\ny\"} 1\n"));
    CHECK(has("reeld_webhooks_total 2\n"));
    CHECK(has("reeld_build_info{version=\"1.2.3\"} 1\n"));
    CHECK_FALSE(has("bad name"));
    // Every line is a comment or "name{labels} value", and no family is declared twice.
    std::set<std::string> declared;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto end = text.find('\n', at);
        REQUIRE(end != std::string::npos);
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.starts_with("# TYPE ")) CHECK(declared.insert(line).second);
        if (!line.starts_with("#")) CHECK(line.starts_with("reeld_"));
    }
}

TEST_CASE_FIXTURE(ApiFixture, "a full stream tells new log lines too, without moving the cursor") {
    control.put("a");
    const auto say = [&](const std::string& message) {
        control.say("a", message);
        test::settle(context);
    };
    say("before");
    Reader all(*this, "/v1/events?all=true");
    Reader plain(*this, "/v1/events");
    say("step 1");
    say("step 2");
    CHECK(all.values("event") == std::vector<std::string>{"log", "log"});
    REQUIRE(all.values("data").size() == 2);
    const auto data = parse_json(all.values("data")[1]).value();
    CHECK(*find_string(data.as_object(), "job") == "a");
    CHECK(*find_string(data.as_object(), "message") == "step 2");
    CHECK(all.values("id") == std::vector<std::string>{"1"});
    CHECK(plain.jobs().empty());
    CHECK(plain.values("event").empty());
}
