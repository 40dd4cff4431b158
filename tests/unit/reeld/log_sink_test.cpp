// Goal: one record is one line whatever its texts hold.
#include "reeld/log_sink.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace reeld;
using namespace reeld::daemon;

namespace {

const Instant at = *parse_rfc3339("2026-11-21T08:00:00Z");

log::Record record(std::string message, std::vector<log::Field> fields = {}) {
    return {log::Level::info, "engine", std::move(message), std::move(fields)};
}

std::string value_line(std::string value) {
    const std::string line = log_line(record("m", {{"k", std::move(value)}}), at);
    return line.substr(line.find("k="));
}

}  // namespace

TEST_CASE("a record is one line: time, level, component, message, fields") {
    CHECK(log_line(record("job submitted", {{"job", "j-1"}, {"note", "two words"}}), at) ==
          "2026-11-21T08:00:00.000Z info engine: job submitted job=j-1 note=\"two words\"\n");
    CHECK(log_line({log::Level::error, "store", "full", {}}, at) ==
          "2026-11-21T08:00:00.000Z error store: full\n");
}

TEST_CASE("a value is quoted whenever it could be taken for something else") {
    CHECK(value_line("plain/1.0:x@y+z") == "k=plain/1.0:x@y+z\n");
    CHECK(value_line("") == "k=\"\"\n");
    CHECK(value_line("a=b") == "k=\"a=b\"\n");
    CHECK(value_line("say \"hi\" \\o/") == "k=\"say \\\"hi\\\" \\\\o/\"\n");
    CHECK(value_line("wäre") == "k=\"wäre\"\n");
}

TEST_CASE("no text can begin a second line or steer a terminal") {
    CHECK(value_line("a\nb\r\tc") == "k=\"a\\nb\\r\\tc\"\n");
    CHECK(value_line(std::string("\x1b[31m\x00\x7f", 7)) == "k=\"\\x1b[31m\\x00\\x7f\"\n");
    CHECK(value_line("\xC2\x9B" "1m") == "k=\"\\u009b1m\"\n");
    CHECK(value_line("bad \xFF\xC3") == "k=\"bad \\xff\\xc3\"\n");
    const std::string line = log_line(record("a\n2026-11-21T08:00:00.000Z info engine: b"), at);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.find("engine: a\\n2026") != std::string::npos);
}

TEST_CASE("the journal gets a readable message, a priority and the fields by name") {
    log::Record warning = record("slow", {{"job", "j\n1"}, {"http-status", "503"}});
    warning.level = log::Level::warning;
    CHECK(journal_fields(warning) ==
          std::vector<std::string>{"MESSAGE=engine: slow job=\"j\\n1\" http-status=503",
                                   "PRIORITY=4", "SYSLOG_IDENTIFIER=reeld",
                                   "REELD_COMPONENT=engine", "REELD_JOB=j\n1",
                                   "REELD_HTTP_STATUS=503"});
}

TEST_CASE("each level has its syslog priority") {
    const auto priority = [](log::Level level) {
        return journal_fields({level, "x", "y", {}}).at(1);
    };
    CHECK(priority(log::Level::debug) == "PRIORITY=7");
    CHECK(priority(log::Level::info) == "PRIORITY=6");
    CHECK(priority(log::Level::warning) == "PRIORITY=4");
    CHECK(priority(log::Level::error) == "PRIORITY=3");
}
