#include "api_fixture.hpp"

using namespace reeld;
using namespace reeld::api::testing;

namespace {

struct Verification {
    Verification(ApiFixture& api, const std::string& target) : response(api.get(target)) {
        REQUIRE(response.source != nullptr);
        boost::asio::co_spawn(api.context, response.source->produce(writer),
                              [this](const std::exception_ptr&) { ended = true; });
        // The database's own check has a thread of its own and takes what time it takes.
        while (!ended) test::run_until(api.context, api.clock, [this] { return ended; });
        response.source.reset();
        const auto end = writer.text.rfind('\n', writer.text.size() - 2);
        const auto start = end == std::string::npos ? 0 : end + 1;
        report = parse_json(writer.text.substr(start))->as_object();
    }
    http::ServerResponse response;
    Written writer;
    bool ended = false;
    json::object report;
};

}  // namespace

TEST_CASE_FIXTURE(ApiFixture, "a verification tells its steps and ends in a report") {
    Verification empty(*this, "/v1/verify");
    CHECK(*empty.response.headers.find("Content-Type") == "application/x-ndjson");
    CHECK(empty.report.at("ok").as_bool());
    CHECK(empty.writer.text.starts_with(R"({"stage":"trail",)"));
    control.put("a");
    // The fixture's trail does not give the row.
    Verification full(*this, "/v1/verify?files=false");
    CHECK_FALSE(full.report.at("ok").as_bool());
    CHECK(full.report.at("files_skipped").as_bool());
    CHECK(full.report.at("jobs") == 1);
    const json::object& finding = full.report.at("findings").as_array().at(0).as_object();
    CHECK(finding.at("job") == "a");
    CHECK(finding.at("event").is_null());
    CHECK(finding.at("check").is_string());
    const json::object& head = full.report.at("head").as_object();
    const std::string noted = fmt::format("1:{}", head.at("hash").as_string().c_str());
    Verification since(*this, "/v1/verify?since=" + noted);
    for (const auto& one : since.report.at("findings").as_array()) {
        CHECK(one.as_object().at("check") != "noted_head");
    }
}

TEST_CASE_FIXTURE(ApiFixture, "one verification runs at a time, and one that is left ends") {
    auto first = get("/v1/verify");
    REQUIRE(first.source != nullptr);
    CHECK(get("/v1/verify").status == 503);
    CHECK(ask("HEAD", "/v1/verify").status == 200);
    first.source.reset();
    auto second = get("/v1/verify");
    CHECK(second.status == 200);
    Written writer;
    writer.gone = true;
    bool ended = false;
    boost::asio::co_spawn(context, second.source->produce(writer),
                          [&](const std::exception_ptr&) { ended = true; });
    test::settle(context);
    CHECK(ended);
}

TEST_CASE_FIXTURE(ApiFixture, "a verification's parameters are checked") {
    for (const char* wrong : {"files=no", "since=12", "since=x:00", "since=12:zz", "since=:"}) {
        CAPTURE(wrong);
        CHECK(code_of(get(std::string("/v1/verify?") + wrong)) == "invalid_parameter");
    }
    CHECK(code_of(get("/v1/verify?what=1")) == "unknown_parameter");
    CHECK(ask("POST", "/v1/verify").status == 405);
}
