#include "engine/fetch_policy.hpp"

#include <doctest/doctest.h>

using namespace reeld;
using namespace reeld::engine;
using domain::event::FetchProblem;

namespace {

const FetchHosts hosts{{"fal.media", "*.fal.media"}, {"127.0.0.1:8470"}};

std::string refusal(const std::string& url) {
    const auto hop = check_hop(url, hosts);
    if (hop) return "allowed";
    CHECK(hop.error().code() == ErrorCode::refused);
    return hop.error().context();
}

Headers with(std::string name, std::string value) {
    Headers headers;
    headers.add(std::move(name), std::move(value));
    return headers;
}

std::string resolved(std::string_view location) {
    return resolve_location("https://a.example/x/y/z.mp4?sig=1", location).value_or("nothing");
}

}  // namespace

TEST_CASE("only allowed hosts are reached, and only named ones by plain http") {
    CHECK(refusal("https://fal.media/a.mp4") == "allowed");
    CHECK(refusal("https://v3b.fal.media/a.mp4") == "allowed");
    CHECK(refusal("http://127.0.0.1:8470/a.mp4") == "allowed");
    CHECK(check_hop("http://127.0.0.1:8470/a.mp4", hosts)->named);
    CHECK_FALSE(check_hop("https://fal.media/a.mp4", hosts)->named);
    CHECK(refusal("http://fal.media/a.mp4").find("plain http") != std::string::npos);
    CHECK(refusal("http://127.0.0.1:22/a.mp4").find("allowed_hosts") != std::string::npos);
    CHECK(refusal("https://evilfal.media/a.mp4").find("evilfal.media") != std::string::npos);
    CHECK(refusal("https://fal.media.evil.example/").find("allowed_hosts") != std::string::npos);
    CHECK(refusal("https://user@fal.media/a").find("user name") != std::string::npos);
    CHECK(refusal("file:///etc/passwd").find("no http") != std::string::npos);
}

TEST_CASE("a refusal names the host and never the signed URL") {
    CHECK(refusal("https://x.example/a.mp4?token=secret").find("secret") == std::string::npos);
}

TEST_CASE("a redirect's target is resolved against the URL that answered") {
    CHECK(resolved("https://b.example/f?x=1") == "https://b.example/f?x=1");
    CHECK(resolved("//b.example/f") == "https://b.example/f");
    CHECK(resolved("/f#part") == "https://a.example:443/f");
    CHECK(resolved("w.mp4?k=2") == "https://a.example:443/x/y/w.mp4?k=2");
    CHECK(resolved("../w.mp4") == "https://a.example:443/x/w.mp4");
    CHECK(resolved("../../../../w") == "https://a.example:443/w");
    CHECK(resolved("?k=2") == "https://a.example:443/x/y/z.mp4?k=2");
    CHECK(resolved("ftp://b.example/f") == "nothing");
    CHECK(resolved("javascript:alert(1)") == "nothing");
    CHECK(resolved("") == "nothing");
    CHECK(resolved("https://") == "nothing");
}

TEST_CASE("a content range is read strictly") {
    const auto read = [](std::string text) {
        return read_content_range(with("content-range", std::move(text)));
    };
    CHECK(read("bytes 5-9/10")->first == 5);
    CHECK(read("bytes 5-9/10")->total == 10u);
    CHECK_FALSE(read("bytes 5-9/*")->total.has_value());
    CHECK(read("bytes */10")->unsatisfied);
    for (const char* text : {"bytes 9-5/10", "bytes 5-10/10", "bytes 5-9", "items 5-9/10",
                             "bytes -9/10", "bytes 5-9/x", "bytes 99999999999999999999-9/10", ""}) {
        CAPTURE(text);
        CHECK_FALSE(read(text).has_value());
    }
    CHECK_FALSE(read_content_range(Headers()).has_value());
}

TEST_CASE("only what proves equal bytes is taken as a validator") {
    CHECK(read_validator(with("ETag", "\"abc\"")) == "\"abc\"");
    CHECK(read_validator(with("ETag", "W/\"abc\"")).empty());
    CHECK(read_validator(with("ETag", "abc")).empty());
    const std::string date = "Sat, 21 Nov 2026 08:00:00 GMT";
    CHECK(read_validator(with("Last-Modified", date)) == date);
    CHECK(read_validator(with("Last-Modified", "yesterday")).empty());
}

TEST_CASE("a status tells whether the file is gone or may come later") {
    const auto problem = [](int status) {
        HttpResponse head;
        head.status = status;
        return problem_of_status(head, Instant{}).problem;
    };
    for (const int status : {401, 403, 404, 410})
        CHECK(problem(status) == FetchProblem::expired);
    for (const int status : {204, 206, 304, 400, 408, 429, 500, 503}) {
        CHECK(problem(status) == FetchProblem::retry);
    }
}

TEST_CASE("an error below HTTP keeps its kind") {
    const auto problem = [](ErrorCode code) { return problem_of_error(Error(code, "x")).problem; };
    CHECK(problem(ErrorCode::refused) == FetchProblem::refused);
    CHECK(problem(ErrorCode::too_large) == FetchProblem::refused);
    CHECK(problem(ErrorCode::timeout) == FetchProblem::retry);
    CHECK(problem_of_error(Error(ErrorCode::reset, "x")).error.code == "reset");
}

TEST_CASE("whatever this machine's disk refuses lets the paid file wait, and fails nothing") {
    for (const ErrorCode code : {ErrorCode::disk_full, ErrorCode::io, ErrorCode::refused,
                                 ErrorCode::too_large, ErrorCode::not_found}) {
        CHECK(problem_of_disk(Error(code, "x")).problem == FetchProblem::disk);
    }
}
