#include "providers/eachlabs/upload.hpp"

#include <doctest/doctest.h>

#include "providers/eachlabs/fixtures/exchanges.hpp"

using namespace reeld;
using namespace reeld::providers::eachlabs;
using provider_api::UploadTicket;

namespace {

constexpr Instant now = from_unix_ms(1'767'225'600'000);

provider_api::UploadStart read(const std::string& body) {
    return read_upload_start({"a.png", "image/png", 5000}, answered(200, body), now);
}

}  // namespace

TEST_CASE("the start of an upload asks for a signed URL of the file's type and for a week of life") {
    const auto request = build_upload_start(sample_account(), {"a.png", "image/png", 5000});
    CHECK(request.method == "POST");
    CHECK(request.url == "https://api.eachlabs.ai/v1/upload/presign");
    CHECK(*request.headers.find("Authorization") == "Bearer smk_sample");
    CHECK(request.body ==
          R"({"content_type":"image/png","file_type":"image","expires_in_seconds":604800})");
}

TEST_CASE("a type that is no image, video or audio is another") {
    const auto kind = [](const std::string& type) {
        return build_upload_start(sample_account(), {"a", type, 1}).body;
    };
    CHECK(kind("video/mp4").find(R"("file_type":"video")") != std::string::npos);
    CHECK(kind("audio/mpeg").find(R"("file_type":"audio")") != std::string::npos);
    CHECK(kind("application/zip").find(R"("file_type":"other")") != std::string::npos);
    CHECK(kind("imagery/png").find(R"("file_type":"other")") != std::string::npos);
}

TEST_CASE("the PUT has the same type, every required header unchanged and no key") {
    const auto start = read(
        R"({"id":"u","presigned_url":"https://s3.example/u.png?X-Amz-Signature=f00d",)"
        R"("public_url":"https://cdn-us.eachlabs.ai/uploads/u.png","expires_at":"2026-01-08T00:00:00Z",)"
        R"("required_headers":{"x-amz-meta-file-id":"u","content-type":"image/PNG"}})");
    REQUIRE(std::holds_alternative<UploadTicket>(start));
    const auto& ticket = std::get<UploadTicket>(start);
    CHECK(ticket.file_url == "https://cdn-us.eachlabs.ai/uploads/u.png");
    CHECK(ticket.expires_at == parse_rfc3339("2026-01-08T00:00:00Z"));
    CHECK(ticket.put_until == now + std::chrono::minutes{14});
    const auto request = build_upload_part(ticket, 1);
    REQUIRE(request.has_value());
    CHECK(request->method == "PUT");
    CHECK(request->url == "https://s3.example/u.png?X-Amz-Signature=f00d");
    REQUIRE(request->headers.all().size() == 2);
    CHECK(*request->headers.find("Content-Type") == "image/PNG");
    CHECK(*request->headers.find("x-amz-meta-file-id") == "u");
    CHECK(!build_upload_part(ticket, 2).has_value());
}

TEST_CASE("required headers that would change the request itself are refused") {
    for (const std::string header :
         {R"({"Host":"a"})", R"({"content-length":"5"})", R"({"Authorization":"Bearer x"})",
          R"({"Transfer-Encoding":"chunked"})", R"({"a b":"c"})", R"({"":"c"})",
          R"({"x":"a\r\nEvil: 1"})", R"({"x":7})", R"([])", R"("x")"}) {
        CAPTURE(header);
        const auto start =
            read(R"({"presigned_url":"https://s3.example/u","public_url":"https://cdn.example/u",)"
                 R"("required_headers":)" +
                 header + "}");
        REQUIRE(std::holds_alternative<domain::Refusal>(start));
        CHECK(std::get<domain::Refusal>(start).error.code == "garbled_answer");
    }
}
