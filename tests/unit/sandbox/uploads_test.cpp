// Files that jobs name: how their uploads go wrong, and what becomes of a job whose file is not there.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "unit/sandbox/bench.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

constexpr const char* wish = R"({"content_type":"image/png","file_name":"a.png"})";
constexpr const char* i2v = "fal-ai/minimax/video-01/image-to-video";

struct Place {
    std::string file_url;
    std::string put;
};

struct Storing : Bench {
    using Bench::Bench;

    Answer start() { return call("POST", "/storage/upload/initiate", wish); }
    Place place() {
        const json::object told = read(start());
        return {text(told, "file_url"), path_of(text(told, "upload_url"))};
    }
    json::object only_upload() {
        const json::object all = service.uploads();
        REQUIRE(all.at("uploads").as_array().size() == 1);
        return all.at("uploads").as_array()[0].as_object();
    }
    // What becomes of a job with this input.
    json::object result_of(const json::object& input, const std::string& endpoint = i2v) {
        const json::object accepted = read(call("POST", "/" + endpoint, json::serialize(input)));
        run(Millis{60'000});
        return read(call("GET", path_of(text(accepted, "response_url"))));
    }
    json::object result_of_url(const std::string& url) {
        return result_of({{"prompt", "waves"}, {"image_url", url}});
    }
};

std::string type_of(const json::object& result) {
    if (!result.contains("detail")) return "";
    return text(result.at("detail").at(0).as_object(), "type");
}

}  // namespace

TEST_CASE("the list of uploads shows each file with its bytes and hash") {
    Storing bench;
    const Place place = bench.place();
    CHECK(bench.only_upload().at("complete") == false);
    CHECK(bench.call("PUT", place.put, "pixels").status == 200);
    const json::object row = bench.only_upload();
    CHECK(row.at("complete") == true);
    CHECK(row.at("bytes") == 6);
    CHECK(row.at("stored") == 1);
    CHECK(text(row, "content_type") == "image/png");
    CHECK(text(row, "sha256") == sha256_hex("pixels"));
    CHECK(read(bench.call("GET", "/_sandbox/uploads")) == bench.service.uploads());
}

TEST_CASE("a start call can be refused, break, and lie, and then makes a file or none") {
    for (const auto& [fault, status] :
         {std::pair(Fault::upload_401, 401), std::pair(Fault::upload_429, 429)}) {
        Storing bench(with_fault(fault));
        CHECK(bench.start().status == status);
        CHECK(bench.service.uploads().at("uploads").as_array().empty());
    }
    Storing broken(with_fault(Fault::upload_5xx));
    CHECK(broken.start().status >= 500);
    Storing lost(with_fault(Fault::upload_lost));
    CHECK(lost.start().drop);
    CHECK(lost.only_upload().at("complete") == false);
    Storing garbled(with_fault(Fault::upload_garbled));
    bool cut = false, empty = false, odd = false;
    for (int i = 0; i < 30; ++i) {
        const Answer answer = garbled.start();
        cut = cut || answer.cut_after.has_value();
        empty = empty || answer.body == "{}";
        odd = odd || answer.body.find("\"file://") != std::string::npos;
    }
    CHECK((cut && empty && odd));
}

TEST_CASE("a PUT can fail before or after its bytes were stored") {
    Storing unavailable(with_fault(Fault::put_5xx));
    CHECK(unavailable.call("PUT", unavailable.place().put, "pixels").status == 503);
    CHECK(unavailable.only_upload().at("stored") == 0);
    Storing reset(with_fault(Fault::put_reset));
    CHECK(reset.call("PUT", reset.place().put, "pixels").drop);
    CHECK(reset.only_upload().at("stored") == 0);
    Storing lost(with_fault(Fault::put_lost));
    CHECK(lost.call("PUT", lost.place().put, "pixels").drop);
    CHECK(lost.only_upload().at("complete") == true);
    Storing slow(with_fault(Fault::put_slow));
    CHECK(slow.call("PUT", slow.place().put, "pixels").delay >= Millis{5'000});
    CHECK(slow.only_upload().at("complete") == true);
}

TEST_CASE("a ticket that was refused once is dead, and a new one is not") {
    Storing bench(with_fault(Fault::put_expired));
    const Place place = bench.place();
    CHECK(bench.call("PUT", place.put, "pixels").status == 403);
    bench.control(R"({"faults":{"put_expired":0}})");
    CHECK(bench.call("PUT", place.put, "pixels").status == 403);
    CHECK(bench.call("PUT", bench.place().put, "pixels").status == 200);
}

TEST_CASE("a part's answer can lack its etag") {
    Storing bench(with_fault(Fault::put_no_etag));
    std::string put = bench.place().put;
    put.insert(put.find('?'), "/1");
    const Answer answer = bench.call("PUT", put, "one");
    CHECK(answer.status == 200);
    CHECK(answer.headers.find("etag") == nullptr);
    CHECK(!read(answer).contains("etag"));
}

TEST_CASE("a job whose file is there goes well") {
    Storing bench;
    const Place place = bench.place();
    bench.call("PUT", place.put, "pixels");
    CHECK(bench.result_of_url(place.file_url).contains("video"));
    CHECK(bench.result_of_url("https://example.com/a.png").contains("video"));
    CHECK(bench.service.ledger().at("billed") == 2);
}

TEST_CASE("a job whose file is not there fails as one that could not be downloaded, free of charge") {
    Storing bench;
    const Place place = bench.place();
    // Begun, and never sent.
    const json::object result = bench.result_of_url(place.file_url);
    CHECK(type_of(result) == "file_download_error");
    const json::array way{"body", "image_url"};
    CHECK(result.at("detail").at(0).at("loc") == way);
    CHECK(type_of(bench.result_of_url("http://127.0.0.1:8470/files/u/nobody/a.png")) ==
          "file_download_error");
    CHECK(type_of(bench.result_of_url("/srv/shots/a.png")) == "file_download_error");
    CHECK(type_of(bench.result_of_url("file:///srv/shots/a.png")) == "file_download_error");
    const json::object list{
        {"prompt", "waves"},
        {"reference_image_urls", json::array{"https://example.com/a.png", place.file_url}}};
    const json::array deep{"body", "reference_image_urls", 1};
    CHECK(bench.result_of(list).at("detail").at(0).at("loc") == deep);
    CHECK(bench.service.ledger().at("billed") == 0);
}

TEST_CASE("an upload ends with its life: by the account's setting, and by surprise") {
    Options options;
    options.upload_life = Millis{100'000};
    Storing bench(options);
    const Place place = bench.place();
    bench.call("PUT", place.put, "pixels");
    CHECK(bench.call("GET", path_of(place.file_url)).body == "pixels");
    bench.pass(Millis{100'000});
    CHECK(bench.call("GET", path_of(place.file_url)).status == 404);
    CHECK(type_of(bench.result_of_url(place.file_url)) == "file_download_error");
    Storing surprised(with_fault(Fault::upload_gone));
    const Place other = surprised.place();
    surprised.call("PUT", other.put, "pixels");
    CHECK(surprised.call("GET", path_of(other.file_url)).status == 200);
    surprised.pass(Millis{600'000});
    CHECK(surprised.call("GET", path_of(other.file_url)).status == 404);
}

TEST_CASE("more bytes than one call may bring are refused") {
    Options options;
    options.upload_call_max = 5;
    Storing bench(options);
    CHECK(bench.call("PUT", bench.place().put, "pixels").status == 413);
    CHECK(bench.only_upload().at("complete") == false);
}

TEST_CASE("Eachlabs: the same misfortune in its own words") {
    const auto ask = [](Bench& bench, const std::string& url, const std::string& body) {
        Headers headers;
        headers.add("Authorization", "Bearer smk_any");
        return bench.call("POST", url, body, headers);
    };
    const auto put = [](Bench& bench, const json::object& place) {
        Headers headers;
        headers.add("Content-Type", "image/png");
        headers.add("x-amz-meta-file-id", text(place, "id"));
        return bench.call("PUT", path_of(text(place, "presigned_url")), "pixels", headers);
    };
    const std::string type = R"({"content_type":"image/png","expires_in_seconds":3600})";
    Storing refused(with_fault(Fault::upload_401));
    CHECK(text(read(ask(refused, "/v1/upload/presign", type)), "error") ==
          "Invalid or missing API key");
    Storing dead(with_fault(Fault::put_expired));
    CHECK(put(dead, read(ask(dead, "/v1/upload/presign", type))).status == 403);

    Storing bench;
    const json::object place = read(ask(bench, "/v1/upload/presign", type));
    CHECK(parse_rfc3339(text(place, "expires_at")) == bench.now + Millis{3'600'000});
    const auto output_of = [&](const std::string& url) {
        const json::object order{{"model", "minimax-i2v-01"},
                                 {"version", "0.0.1"},
                                 {"input", {{"prompt", "waves"}, {"first_frame_image", url}}}};
        const json::object made = read(ask(bench, "/v1/prediction", json::serialize(order)));
        bench.run(Millis{60'000});
        Headers headers;
        headers.add("Authorization", "Bearer smk_any");
        return read(bench.call("GET", "/v1/prediction/" + text(made, "predictionID"), "", headers))
            .at("output");
    };
    const std::string url = text(place, "public_url");
    CHECK(output_of(url).at("error_code") == "INPUT_DOWNLOAD_ERROR");
    CHECK(put(bench, place).status == 200);
    CHECK(output_of(url).is_string());
    bench.pass(Millis{3'600'000});
    CHECK(bench.call("GET", path_of(url)).status == 404);
    CHECK(output_of(url).at("error_code") == "INPUT_DOWNLOAD_ERROR");
}

TEST_CASE("the direct call answers with the result itself, as late as that is there") {
    Storing bench;
    const std::string body = R"({"prompt":"waves"})";
    const Answer answer = bench.call("POST", "/fal.run/fal-ai/minimax/video-01", body);
    CHECK(answer.status == 200);
    CHECK(answer.delay >= Millis{1'000});
    CHECK(read(answer).contains("video"));
    CHECK(answer.headers.find("x-fal-request-id") != nullptr);
    const json::object ledger = bench.service.ledger();
    CHECK(ledger.at("billed") == 1);
    CHECK(bench.call("GET", path_of(text(read(answer).at("video").as_object(), "url"))).status ==
          200);
    CHECK(bench.call("GET", "/fal.run/fal-ai/minimax/video-01").status == 405);
    const Answer bad = bench.call("POST", "/fal.run/fal-ai/minimax/video-01", "{}");
    CHECK(bad.status == 422);
    CHECK(type_of(read(bad)) == "missing");
}

TEST_CASE("more direct calls at once than the account may make are refused") {
    Storing bench;
    const std::string body = R"({"prompt":"waves"})";
    const auto call = [&] { return bench.call("POST", "/fal.run/fal-ai/minimax/video-01", body); };
    CHECK(call().status == 200);
    CHECK(call().status == 200);
    const Answer refused = call();
    CHECK(refused.status == 429);
    CHECK(text(read(refused), "error_type") == "concurrent_requests_limit");
    CHECK(*refused.headers.find("X-Fal-Needs-Retry") == "1");
    bench.pass(Millis{10'000});
    CHECK(call().status == 200);
    CHECK(bench.service.ledger().at("billed") == 3);
}

TEST_CASE("a client that names fal's host of direct calls reaches them") {
    Storing bench;
    Headers headers;
    headers.add("x-fal-target-url", "https://fal.run/fal-ai/minimax/video-01");
    headers.add("Authorization", "Key any:thing");
    const Answer answer = bench.call("POST", "/proxy", R"({"prompt":"waves"})", headers);
    CHECK(read(answer).contains("video"));
}
