#include "bench.hpp"

#include <algorithm>

#include "base/encoding.hpp"

using namespace reeld;
using namespace reeld::sandbox;

namespace {

Options stormy(std::uint64_t seed) {
    Options options;
    options.seed = seed;
    for (std::size_t i = 0; i < fault_count; ++i) {
        options.faults[static_cast<Fault>(i)] = 0.15;
    }
    return options;
}

std::string show(const Answer& answer) {
    std::string out = answer.drop ? "dropped" : std::to_string(answer.status);
    for (const Header& header : answer.headers.all()) {
        out += " " + header.name + ": " + header.value;
    }
    return out + " " + std::to_string(answer.delay.count()) + " " +
           std::to_string(answer.cut_after.value_or(0)) + "\n" + answer.body + "\n";
}

// A night in which everything that can be asked is asked.
std::string transcript(std::uint64_t seed) {
    Bench bench(stormy(seed));
    std::string out;
    for (int i = 0; i < 40; ++i) {
        out += show(bench.submit("job " + std::to_string(i), hook));
        for (const WebhookDelivery& delivery : bench.run(Millis{700})) {
            out += delivery.body + *delivery.headers.find("x-fal-webhook-signature") + "\n";
        }
        const json::object ledger = bench.service.ledger();
        for (const json::value& job : ledger.at("accepted").as_array()) {
            const std::string id = text(job.as_object(), "request_id");
            out += show(bench.call("GET", "/fal-ai/minimax/requests/" + id + "/status?logs=1"));
            out += show(bench.call("GET", "/files/b/" + id + "/output.mp4"));
        }
    }
    return out + json::serialize(bench.service.ledger());
}

}  // namespace

TEST_CASE("the same seed gives the same transcript, another seed another") {
    const std::string first = transcript(7);
    CHECK((first == transcript(7)));
    CHECK((first != transcript(8)));
}

TEST_CASE("unrelated requests in between change no draw of a job") {
    Options options = stormy(3);
    Bench quiet(options);
    Bench busy(options);
    for (int i = 0; i < 30; ++i) {
        for (int noise = 0; noise < i % 4; ++noise) {
            busy.call("GET", "/v1/models/pricing?endpoint_id=a/b");
            busy.call("GET", "/fal-ai/minimax/requests/nobody/status");
            busy.call("POST", "/storage/upload/initiate", R"({"file_name":"a"})");
        }
        const std::string prompt = "job " + std::to_string(i);
        CHECK(show(quiet.submit(prompt)) == show(busy.submit(prompt)));
    }
    quiet.run(Millis{600'000});
    busy.run(Millis{600'000});
    CHECK(json::serialize(quiet.service.ledger().at("accepted")) ==
          json::serialize(busy.service.ledger().at("accepted")));
}

TEST_CASE("the ledger lists every accepted POST exactly once and counts them all") {
    Bench bench(stormy(11));
    std::set<std::string> known;
    for (int i = 0; i < 500; ++i) {
        const Answer answer = bench.submit("job " + std::to_string(i), hook);
        if (answer.drop || answer.status != 200 || answer.cut_after) continue;
        const auto body = parse_json(answer.body);
        const auto id = body ? find_string(body->get_object(), "request_id") : std::nullopt;
        if (id) CHECK(known.insert(*id).second);
    }
    const json::object ledger = bench.service.ledger();
    CHECK(ledger.at("posts").to_number<int>() == 500);
    std::set<std::string> ids;
    std::set<std::int64_t> posts;
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        CHECK(ids.insert(text(entry.as_object(), "request_id")).second);
        CHECK(posts.insert(*find_int(entry.as_object(), "post")).second);
        CHECK(text(entry.as_object(), "webhook") == "http://127.0.0.1:9/hooks/fal/abc");
    }
    CHECK(std::includes(ids.begin(), ids.end(), known.begin(), known.end()));
    const json::object& fired = ledger.at("faults").as_object();
    for (const char* name : {"lost_request", "lost_answer", "submit_429"}) {
        CHECK(find_int(fired, name).value_or(0) > 10);
    }
    const Answer over_http = bench.call("GET", "/_sandbox/ledger");
    CHECK(find_int(read(over_http), "posts") == 500);
}

TEST_CASE("control changes settings at run time and names what it does not know") {
    Bench bench;
    const Answer answer = bench.control(R"({"faults":{"lost_request":1},"history_delay_ms":5})");
    CHECK(answer.status == 200);
    CHECK(bench.submit("x").drop);
    CHECK(bench.control(R"({"faults":{"lost_request":0}})").status == 200);
    CHECK_FALSE(bench.submit("x").drop);
    const Answer wrong = bench.control(R"({"colour":"red"})");
    CHECK(wrong.status == 400);
    CHECK(text(read(wrong), "detail").find("colour") != std::string::npos);
    CHECK(bench.call("GET", "/_sandbox/health").status == 200);
}

TEST_CASE("ranges, conditions and heads of a file") {
    Bench bench;
    const std::string id = text(read(bench.submit("x")), "request_id");
    const std::string url = "/files/b/" + id + "/output.mp4";
    CHECK(bench.call("GET", url).status == 404);
    bench.run(Millis{10'000});
    const Answer whole = bench.call("GET", url);
    CHECK(whole.status == 200);
    const std::string tag = *whole.headers.find("etag");
    const std::string size = std::to_string(whole.body.size());
    const auto ask = [&](const std::string& range, const std::string& condition = {}) {
        Headers headers;
        headers.add("Range", range);
        if (!condition.empty()) headers.add("If-Range", condition);
        return bench.call("GET", url, {}, headers);
    };
    const Answer part = ask("bytes=100-199", tag);
    CHECK(part.status == 206);
    CHECK(part.body == whole.body.substr(100, 100));
    CHECK(*part.headers.find("content-range") == "bytes 100-199/" + size);
    CHECK(ask("bytes=5000-").body == whole.body.substr(5000));
    CHECK(ask("bytes=-10").body == whole.body.substr(whole.body.size() - 10));
    CHECK(ask("bytes=0-99999999").body == whole.body);
    CHECK(ask("bytes=100-199", "\"stale\"").status == 200);
    CHECK(ask("bytes=99999999-").status == 416);
    CHECK(*ask("bytes=99999999-").headers.find("content-range") == "bytes */" + size);
    for (const char* odd : {"bytes=5-1", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=-"}) {
        CHECK_MESSAGE(ask(odd).status == 200, odd);
    }
    const Answer head = bench.call("HEAD", url);
    CHECK(head.head_only);
    CHECK(head.body.size() == whole.body.size());
    CHECK(to_exchange(head).response.body.empty());
}

TEST_CASE("uploads: in one piece, in parts, and the python way") {
    Bench bench;
    const std::string wish = R"({"content_type":"image/png","file_name":"a b.png"})";
    const json::object place =
        read(bench.call("POST", "/storage/upload/initiate?storage_type=fal-cdn-v3", wish));
    CHECK(bench.call("GET", path_of(text(place, "file_url"))).status == 404);
    CHECK(bench.call("PUT", path_of(text(place, "upload_url")), "pixels").status == 200);
    const Answer file = bench.call("GET", path_of(text(place, "file_url")));
    CHECK(file.body == "pixels");
    CHECK(*file.headers.find("content-type") == "image/png");

    const json::object big = read(bench.call("POST", "/storage/upload/initiate-multipart", wish));
    std::string upload = path_of(text(big, "upload_url"));
    const std::string query = upload.substr(upload.find('?'));
    upload.resize(upload.find('?'));
    CHECK(bench.call("PUT", upload + "/2" + query, "two").status == 400);
    const json::object first = read(bench.call("PUT", upload + "/1" + query, "one"));
    const json::object second = read(bench.call("PUT", upload + "/2" + query, "two"));
    CHECK(find_int(second, "partNumber") == 2);
    const auto complete = [&](const std::string& last) {
        const json::array parts{json::object{{"partNumber", 1}, {"etag", text(first, "etag")}},
                                json::object{{"partNumber", 2}, {"etag", last}}};
        return bench
            .call("POST", upload + "/complete" + query,
                  json::serialize(json::object{{"parts", parts}}))
            .status;
    };
    CHECK(bench.call("POST", upload + "/complete" + query, R"({"parts":[]})").status == 400);
    CHECK(complete("another") == 400);
    CHECK(bench.call("GET", path_of(text(big, "file_url"))).status == 404);
    CHECK(complete(text(second, "etag")) == 200);
    // Its answer may have been lost: the same list once more is well, another one is not.
    CHECK(complete(text(second, "etag")) == 200);
    CHECK(complete("another") == 400);
    CHECK(bench.call("GET", path_of(text(big, "file_url"))).body == "onetwo");

    const json::object token = read(bench.call("POST", "/storage/auth/token", "{}"));
    CHECK(text(token, "token_type") == "Bearer");
    CHECK(text(token, "base_url") == "http://127.0.0.1:8470");
    Headers headers;
    headers.add("Authorization", "Bearer " + text(token, "token"));
    headers.add("Content-Type", "text/plain");
    headers.add("X-Fal-File-Name", "note.txt");
    const json::object note = read(bench.call("POST", "/files/upload", "hello", headers));
    CHECK(bench.call("GET", path_of(text(note, "access_url"))).body == "hello");
    const json::object parts = read(bench.call("POST", "/files/upload/multipart", "", headers));
    const std::string base =
        path_of(text(parts, "access_url")) + "/multipart/" + text(parts, "uploadId");
    // That client sends its parts side by side, so in any order.
    const std::string lo = *bench.call("PUT", base + "/2", "lo").headers.find("etag");
    const std::string hel = *bench.call("PUT", base + "/1", "hel").headers.find("etag");
    const json::array list{json::object{{"partNumber", 1}, {"etag", hel}},
                           json::object{{"partNumber", 2}, {"etag", lo}}};
    CHECK(bench.call("POST", base + "/complete", json::serialize(json::object{{"parts", list}}))
              .status == 200);
    CHECK(bench.call("GET", path_of(text(parts, "access_url"))).body == "hello");
}

TEST_CASE("the history shows requests late, by page, inside the window, with payloads on demand") {
    Bench bench;
    const std::string list = "/v1/models/requests/by-endpoint?endpoint_id=fal-ai/minimax/video-01";
    for (int i = 0; i < 5; ++i) {
        bench.submit("job " + std::to_string(i));
    }
    bench.submit("other", "", "fal-ai/minimax/hailuo-02/pro/text-to-video");
    CHECK(find_array(read(bench.call("GET", list)), "items")->empty());
    bench.run(Millis{60'000});
    const json::object page = read(bench.call("GET", list + "&limit=3&expand=payloads"));
    CHECK(find_array(page, "items")->size() == 3);
    CHECK(find_bool(page, "has_more") == true);
    const json::object rest =
        read(bench.call("GET", list + "&limit=3&cursor=" + text(page, "next_cursor")));
    CHECK(find_array(rest, "items")->size() == 2);
    CHECK(find(rest, "next_cursor")->is_null());
    const json::object item = find_array(page, "items")->at(0).as_object();
    CHECK(find_object(item, "json_input") != nullptr);
    CHECK(find_object(item, "json_output") != nullptr);
    CHECK(find_int(item, "status_code") == 200);
    CHECK(parse_rfc3339(text(item, "sent_at")).has_value());
    CHECK(find_object(find_array(rest, "items")->at(0).as_object(), "json_input") == nullptr);
    const std::string later = to_rfc3339(bench.now);
    CHECK(find_array(read(bench.call("GET", list + "&start=" + percent_encode(later))), "items")
              ->empty());
    CHECK(bench.call("GET", "/v1/models/requests/by-endpoint").status == 400);
    CHECK(bench.call("GET", list + "&limit=0").status == 400);
    CHECK(bench.call("GET", list + "&start=yesterday").status == 400);
}

TEST_CASE("the history hides unfinished requests when told to, and payloads that were not stored") {
    Options options;
    options.concurrency = 0;
    Bench bench(options);
    Headers headers;
    headers.add("X-Fal-Store-IO", "0");
    bench.call("POST", "/a/b", R"({"prompt":"x"})", headers);
    bench.run(Millis{10'000});
    const std::string list = "/v1/models/requests/by-endpoint?endpoint_id=a/b&expand=payloads";
    const json::object shown = read(bench.call("GET", list));
    REQUIRE(find_array(shown, "items")->size() == 1);
    CHECK(find(find_array(shown, "items")->at(0).as_object(), "json_input") == nullptr);
    bench.control(R"({"hide_unfinished":true})");
    CHECK(find_array(read(bench.call("GET", list)), "items")->empty());
}

TEST_CASE("prices, addresses and preflights") {
    Bench bench;
    const json::object prices = read(bench.call("GET", "/v1/models/pricing?endpoint_id=a/b,c/d"));
    CHECK(find_array(prices, "prices")->size() == 2);
    CHECK(find_array(read(bench.call("GET", "/v1/meta")), "webhook_ip_ranges")->size() == 2);
    CHECK(bench.call("OPTIONS", "/fal-ai/minimax/video-01").status == 204);
}

TEST_CASE("malformed targets are refused") {
    Bench bench;
    CHECK(bench.call("GET", "nonsense").status == 400);
    CHECK(bench.call("GET", "/files/b/%zz/output.mp4").status == 400);
    CHECK(bench.call("GET", "/").status == 404);
}
