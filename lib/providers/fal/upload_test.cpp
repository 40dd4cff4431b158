#include "providers/fal/upload.hpp"

#include <doctest/doctest.h>

#include "providers/fal/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::fal;
using provider_api::UploadFile;
using provider_api::UploadTicket;

namespace {

const Secret key("id:secret");
constexpr std::uint64_t mib = 1024 * 1024;
constexpr Instant now = from_unix_ms(1'767'225'600'000);

UploadTicket ticket_for(std::uint64_t bytes) {
    const auto read = read_upload_start(
        {"a.mp4", "video/mp4", bytes},
        answered(200, R"({"file_url":"https://v3b.fal.media/files/a.mp4",)"
                      R"("upload_url":"https://v3b.fal.media/put/a.mp4?sig=1&exp=2"})"),
        now);
    REQUIRE(std::holds_alternative<UploadTicket>(read));
    return std::get<UploadTicket>(read);
}

}  // namespace

TEST_CASE("the start of an upload names the file's type and a name that is safe in a URL") {
    const auto request = build_upload_start({}, key, {"my shot \"1\".png", "image/png", 5000});
    CHECK(request.method == "POST");
    CHECK(request.url == "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3");
    CHECK(*request.headers.find("Authorization") == "Key id:secret");
    CHECK(*request.headers.find("Content-Type") == "application/json");
    CHECK(request.body == R"({"content_type":"image/png","file_name":"my_shot__1_.png"})");
    for (const auto* name : {"X-Fal-Object-Lifecycle", "X-Fal-Object-Lifecycle-Preference"}) {
        CHECK(*request.headers.find(name) == R"({"expiration_duration_seconds":604800})");
    }
}

TEST_CASE("a file over 90 MiB is begun as one of parts") {
    CHECK(build_upload_start({}, key, {"a", "video/mp4", 90 * mib}).url.find("multipart") ==
          std::string::npos);
    CHECK(build_upload_start({}, key, {"a", "video/mp4", 90 * mib + 1}).url ==
          "https://rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3");
}

TEST_CASE("a small file goes in one PUT with its type and without the key") {
    const UploadTicket ticket = ticket_for(5000);
    CHECK(ticket.part_bytes == 0);
    CHECK(ticket.expires_at == now + std::chrono::hours{7 * 24});
    CHECK(!ticket.put_until);
    const auto request = build_upload_part(ticket, {"a.mp4", "video/mp4", 5000}, 1);
    REQUIRE(request.has_value());
    CHECK(request->method == "PUT");
    CHECK(request->url == "https://v3b.fal.media/put/a.mp4?sig=1&exp=2");
    REQUIRE(request->headers.all().size() == 1);
    CHECK(*request->headers.find("Content-Type") == "video/mp4");
    CHECK(!build_upload_end(ticket, {}).has_value());
}

TEST_CASE("parts are numbered below the path, before the signature") {
    const UploadFile file{"a.mp4", "video/mp4", 95 * mib};
    const UploadTicket ticket = ticket_for(file.bytes);
    CHECK(ticket.part_bytes == 10 * mib);
    const auto first = build_upload_part(ticket, file, 1);
    const auto last = build_upload_part(ticket, file, 10);
    REQUIRE(first.has_value());
    REQUIRE(last.has_value());
    CHECK(first->url == "https://v3b.fal.media/put/a.mp4/1?sig=1&exp=2");
    CHECK(last->url == "https://v3b.fal.media/put/a.mp4/10?sig=1&exp=2");
    CHECK(first->headers.all().empty());
    CHECK(!build_upload_part(ticket, file, 11).has_value());
    CHECK(!build_upload_part(ticket, file, 0).has_value());
    CHECK(!build_upload_part(ticket, file, -1).has_value());
}

TEST_CASE("the parts are joined by their etags, in order and without the key") {
    const UploadTicket ticket = ticket_for(95 * mib);
    const auto end = build_upload_end(ticket, {"\"a1\"", "b2"});
    REQUIRE(end.has_value());
    CHECK(end->method == "POST");
    CHECK(end->url == "https://v3b.fal.media/put/a.mp4/complete?sig=1&exp=2");
    CHECK(end->headers.find("Authorization") == nullptr);
    CHECK(end->body ==
          R"({"parts":[{"partNumber":1,"etag":"\"a1\""},{"partNumber":2,"etag":"b2"}]})");
}

TEST_CASE("an etag that cannot be one is none") {
    const UploadTicket ticket = ticket_for(95 * mib);
    for (const std::string body : {R"({"etag":""})", R"({"etag":"a b"})", R"({"etag":7})", "[]",
                                   R"({"etag":"a\u0001"})"}) {
        CAPTURE(body);
        const auto read = read_upload_part(ticket, answered(200, body));
        REQUIRE(std::holds_alternative<domain::Refusal>(read));
        CHECK(std::get<domain::Refusal>(read).error.code == "garbled_answer");
    }
}

TEST_CASE("a signed URL never stands in what is told of an upload's failure") {
    const auto read = read_upload_start(
        {"a.png", "image/png", 1},
        answered(500, R"({"detail":"cannot sign https://v3b.fal.media/put/a?sig=secret"})"), now);
    REQUIRE(std::holds_alternative<domain::Refusal>(read));
    const auto& refusal = std::get<domain::Refusal>(read);
    CHECK(refusal.error.message == "cannot sign https://v3b.fal.media/put/a");
}
