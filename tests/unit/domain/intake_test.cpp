#include "domain/intake.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace reeld;
using domain::FieldError;
using domain::JobRequest;

namespace {

const Instant now = *parse_rfc3339("2026-11-21T08:00:00Z");

domain::Intake take(std::string_view text, const domain::IntakeLimits& limits = {}) {
    const auto value = parse_json(text);
    REQUIRE(value.has_value());
    return domain::parse_job(*value, now, limits);
}

JobRequest accept(std::string_view text) {
    auto intake = take(text);
    if (const auto* errors = std::get_if<std::vector<FieldError>>(&intake)) {
        for (const FieldError& error : *errors)
            FAIL_CHECK(error.field << ": " << error.message);
        return {};
    }
    return std::get<JobRequest>(std::move(intake));
}

std::vector<FieldError> refuse(std::string_view text, const domain::IntakeLimits& limits = {}) {
    auto intake = take(text, limits);
    REQUIRE(std::holds_alternative<std::vector<FieldError>>(intake));
    return std::get<std::vector<FieldError>>(std::move(intake));
}

// The only error of a job that is right but for these members.
FieldError only_error(std::string_view members) {
    const auto errors = refuse(fmt::format(R"({{"model":"a/b","input":{{}},{}}})", members));
    REQUIRE(errors.size() == 1);
    return errors.front();
}

bool mentions(const FieldError& error, std::string_view text) {
    if (error.message.find(text) != std::string::npos) return true;
    MESSAGE(error.field << ": " << error.message);
    return false;
}

}  // namespace

TEST_CASE("model and input are enough for a job, the rest has defaults") {
    const JobRequest request = accept(R"({"model":"fal-ai/x","input":{"b":1,"a":"é"}})");
    CHECK(request.model == "fal-ai/x");
    CHECK(request.input == R"({"a":"é","b":1})");
    CHECK(request.id.empty());
    CHECK(request.priority == 0);
    CHECK(request.max_attempts == 5);
    CHECK(request.output.empty());
    CHECK(request.labels.empty());
}

TEST_CASE("every field of a full job arrives") {
    const JobRequest request = accept(R"({"id":"job-1","model":"a/b.c/D_e","input":{},
        "batch":"nightly 2026","priority":-7,"not_before":"2026-11-21T10:00:00+01:00",
        "deadline":1795300000000,"max_attempts":3,"output":"{batch}/{label.scene}.{ext}",
        "labels":{"scene":"12"}})");
    CHECK(request.id.str() == "job-1");
    CHECK(request.batch == "nightly 2026");
    CHECK(request.priority == -7);
    CHECK(request.not_before == *parse_rfc3339("2026-11-21T09:00:00Z"));
    CHECK(request.deadline == from_unix_ms(1795300000000));
    CHECK(request.max_attempts == 3);
    CHECK(request.output == "{batch}/{label.scene}.{ext}");
    CHECK(request.labels == std::map<std::string, std::string>{{"scene", "12"}});
}

TEST_CASE("null stands for an optional field that is not given, never for a needed one") {
    CHECK(accept(R"({"model":"a/b","input":{},"batch":null,"deadline":null,"labels":null})")
              .batch.empty());
    const auto errors = refuse(R"({"model":null,"input":null})");
    REQUIRE(errors.size() == 2);
    CHECK(mentions(errors[0], "is missing"));
    CHECK(mentions(errors[1], "is missing"));
}

TEST_CASE("all errors of a job come at once") {
    const auto errors = refuse(R"({"id":"","model":"x","input":[],"batch":"..","priority":1.5,
        "max_attempts":0,"not_before":"soon","deadline":"2020-01-01T00:00:00Z","output":"/etc/x",
        "labels":{"a b":"1","n":2},"state":"queued","promt":"x"})");
    std::vector<std::string> fields;
    for (const FieldError& error : errors)
        fields.push_back(error.field);
    CHECK(fields == std::vector<std::string>{"id", "model", "input", "batch", "priority",
                                             "max_attempts", "not_before", "deadline", "output",
                                             "labels.a b", "labels.n", "state", "promt"});
}

TEST_CASE("something that is no object is no job") {
    for (const std::string_view text : {"[]", "null", "\"x\"", "12"}) {
        const auto errors = refuse(text);
        REQUIRE(errors.size() == 1);
        CHECK(errors[0].field.empty());
        CHECK(mentions(errors[0], "must be a JSON object"));
    }
}

TEST_CASE("an unknown member is named with the nearest known one") {
    CHECK(mentions(only_error(R"("prioritty":1)"), "did you mean \"priority\"?"));
    CHECK(mentions(only_error(R"("Batch":"x")"), "did you mean \"batch\"?"));
    CHECK(mentions(only_error(R"("notbefore":1)"), "did you mean \"not_before\"?"));
    CHECK(mentions(only_error(R"("webhook_url":1)"), "a job has the members id, model"));
    CHECK(mentions(only_error(R"("prompt":"waves")"), "belongs into \"input\""));
}

TEST_CASE("a read-only field is refused, not ignored") {
    for (const std::string_view name :
         {"state", "reason", "provider", "request_id", "attempt", "queue_position", "progress",
          "video_url", "outputs", "cost_usd", "cost_by_estimate_usd", "estimated_cost_usd",
          "estimate_is_sure", "reserved_usd", "possibly_billed_usd", "unpriced_submits", "error",
          "created_at", "submitted_at",
          "finished_at"}) {
        const auto error = only_error(fmt::format("\"{}\":null", name));
        CHECK(error.field == name);
        CHECK(mentions(error, "read only"));
    }
}

TEST_CASE("an input that stands as text says what is wrong with it as JSON") {
    const auto error_of = [](std::string_view input) {
        json::object job{{"model", "a/b"}, {"input", input}};
        auto intake = domain::parse_job(job, now);
        REQUIRE(std::holds_alternative<std::vector<FieldError>>(intake));
        return std::get<std::vector<FieldError>>(intake).front();
    };
    CHECK(mentions(error_of("{\"prompt\": \"x\",}"), "not JSON at byte 15"));
    CHECK(mentions(error_of("{\"prompt\": \"x\"}"), "leave the quotes around it away"));
    CHECK(mentions(error_of("[1]"), "a text that holds an array"));
    CHECK(mentions(error_of("{\"a\":1,\"a\":2}"), "stands twice"));
    CHECK(mentions(error_of("a cat\n"), "\"a cat?\""));
}

TEST_CASE("lengths are bounded and the bound is told") {
    const auto long_text = [](std::size_t n) { return std::string(n, 'x'); };
    domain::IntakeLimits limits;
    limits.input_bytes = 20;
    limits.label_count = 1;
    CHECK(mentions(refuse(R"({"model":"a/b","input":{"prompt":"0123456789"}})", limits)[0],
                   "at most 20 are taken"));
    CHECK(mentions(refuse(R"({"model":"a/b","input":{},"labels":{"a":"","b":""}})", limits)[0],
                   "at most 1 are taken"));
    CHECK(only_error(fmt::format(R"("id":"{}")", long_text(65))).field == "id");
    CHECK(accept(fmt::format(R"({{"model":"a/b","input":{{}},"id":"{}"}})", long_text(64)))
              .id.str()
              .size() == 64);
    CHECK(mentions(only_error(fmt::format(R"("batch":"{}")", long_text(129))), "129 characters"));
    std::string umlauts;
    for (int i = 0; i < 128; ++i)
        umlauts += "ü";
    CHECK(accept(fmt::format(R"({{"model":"a/b","input":{{}},"batch":"{}"}})", umlauts)).batch ==
          umlauts);
    CHECK(
        mentions(only_error(fmt::format(R"("labels":{{"k":"{}"}})", long_text(257))), "257 bytes"));
    CHECK(only_error(fmt::format(R"("labels":{{"{}":"v"}})", long_text(65)))
              .field.starts_with("labels.x"));
    CHECK(refuse(fmt::format(R"({{"model":"a/{}","input":{{}}}})", long_text(199)))[0].field ==
          "model");
}

TEST_CASE("an input that answers could not carry is refused for its depth") {
    const auto nested = [](std::size_t levels) {
        return R"({"model":"a/b","input":{"x":)" + std::string(levels - 1, '[') +
               std::string(levels - 1, ']') + "}}";
    };
    accept(nested(50));
    const auto errors = refuse(nested(51));
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].field == "input");
    CHECK(mentions(errors[0], "deeper than 50 levels"));
}

TEST_CASE("a model must have the shape of an endpoint id") {
    for (const std::string_view model :
         {"x", "", "/a/b", "a/b/", "a//b", "a/b c", "a/é", "a/../b", "./a", "a/b?x"}) {
        CAPTURE(model);
        const auto errors = refuse(fmt::format(R"({{"model":"{}","input":{{}}}})", model));
        CHECK(errors.size() == 1);
        CHECK(mentions(errors[0], "joined by \"/\""));
    }
    CHECK(mentions(refuse(R"({"model":7,"input":{}})")[0], "not a whole number"));
}

TEST_CASE("numbers are whole and in range") {
    CHECK(mentions(only_error(R"("priority":1000001)"), "from -1000000 to 1000000"));
    CHECK(mentions(only_error(R"("priority":"high")"), "not a text"));
    CHECK(mentions(only_error(R"("priority":18446744073709551615)"), "from -1000000"));
    CHECK(mentions(only_error(R"("max_attempts":101)"), "from 1 to 100"));
    CHECK(mentions(only_error(R"("max_attempts":true)"), "not true or false"));
    CHECK(accept(R"({"model":"a/b","input":{},"priority":1000000,"max_attempts":1})").priority ==
          1000000);
}

TEST_CASE("times are taken as RFC 3339 or Unix milliseconds, and nothing else") {
    CHECK(mentions(only_error(R"("not_before":"tomorrow")"), "is no time"));
    CHECK(mentions(only_error(R"("not_before":1795248000)"),
                   "milliseconds are wanted: 1795248000000"));
    CHECK(mentions(only_error(R"("not_before":-5)"), "must be an RFC 3339 time"));
    CHECK(mentions(only_error(R"("not_before":1.5)"), "must be an RFC 3339 time"));
    CHECK(mentions(only_error(R"("not_before":[])"), "not an array"));
    CHECK(mentions(only_error(R"("not_before":253402300800000)"), "must be an RFC 3339 time"));
    CHECK(accept(R"({"model":"a/b","input":{},"not_before":"2020-01-01T00:00:00Z"})").not_before);
}

TEST_CASE("a deadline is in the future and after not_before") {
    CHECK(mentions(only_error(R"("deadline":"2026-11-21T08:00:00Z")"), "is in the past"));
    CHECK(mentions(
        only_error(R"("deadline":"2026-11-22T00:00:00Z","not_before":"2026-11-22T00:00:00Z")"),
        "must be after not_before"));
}

TEST_CASE("a batch that could hurt as a folder's name is refused") {
    CHECK(mentions(only_error(R"("batch":"a\nb")"), "control characters"));
    CHECK(mentions(only_error(R"("batch":"a\u0085b")"), "control characters"));
    CHECK(mentions(only_error(R"("batch":".")"), "must not be"));
    CHECK(accept(R"({"model":"a/b","input":{},"batch":"a/b"})").batch == "a/b");
}

TEST_CASE("labels are a flat object of texts") {
    CHECK(mentions(only_error(R"("labels":["a"])"), "flat JSON object"));
    CHECK(mentions(only_error(R"("labels":{"a":{"b":"c"}})"), "must be a text, not an object"));
    CHECK(only_error(R"("labels":{"":"x"})").field == "labels.");
}

TEST_CASE("an output template is checked at intake with the template's own words") {
    CHECK(mentions(only_error(R"("output":"{jobid}.mp4")"), "unknown"));
    CHECK(only_error(R"("output":"../x.mp4")").field == "output");
    CHECK(accept(R"({"model":"a/b","input":{},"output":""})").output.empty());
}
