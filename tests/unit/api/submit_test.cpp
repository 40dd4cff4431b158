#include "api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;

namespace {
const std::string good = R"({"id":"a","model":"fal-ai/m","input":{"prompt":"x","scale":1.5}})";

std::vector<std::string> told(const http::ServerResponse& response) {
    std::vector<std::string> lines;
    const auto problem = ApiFixture::object_of(response);
    const auto* errors = find_array(problem, "errors");
    REQUIRE(errors != nullptr);
    for (const auto& one : *errors) {
        const auto& error = one.as_object();
        lines.push_back(fmt::format("{} {}", find_int(error, "index").value_or(-1),
                                    find_string(error, "field").value_or("?")));
    }
    return lines;
}
}  // namespace

TEST_CASE_FIXTURE(ApiFixture, "one job object answers 201 with the job and where it is") {
    const auto response = ask("POST", "/v1/jobs", good);
    CHECK(response.status == 201);
    CHECK(*response.headers.find("Location") == "/v1/jobs/a");
    const auto job = object_of(response);
    CHECK(find_string(job, "id") == "a");
    CHECK(find_string(job, "state") == "queued");
    CHECK(find_string(job, "reason") == "concurrency");
    CHECK(find_string(job, "provider") == "fal");
    CHECK(find_number(*find_object(job, "input"), "scale") == 1.5);
    CHECK(response.body.find("\"scale\":1.5") != std::string::npos);
    CHECK(control.barriers > 0);
}

TEST_CASE_FIXTURE(ApiFixture, "the same job again answers 200, other content under its id 409") {
    CHECK(ask("POST", "/v1/jobs", good).status == 201);
    CHECK(ask("POST", "/v1/jobs", good).status == 200);
    const auto other = ask("POST", "/v1/jobs", R"({"id":"a","model":"fal-ai/m","input":{}})");
    CHECK(other.status == 409);
    CHECK(code_of(other) == "conflict");
}

TEST_CASE_FIXTURE(ApiFixture, "an array answers an array, 201 when one of them is new") {
    CHECK(ask("POST", "/v1/jobs", "[" + good + "]").status == 201);
    const auto mixed =
        ask("POST", "/v1/jobs", "[" + good + R"(,{"model":"fal-ai/m","input":{}}])");
    CHECK(mixed.status == 201);
    CHECK(find_array(object_of(mixed), "jobs")->size() == 2);
    CHECK(ask("POST", "/v1/jobs", "[" + good + "]").status == 200);
}

TEST_CASE_FIXTURE(ApiFixture, "a body that is no JSON answers 400 and says where") {
    for (const std::string body : {"", "{\"model\":", "nonsense", "{}{}", "{\"a\":1,\"a\":2}"}) {
        CAPTURE(body);
        const auto response = ask("POST", "/v1/jobs", body);
        CHECK(response.status == 400);
        CHECK(code_of(response) == "malformed_json");
    }
    const auto cut = object_of(ask("POST", "/v1/jobs", "{\"model\":x"));
    CHECK(find_string(cut, "detail")->find("byte") != std::string::npos);
    CHECK(control.submits == 0);
}

TEST_CASE_FIXTURE(ApiFixture, "a half-valid array submits nothing and tells every item's mistakes") {
    const auto response = ask("POST", "/v1/jobs",
                              "[" + good + R"(,{"model":"nobody/m","input":{}},
        {"model":"fal-ai/m","input":"text"},{"input":{},"colour":1},7])");
    CHECK(response.status == 422);
    CHECK(code_of(response) == "invalid_job");
    const auto lines = told(response);
    const auto has = [&](const std::string& line) {
        return std::find(lines.begin(), lines.end(), line) != lines.end();
    };
    CHECK(has("1 model"));
    CHECK(has("2 input"));
    CHECK(has("3 model"));
    CHECK(has("3 colour"));
    CHECK(std::any_of(lines.begin(), lines.end(),
                      [](const auto& line) { return line.starts_with("4 "); }));
    CHECK_FALSE(std::any_of(lines.begin(), lines.end(),
                            [](const auto& line) { return line.starts_with("0 "); }));
    CHECK(control.submits == 0);
    CHECK(find_array(get_object("/v1/jobs"), "jobs")->empty());
}

TEST_CASE_FIXTURE(ApiFixture, "an unknown model is told together with the other mistakes") {
    const auto lines =
        told(ask("POST", "/v1/jobs", R"({"model":"nobody/m","input":{},"priority":"high"})"));
    CHECK(lines == std::vector<std::string>{"0 priority", "0 model"});
}

TEST_CASE_FIXTURE(ApiFixture, "an empty and an overlong array are refused") {
    CHECK(code_of(ask("POST", "/v1/jobs", "[]")) == "no_jobs");
    std::string body = "[";
    for (int i = 0; i < 1001; ++i) body += std::string(i > 0 ? "," : "") + "{}";
    const auto response = ask("POST", "/v1/jobs", body + "]");
    CHECK(response.status == 422);
    CHECK(code_of(response) == "too_many_jobs");
}

TEST_CASE_FIXTURE(ApiFixture, "the content type is taken leniently, another document is refused") {
    for (const std::string type : {"application/json; charset=utf-8", "text/plain",
                                   "application/x-www-form-urlencoded", "application/foo+json"}) {
        Headers headers;
        headers.add("content-type", type);
        CHECK(ask("POST", "/v1/jobs", good, headers).status < 300);
    }
    Headers form;
    form.add("Content-Type", "multipart/form-data; boundary=x");
    const auto response = ask("POST", "/v1/jobs", good, form);
    CHECK(response.status == 415);
    CHECK(code_of(response) == "unsupported_media_type");
}

TEST_CASE_FIXTURE(ApiFixture, "an engine's refusal becomes its problem and tells no inner words") {
    control.refusal = Error(ErrorCode::io, "write /var/lib/secret/reel.db");
    const auto broken = ask("POST", "/v1/jobs", good);
    CHECK(broken.status == 500);
    CHECK(broken.body.find("/var/lib") == std::string::npos);
    control.refusal = Error(ErrorCode::disk_full, "x");
    CHECK(ask("POST", "/v1/jobs", good).status == 507);
    control.refusal = Error(ErrorCode::invalid, "model x");
    CHECK(ask("POST", "/v1/jobs", good).status == 422);
    control.refusal = Error(ErrorCode::busy, "x");
    CHECK(ask("POST", "/v1/jobs", good).status == 503);
}
