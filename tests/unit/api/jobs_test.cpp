#include <set>

#include "api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;

namespace {
std::vector<std::string> ids_of(const json::object& answer) {
    std::vector<std::string> ids;
    for (const auto& job : *find_array(answer, "jobs")) {
        ids.push_back(*find_string(job.as_object(), "id"));
    }
    return ids;
}
}  // namespace

TEST_CASE_FIXTURE(ApiFixture, "a job is shown with exactly the public members") {
    domain::Job job = control.put("a");
    job.state = domain::State::completed;
    job.remote = domain::Remote{RequestId("r-1"), "https://s", "", ""};
    job.cost_micro_usd = 270'000;
    job.submitted_at = clock.now();
    job.finished_at = clock.now();
    job.error = domain::ErrorInfo{"timeout", "no answer"};
    domain::Output image{0, "https://m/a.png", "/out/a.png", "image/png", "", 10, "ab", true};
    domain::Output video{1, "https://m/a.mp4", "/out/a.mp4", "video/mp4", "", {}, "", false};
    job.outputs = {image, video};
    control.change(job, "output_stored", domain::State::queued);

    const auto shown = get_object("/v1/jobs/a");
    const std::vector<std::string> members{
        "id", "model", "input", "batch", "priority", "not_before", "deadline", "max_attempts",
        "output", "labels", "state", "reason", "provider", "request_id", "attempt",
        "queue_position", "progress", "video_url", "files", "outputs", "values", "cost_usd",
        "cost_by_estimate_usd", "estimated_cost_usd", "estimate_is_sure", "reserved_usd",
        "possibly_billed_usd", "unpriced_submits", "error", "retry_of",
        "created_at", "submitted_at", "finished_at"};
    std::vector<std::string> have;
    for (const auto& one : shown) have.emplace_back(one.key());
    CHECK(have == members);
    CHECK(find(shown, "batch")->is_null());
    CHECK(find(shown, "reason")->is_null());
    CHECK(find_string(shown, "request_id") == "r-1");
    CHECK(find_string(shown, "video_url") == "https://m/a.mp4");
    CHECK(find_string(shown, "created_at") == to_rfc3339(job.created_at));
    CHECK(find_string(*find_object(shown, "error"), "code") == "timeout");
    const auto& outputs = *find_array(shown, "outputs");
    CHECK(find_string(outputs[0].as_object(), "path") == "/out/a.png");
    CHECK(find(outputs[1].as_object(), "path")->is_null());
    CHECK(outputs[0].as_object().size() == 6);
    // Money reads as a decimal, not as 2.7E-1.
    CHECK(get("/v1/jobs/a").body.find("\"cost_usd\":0.27,") != std::string::npos);
}

TEST_CASE_FIXTURE(ApiFixture, "a unique beginning of an id finds the job, a shared one is refused") {
    control.put("alpha-1");
    control.put("alpha-2");
    control.put("beta");
    CHECK(find_string(get_object("/v1/jobs/be"), "id") == "beta");
    const auto shared = get("/v1/jobs/alpha");
    CHECK(shared.status == 409);
    CHECK(code_of(shared) == "ambiguous");
    CHECK(find_array(object_of(shared), "candidates")->size() == 2);
    CHECK(code_of(get("/v1/jobs/nope")) == "not_found");
    CHECK(get("/v1/jobs/nope").status == 404);
    CHECK(get("/v1/jobs/a%20b").status == 404);
    control.put("alpha");
    CHECK(find_string(get_object("/v1/jobs/alpha"), "id") == "alpha");
}

TEST_CASE_FIXTURE(ApiFixture, "pages neither repeat nor miss a job while others are added") {
    for (int i = 0; i < 10; ++i) control.put(fmt::format("j{}", i));
    std::vector<std::string> seen;
    std::string cursor;
    int added = 0;
    do {
        const auto page = get_object("/v1/jobs?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor));
        for (const auto& id : ids_of(page)) seen.push_back(id);
        cursor = find_string(page, "next_cursor").value_or("");
        control.put(fmt::format("new{}", added++));
    } while (!cursor.empty());
    CHECK(seen == std::vector<std::string>{"j9", "j8", "j7", "j6", "j5", "j4", "j3", "j2", "j1",
                                           "j0"});
}

TEST_CASE_FIXTURE(ApiFixture, "a page that ends with the last job has no next cursor") {
    control.put("a");
    control.put("b");
    CHECK(find(get_object("/v1/jobs?limit=2"), "next_cursor")->is_null());
    CHECK(find(get_object("/v1/jobs?limit=1"), "next_cursor")->is_string());
}

TEST_CASE_FIXTURE(ApiFixture, "lists are filtered by state, batch, model and label") {
    control.put("a", "night");
    control.put("b", "day");
    domain::Job held = control.put("c", "night");
    held.state = domain::State::held;
    control.change(held, "hold_requested", domain::State::queued);
    ask("POST", "/v1/jobs", R"({"id":"d","model":"fal-ai/n","input":{},"labels":{"scene":"3 b"}})");
    CHECK(ids_of(get_object("/v1/jobs?batch=night")) == std::vector<std::string>{"c", "a"});
    CHECK(ids_of(get_object("/v1/jobs?state=held")) == std::vector<std::string>{"c"});
    CHECK(ids_of(get_object("/v1/jobs?state=held,queued&batch=night")).size() == 2);
    CHECK(ids_of(get_object("/v1/jobs?state=held&state=queued&batch=night")).size() == 2);
    CHECK(ids_of(get_object("/v1/jobs?model=fal-ai%2Fn")) == std::vector<std::string>{"d"});
    CHECK(ids_of(get_object("/v1/jobs?label.scene=3%20b")) == std::vector<std::string>{"d"});
    CHECK(ids_of(get_object("/v1/jobs?label.scene=4")).empty());
    CHECK(ids_of(get_object("/v1/jobs?state=&batch=")).size() == 4);
}

TEST_CASE_FIXTURE(ApiFixture, "a wrong parameter answers 400 and names it") {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"/v1/jobs?colour=red", "colour"}, {"/v1/jobs?state=done", "state"},
        {"/v1/jobs?limit=0", "limit"},     {"/v1/jobs?limit=501", "limit"},
        {"/v1/jobs?limit=x", "limit"},     {"/v1/jobs?limit=-1", "limit"},
        {"/v1/jobs?cursor=zzz", "cursor"}, {"/v1/jobs?batch=a&batch=b", "batch"},
        {"/v1/jobs/a?x=1", "x"},           {"/v1/status?x=1", "x"},
        {"/metrics?x=1", "x"},             {"/v1/events?since=1", "since"}};
    for (const auto& one : wrong) {
        const std::string& target = one.first;
        const std::string& name = one.second;
        CAPTURE(target);
        const auto response = get(target);
        CHECK(response.status == 400);
        CHECK(find_string(object_of(response), "parameter") == name);
    }
    CHECK(code_of(get("/v1/jobs?colour=red")) == "unknown_parameter");
    CHECK(code_of(get("/v1/jobs?cursor=c2VxOjA")) == "invalid_cursor");
    CHECK(get("/v1/jobs?batch=%zz").status == 400);
}

TEST_CASE_FIXTURE(ApiFixture, "the trail of a job is shown in public words") {
    control.put("a");
    const auto answer = get_object("/v1/jobs/a/events");
    const auto& events = *find_array(answer, "events");
    REQUIRE(events.size() == 1);
    const auto& event = events[0].as_object();
    CHECK(find_string(event, "job") == "a");
    CHECK(find_string(event, "event") == "created");
    CHECK(find(event, "from")->is_null());
    CHECK(find_string(event, "to") == "queued");
    const auto& changes = *find_object(event, "changes");
    CHECK(find_string(changes, "created_at") == to_rfc3339(clock.now()));
    CHECK(find_number(changes, "cost_usd") == 0.27);
    CHECK(find(changes, "cost_micro_usd") == nullptr);
    CHECK(get("/v1/jobs/zz/events").status == 404);
}

TEST_CASE_FIXTURE(ApiFixture, "a submit is shown without its webhook token") {
    control.put("a");
    domain::Attempt attempt;
    attempt.job = JobId("a");
    attempt.provider = "fal";
    attempt.token = Token("0123456789abcdef0123456789abcdef");
    attempt.intent_at = clock.now();
    control.insert_attempt(attempt);
    const auto response = get("/v1/jobs/a/attempts");
    const auto answer = object_of(response);
    const auto& shown = find_array(answer, "attempts")->at(0).as_object();
    CHECK(find_int(shown, "number") == 1);
    CHECK(find_string(shown, "outcome") == "intent");
    CHECK(find_string(shown, "token_prefix") == "012345");
    CHECK(response.body.find("0123456") == std::string::npos);
}

TEST_CASE_FIXTURE(ApiFixture, "actions answer the job, or why its state forbids them") {
    control.put("alpha");
    const auto held = ask("POST", "/v1/jobs/al/hold");
    CHECK(held.status == 200);
    CHECK(find_string(object_of(held), "state") == "held");
    CHECK(find_string(object_of(held), "reason") == "user");
    const auto released = ask("POST", "/v1/jobs/alpha/release");
    CHECK(released.status == 409);
    CHECK(find_string(object_of(released), "detail") == "it is not held");
    CHECK(find_string(object_of(ask("POST", "/v1/jobs/alpha/cancel")), "state") == "cancelled");
    CHECK(ask("POST", "/v1/jobs/nope/retry").status == 404);
}

TEST_CASE_FIXTURE(ApiFixture, "wrong paths and methods are told with what would be right") {
    CHECK(code_of(get("/v1/nothing")) == "no_such_route");
    CHECK(code_of(get("/")) == "no_such_route");
    CHECK(get("/v1/jobs/").status == 404);
    CHECK(get("/v1/jobs/a/b/c").status == 404);
    const std::vector<std::array<std::string, 3>> wrong{
        {"DELETE", "/v1/jobs", "GET, HEAD, POST"}, {"POST", "/v1/jobs/a", "GET, HEAD"},
        {"GET", "/v1/jobs/a/cancel", "POST"},      {"PUT", "/v1/status", "GET, HEAD"},
        {"POST", "/metrics", "GET, HEAD"},         {"POST", "/v1/events", "GET, HEAD"}};
    for (const auto& one : wrong) {
        const std::string& method = one[0];
        const std::string& target = one[1];
        const std::string& allow = one[2];
        CAPTURE(target);
        const auto response = ask(method, target);
        CHECK(response.status == 405);
        CHECK(*response.headers.find("Allow") == allow);
        CHECK(code_of(response) == "method_not_allowed");
    }
    CHECK(ask("HEAD", "/v1/jobs").status == 200);
    CHECK(ask("HEAD", "/v1/events").source == nullptr);
}

TEST_CASE_FIXTURE(ApiFixture, "rows that cannot be made durable are not shown") {
    control.put("a");
    control.barrier_failure = Error(ErrorCode::disk_full, "commit");
    CHECK(get("/v1/jobs/a").status == 507);
    CHECK(get("/v1/jobs").status == 507);
    CHECK(get("/v1/jobs/a/events").status == 507);
    CHECK(get("/v1/jobs/zz").status == 507);
    CHECK(ask("POST", "/v1/jobs/a/hold").status == 507);
}

namespace {
domain::Job undecided(ApiFixture& fixture, const std::string& id) {
    domain::Job job = fixture.control.put(id);
    domain::Attempt attempt;
    attempt.job = job.request.id;
    attempt.provider = "fal";
    attempt.token = Token("0123456789abcdef0123456789abcdef");
    attempt.intent_at = fixture.clock.now();
    attempt.outcome = "unknown";
    attempt.detail = "no answer in time";
    fixture.control.insert_attempt(attempt);
    job.state = domain::State::held;
    job.reason = domain::Reason::submit_unknown;
    job.attempt = job.billable_attempts = 1;
    job.error = domain::ErrorInfo{"timeout", "no answer in time"};
    fixture.control.change(job, "evidence_searched", domain::State::submit_unknown);
    return job;
}
std::string errors_field(const http::ServerResponse& response) {
    const auto problem = ApiFixture::object_of(response);
    const auto* errors = find_array(problem, "errors");
    REQUIRE(errors != nullptr);
    return find_string(errors->front().as_object(), "field").value_or("");
}
}  // namespace

TEST_CASE_FIXTURE(ApiFixture, "adopt answers the job, and tells the engine who asked") {
    undecided(*this, "a");
    const auto answer = ask("POST", "/v1/jobs/a/adopt",
                            R"({"request_id":"764cabcf-b745-4b3e-ae38-1200304cf45b"})",
                            {}, 1000u);
    CHECK(answer.status == 200);
    const auto job = object_of(answer);
    CHECK(find_string(job, "state") == "submitted");
    CHECK(find_string(job, "request_id") == "764cabcf-b745-4b3e-ae38-1200304cf45b");
    CHECK(control.adopted_by == 1000u);
    CHECK(ask("GET", "/v1/jobs/a/adopt").status == 405);
}

TEST_CASE_FIXTURE(ApiFixture, "what keeps adopt from working has its own status and words") {
    undecided(*this, "a");
    const std::string body = R"({"request_id":"r-1"})";
    CHECK(ask("POST", "/v1/jobs/none/adopt", body).status == 404);
    for (const char* bad : {"", "[]", "{}", R"({"request_id":7})", R"({"request_id":""})",
                            R"({"request_id":"a b"})", R"({"request_id":"../x"})",
                            R"({"request_id":"https://x"})"}) {
        CAPTURE(bad);
        const auto answer = ask("POST", "/v1/jobs/a/adopt", bad);
        CHECK(answer.status == 422);
        CHECK(errors_field(answer) == "request_id");
    }
    const auto more = ask("POST", "/v1/jobs/a/adopt", R"({"request_id":"r","force":true})");
    CHECK(more.status == 422);
    CHECK(errors_field(more) == "force");
    CHECK(ask("POST", "/v1/jobs/a/adopt", "{").status == 400);
    control.refusal = Error(ErrorCode::conflict, "request r-1 is bound to job b (attempt 1) already");
    const auto bound = ask("POST", "/v1/jobs/a/adopt", body);
    CHECK(bound.status == 409);
    CHECK(bound.body.find("job b (attempt 1)") != std::string::npos);
    control.refusal = Error(ErrorCode::unreachable, "fal could not be asked for request r-1: no route");
    const auto away = ask("POST", "/v1/jobs/a/adopt", body);
    CHECK(away.status == 503);
    CHECK(code_of(away) == "provider_unavailable");
    CHECK(away.body.find("nothing was changed") != std::string::npos);
}

TEST_CASE_FIXTURE(ApiFixture, "an undecided job tells what is known of its submit") {
    domain::Job job = undecided(*this, "a");
    store::Evidence look;
    look.job = job.request.id;
    look.attempt = 1;
    look.kind = store::EvidenceKind::history_answer;
    look.at = clock.now();
    look.head = R"({"search":{"number":4,"pages":2,"detail":"2 requests may be it",)"
                R"("candidates":[{"request_id":"r-1","sent_at":null}]}})";
    REQUIRE(control.store()
                .transact([&](store::Tx& tx) { tx.insert_evidence(look); })
                .has_value());
    const auto shown = get_object("/v1/jobs/a");
    const auto* unknown = find_object(shown, "unknown");
    REQUIRE(unknown != nullptr);
    CHECK(find_int(*unknown, "attempt") == 1);
    CHECK(find_string(*unknown, "answer") == "timeout");
    CHECK(find_string(*unknown, "policy") == "hold");
    CHECK(find_int(*unknown, "searches") == 4);
    CHECK(find_int(*unknown, "pages") == 2);
    CHECK(find_string(*unknown, "last_search") == "2 requests may be it");
    CHECK(find_array(*unknown, "candidates")->size() == 1);
    CHECK(find_int(*unknown, "paid_at_most") == 1);
    CHECK(find(shown, "also_billed") == nullptr);
    // Released and sent again, the first submit is one that may be on the bill too.
    job = control.store().transact([&](store::Tx& tx) { return tx.find_job(JobId("a")); }).value().value();
    job.state = domain::State::submitted;
    job.attempt = 2;
    job.remote = domain::Remote{RequestId("r-2"), "", "", ""};
    control.change(job, "submit_accepted", domain::State::held);
    const auto later = get_object("/v1/jobs/a");
    CHECK(find(later, "unknown") == nullptr);
    const auto* also = find_array(later, "also_billed");
    REQUIRE(also != nullptr);
    CHECK(find_string(also->front().as_object(), "outcome") == "unknown");
}

TEST_CASE_FIXTURE(ApiFixture, "a job's log is told line by line, the oldest first") {
    control.put("alpha");
    CHECK(find_array(get_object("/v1/jobs/alpha/logs"), "logs")->empty());
    control.say("alpha", "step 1");
    control.say("alpha", "step 2");
    const auto answer = get_object("/v1/jobs/al/logs");
    const auto& lines = *find_array(answer, "logs");
    REQUIRE(lines.size() == 2);
    const auto& first = lines[0].as_object();
    CHECK(find_string(first, "message") == "step 1");
    CHECK(find_string(first, "level") == "INFO");
    CHECK(first.at("at").is_null());
    CHECK(get("/v1/jobs/nope/logs").status == 404);
    CHECK(ask("POST", "/v1/jobs/alpha/logs").status == 405);
}

TEST_CASE_FIXTURE(ApiFixture, "a job without values has none, and says so") {
    control.put("alpha");
    CHECK(get_object("/v1/jobs/alpha").at("values") == json::object{});
}
