#include <doctest/doctest.h>

#include "reel/arguments.hpp"
#include "reel/pairs.hpp"

using namespace reeld;
using namespace reeld::reel;

namespace {

Options parse(const std::vector<std::string>& words) {
    const Parsed parsed = parse_arguments(words, "1.2.3");
    INFO(parsed.err);
    REQUIRE(parsed.options.has_value());
    return *parsed.options;
}

Parsed refuse(const std::vector<std::string>& words) {
    Parsed parsed = parse_arguments(words, "1.2.3");
    CHECK_FALSE(parsed.options.has_value());
    CHECK(parsed.exit == Exit::usage);
    CHECK(parsed.out.empty());
    CHECK_FALSE(parsed.err.empty());
    return parsed;
}

Result<std::string> no_file(const std::string& path) {
    return Error(ErrorCode::not_found, "open " + path);
}

std::string input_of(const std::vector<std::string>& words) {
    const auto input = add_pairs({}, words, &no_file);
    return input ? canonical_json(*input) : "error: " + input.error().context();
}

}  // namespace

TEST_CASE("a dotted key names a member of a member") {
    CHECK(input_of({"voice.speed:=2", "voice.id=x", "text=y"}) ==
          R"({"text":"y","voice":{"id":"x","speed":2}})");
    CHECK(input_of({"a.=1", ".b=2", "c..d=3"}) == R"({".b":"2","a.":"1","c..d":"3"})");
    CHECK(input_of({"a=1", "a.b=2"}).find("\"a\" is no object") != std::string::npos);
    CHECK(input_of({"a.b=1", "a.b=2"}).find("is given twice") != std::string::npos);
    CHECK(input_of({"a.b=1", "a=2"}).find("would take the place of \"a.b\"") != std::string::npos);
    CHECK(input_of({R"(a:={"c":2})", "a.b:=1"}) == R"({"a":{"b":1,"c":2}})");
    const auto schema = parse_json(
        R"({"properties":{"voice":{"type":"object","properties":{"speed":{"type":"number"},
            "id":{"type":"string"}}},"a.b":{"type":"integer"}}})");
    const auto input = add_pairs({}, {"voice.speed=2", "voice.id=7", "a.b=3"}, &no_file,
                                 schema->as_object());
    CHECK(canonical_json(*input) == R"({"a.b":3,"voice":{"id":"7","speed":2}})");
}

TEST_CASE("submit takes model, pairs and options in any order") {
    const Options options = parse({"submit", "fal-ai/m", "prompt=a b", "--wait", "duration:=6",
                                   "--timeout", "90m", "--batch", "night", "--priority", "-3",
                                   "--label", "a=1", "--label", "b=2", "--max-attempts=2",
                                   "--input", "-", "--id", "x", "tags:=[1,2]"});
    CHECK(options.verb == Verb::submit);
    CHECK(options.model == "fal-ai/m");
    CHECK(options.pairs == std::vector<std::string>{"prompt=a b", "duration:=6", "tags:=[1,2]"});
    CHECK(options.wait);
    CHECK(options.timeout == Millis{5'400'000});
    CHECK(options.priority == -3);
    CHECK(options.labels == std::vector<std::string>{"a=1", "b=2"});
    CHECK(options.max_attempts == 2);
    CHECK(options.input_file == "-");
}

TEST_CASE("what is not given is not sent") {
    const Options options = parse({"submit", "m"});
    CHECK_FALSE(options.priority.has_value());
    CHECK_FALSE(options.max_attempts.has_value());
    CHECK_FALSE(options.timeout.has_value());
    CHECK_FALSE(parse({"ls"}).limit.has_value());
}

TEST_CASE("every verb is known, with --json and --socket before or after it") {
    const std::vector<std::pair<std::string, Verb>> verbs{
        {"show", Verb::show},       {"wait", Verb::wait},   {"events", Verb::events},
        {"cancel", Verb::cancel},   {"hold", Verb::hold},   {"release", Verb::release},
        {"retry", Verb::retry},     {"watch", Verb::watch}, {"show", Verb::show}};
    for (const auto& [name, verb] : verbs) {
        const Options options = parse({"--socket", "/s", name, "a", "b", "--json"});
        CHECK(options.verb == verb);
        CHECK(options.ids == std::vector<std::string>{"a", "b"});
        CHECK(options.json);
        CHECK(options.socket == "/s");
    }
    CHECK(parse({"status", "--socket=/t"}).socket == "/t");
    CHECK(parse({"doctor"}).verb == Verb::doctor);
    CHECK(parse({"models", "m"}).model == "m");
    CHECK(parse({"ls", "--state", "failed,held", "--state", "queued"}).states.size() == 3);
}

TEST_CASE("wrong command lines end in 2 with a word on stderr") {
    refuse({});
    refuse({"nothing"});
    refuse({"submit"});
    refuse({"show"});
    refuse({"wait"});
    refuse({"ls", "--limit", "501"});
    refuse({"ls", "--limit", "5", "--all"});
    refuse({"ls", "--colour"});
    refuse({"wait", "a", "--timeout", "soon"});
    refuse({"wait", "a", "--batch", "b"});
    refuse({"submit", "m", "--timeout", "5s"});
}

TEST_CASE("help and version go to stdout and end in 0") {
    const Parsed version = parse_arguments({"--version"}, "1.2.3");
    CHECK(version.out == "reel 1.2.3\n");
    CHECK(version.exit == Exit::ok);
    const Parsed help = parse_arguments({"--help"}, "1");
    CHECK(help.exit == Exit::ok);
    CHECK(help.out.find("Exit codes: 0 ok") != std::string::npos);
    CHECK(help.out.find("Examples:") != std::string::npos);
    const Parsed submit = parse_arguments({"submit", "--help"}, "1");
    CHECK(submit.out.find("key:=JSON") != std::string::npos);
    CHECK(submit.err.empty());
}

TEST_CASE("the socket is the option's, then the environment's, then the service's") {
    Options options;
    CHECK(socket_path(options, nullptr) == "/run/reeld/reeld.sock");
    CHECK(socket_path(options, "") == "/run/reeld/reeld.sock");
    CHECK(socket_path(options, "/env") == "/env");
    options.socket = "/given";
    CHECK(socket_path(options, "/env") == "/given");
}

TEST_CASE("= gives text, := gives JSON, @ reads a file") {
    CHECK(input_of({"a=1", "b=true", "c="}) == R"({"a":"1","b":"true","c":""})");
    CHECK(input_of({"a:=1", "b:=[1,\"x\"]", "c:=null"}) == R"({"a":1,"b":[1,"x"],"c":null})");
    CHECK(input_of({"url=https://x/?a=b:=c"}) == R"({"url":"https://x/?a=b:=c"})");
    CHECK(input_of({"a:=x"}).starts_with("error: a: "));
    CHECK(input_of({"word"}).starts_with("error: "));
    CHECK(input_of({"=x"}).starts_with("error: "));
    CHECK(input_of({":=x"}).starts_with("error: "));
    CHECK(input_of({"a=1", "a=2"}).starts_with("error: "));
    CHECK(input_of({"a=@nope"}) == "error: open nope");
    const auto from_file = [](const std::string& path) -> Result<std::string> {
        return path == "f" ? std::string("{\"k\":1}") : std::string("?");
    };
    CHECK(canonical_json(*add_pairs({}, {"t=@f", "j:=@f"}, from_file)) ==
          R"({"j":{"k":1},"t":"{\"k\":1}"})");
    CHECK(canonical_json(*add_pairs({{"a", 1}, {"b", 2}}, {"a=x"}, from_file)) ==
          R"({"a":"x","b":2})");
}

TEST_CASE("times are read as RFC 3339 or as a duration from now") {
    const Instant now = from_unix_ms(1'000'000);
    CHECK(*read_when("90m", now) == now + Millis{5'400'000});
    CHECK(*read_when("2026-11-21T22:00:00Z", now) == *parse_rfc3339("2026-11-21T22:00:00Z"));
    CHECK(read_when("tomorrow", now).has_error());
    CHECK(read_labels({"novalue"}).has_error());
    CHECK(read_labels({"a=1", "a=2"}).has_error());
    CHECK(canonical_json(*read_labels({"a=b=c", "d="})) == R"({"a":"b=c","d":""})");
}
