#include "providers/fal/hosts.hpp"

#include <doctest/doctest.h>

#include "providers/fal/cancel.hpp"
#include "providers/fal/fixtures/exchanges.hpp"
#include "providers/fal/result.hpp"
#include "providers/fal/status.hpp"

using namespace reeld;
using namespace reeld::providers::fal;

namespace {
const std::string model = "fal-ai/minimax/video-01";
const std::string root = "https://queue.fal.run/fal-ai/minimax/requests/";
const Secret key("id:secret");
}  // namespace

TEST_CASE("only the queue's scheme, host and port make a URL that may have the key") {
    const Hosts hosts;
    CHECK(is_queue_url(hosts, "https://queue.fal.run/x"));
    CHECK(is_queue_url(hosts, "https://QUEUE.fal.run:443/x"));
    for (const char* url : {"http://queue.fal.run/x", "https://queue.fal.run:8443/x",
                            "https://queue.fal.run.evil.example/x", "https://a@queue.fal.run/x",
                            "https://evil.example/queue.fal.run", "https://fal.run/x", "", "x"}) {
        CAPTURE(url);
        CHECK_FALSE(is_queue_url(hosts, url));
    }
}

TEST_CASE("the URLs that fal gave are used as they are") {
    domain::Remote remote;
    remote.request_id = RequestId("r");
    remote.status_url = "https://queue.fal.run/other/requests/r/status?token=1#part";
    remote.response_url = "https://queue.fal.run/other/requests/r/response";
    remote.cancel_url = "https://queue.fal.run/other/requests/r/cancel";
    const auto status = build_status({}, key, model, remote);
    REQUIRE(status.has_value());
    CHECK(status->method == "GET");
    CHECK(status->url == "https://queue.fal.run/other/requests/r/status?token=1&logs=1");
    CHECK(*status->headers.find("authorization") == "Key id:secret");
    CHECK(build_result({}, key, model, remote)->url == remote.response_url);
    const auto cancel = build_cancel({}, key, model, remote);
    CHECK(cancel->method == "PUT");
    CHECK(cancel->url == remote.cancel_url);
    CHECK(cancel->body.empty());
}

TEST_CASE("a missing or foreign URL is replaced by one under the app root") {
    domain::Remote remote;
    remote.request_id = RequestId("r/../1");
    remote.status_url = "https://evil.example/status";
    CHECK(build_status({}, key, model, remote)->url == root + "r%2F..%2F1/status?logs=1");
    CHECK(build_result({}, key, model, remote)->url == root + "r%2F..%2F1");
    CHECK(build_cancel({}, key, model, remote)->url == root + "r%2F..%2F1/cancel");
}

TEST_CASE("an id that would mean another place is never asked for") {
    domain::Remote remote;
    for (const std::string& id : {std::string("."), std::string(".."), std::string(200, 'x'),
                                  std::string("a\r\nX: y"), std::string("a\0b", 3)}) {
        CAPTURE(id);
        remote.request_id = RequestId(id);
        CHECK(build_status({}, key, model, remote).has_error());
        CHECK(build_result({}, key, model, remote).has_error());
        CHECK(build_cancel({}, key, model, remote).has_error());
    }
}

TEST_CASE("without an id or an endpoint id there is nothing to ask") {
    domain::Remote remote;
    CHECK(build_status({}, key, model, remote).has_error());
    remote.request_id = RequestId("r");
    CHECK(build_status({}, key, "nonsense", remote).has_error());
}
