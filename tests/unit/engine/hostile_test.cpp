// Jobs, answers and deliveries whose texts are meant to break out of their place.
#include "unit/engine/fixture.hpp"

#include <algorithm>

using namespace reeld;
using namespace reeld::test;

namespace {

const std::vector<std::string> texts{
    "'; DROP TABLE jobs; --",
    "\" OR 1=1 --",
    "x'); DELETE FROM events; --",
    "%' OR '%'='",
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\windows",
    "CON",
    "~root",
    "$(reboot)`reboot`",
    "\xE2\x80\xAE" "gpj.exe",               // right to left
    "\xEF\xBC\x8E\xEF\xBC\x8E\xEF\xBC\x8F",  // full-width dots and slash
    "{id}/{batch}",
    "<script>alert(1)</script>",
    std::string(120, 'x'),
};

bool is_below(const std::string& path) {
    const auto whole = std::filesystem::path(path).lexically_normal();
    return whole == path && path.starts_with("/outputs/") && whole.string().size() < 4096;
}

int rows(const Room& room, const std::string& table) {
    return std::stoi(Foreign(room.database(), false).ask("SELECT count(*) FROM " + table));
}

// Every request that carried the key went to the provider.
bool key_stayed_home(const Room& room) {
    return std::all_of(room.client.requests.begin(), room.client.requests.end(),
                       [](const HttpRequest& request) {
                           return request.headers.find("Authorization") == nullptr ||
                                  request.url.starts_with("http://127.0.0.1:8470/");
                       });
}

}  // namespace

TEST_CASE("hostile texts in every field of a job stay texts") {
    Room room;
    room.start();
    int made = 0;
    for (const std::string& text : texts) {
        CAPTURE(text);
        const std::string id = fmt::format("hostile-{}", made++);
        json::object more{{"input", json::object{{"prompt", text}, {text, text}}},
                          {"batch", text},
                          {"labels", json::object{{"k", text + "\r\n\x1B[2J"}}},
                          {"output", "{batch}/{label.k}/{id}.{ext}"}};
        REQUIRE(room.submit(id, std::move(more)));
        REQUIRE(room.until([&] { return room.is(id, State::submitted); }));
        Delivered done;
        done.request_id = room.attempt(id).remote->request_id.str();
        CHECK(room.deliver(id, done) == 200);
        REQUIRE(room.until([&] { return room.is(id, State::completed); }));
        const Job job = room.job(id);
        CHECK(job.request.batch == text);
        CHECK(find_string(parse_json(job.request.input)->get_object(), text) == text);
        CHECK(job.request.labels.at("k") == text + "\r\n\x1B[2J");
        CHECK(is_below(job.outputs.at(0).path));
        store::JobFilter filter;
        filter.batch = text;
        filter.labels["k"] = text + "\r\n\x1B[2J";
        CHECK(room.read([&](store::Tx& tx) { return tx.list_jobs(filter); }).size() == 1);
        CHECK(room.read([&](store::Tx& tx) { return tx.find_ids(text, 5); }).empty());
    }
    CHECK(rows(room, "jobs") == made);
    CHECK(room.failure.empty());
    for (const auto& [path, bytes] : room.disk.files()) CHECK(is_below(path));
}

TEST_CASE("hostile texts in an inbox row become a job or a reason, and hurt no other row") {
    Room room;
    room.start();
    int dropped = 0;
    for (const std::string& text : texts) {
        CAPTURE(text);
        REQUIRE(drop_row(room.inbox(), text, text, text));
        REQUIRE(drop_row(room.inbox(), fmt::format("good-{}", dropped++), model,
                         canonical_json(json::object{{"prompt", text}})));
    }
    room.engine().inbox_changed();
    REQUIRE(room.until([&] { return rows(room, "jobs") == dropped; }, Millis{60'000}));
    Foreign inbox(room.inbox(), false);
    // "CON" alone is an id; it has no model and no input either.
    CHECK(inbox.ask("SELECT count(*) FROM jobs WHERE error LIKE '%id:%' AND error LIKE '%model:%'"
                    " AND error LIKE '%input:%'") == std::to_string(texts.size() - 1));
    CHECK(inbox.ask("SELECT count(*) FROM jobs WHERE error IS NULL") == "0");
    CHECK(room.failure.empty());
}

TEST_CASE("URLs that point elsewhere get neither the key nor a request") {
    for (const std::string evil :
         {"https://evil.example/steal", "http://127.0.0.1:8471/x", "http://127.0.0.1:8470@evil/x",
          "http://evil@127.0.0.1:8470/x", "https://127.0.0.1:8470/x", "//evil.example/x",
          "http://127.0.0.1:8470.evil.example/x", "http://127.0.0.1:84700/x", "file:///etc/passwd"}) {
        CAPTURE(evil);
        Room room;
        room.client.answer["submit"] = [&](const HttpRequest&) {
            return answered(200, fmt::format(R"({{"request_id":"r-1","status_url":"{0}/status",
                "response_url":"{0}","cancel_url":"{0}/cancel"}})", evil));
        };
        room.start();
        REQUIRE(room.submit("a"));
        REQUIRE(room.until([&] { return room.client.count["status"] > 1; }));
        room.client.answer["status"] = [](const HttpRequest&) {
            return answered(200, R"({"status":"COMPLETED"})");
        };
        REQUIRE(room.until([&] { return room.is("a", State::completed); }));
        REQUIRE(room.submit("b"));
        REQUIRE(room.until([&] { return room.is("b", State::submitted) || room.is("b", State::completed); }));
        room.act("b", engine::Action::cancel);
        room.pass(Millis{1'000});
        CHECK(key_stayed_home(room));
    }
}

TEST_CASE("a file's suggested name and its type do not decide where it goes") {
    for (const std::string name : {"../../../etc/cron.d/x", "/etc/passwd", "a\\u0000b", "x\\r\\ny", ".."}) {
        CAPTURE(name);
        Room room;
        room.client.answer["result"] = [&](const HttpRequest&) {
            return answered(200, fmt::format(
                R"({{"video":{{"url":"http://127.0.0.1:8470/files/..%2F..%2Fx.mp4?f=/../../y.sh",
                "file_name":"{0}","content_type":"{0}"}}}})", name));
        };
        room.client.answer["status"] = [](const HttpRequest&) {
            return answered(200, R"({"status":"COMPLETED"})");
        };
        room.client.answer["file"] = [](const HttpRequest&) {
            Exchange exchange = answered(200, ScriptedProvider::video());
            exchange.response.headers.add("Content-Disposition",
                                          "attachment; filename=\"../../../etc/cron.d/x\"");
            return exchange;
        };
        room.start();
        REQUIRE(room.submit("a"));
        REQUIRE(room.until([&] { return room.is("a", State::completed); }));
        CHECK(room.job("a").outputs.at(0).path == "/outputs/a.mp4");
    }
}

TEST_CASE("a result that leads into the private network fails the job and is not asked for") {
    for (const std::string url :
         {"http://169.254.169.254/latest/files/", "http://localhost:22/files/x", "https://10.0.0.1/files/x",
          "http://[::1]:8470/files/x", "http://[::ffff:127.0.0.1]:8470/files/x", "http://2130706433:8470/files/x",
          "http://127.0.0.1:8471/files/x", "http://fal.media@127.0.0.1:8470/files/x"}) {
        CAPTURE(url);
        Room room;
        room.client.answer["status"] = [](const HttpRequest&) {
            return answered(200, R"({"status":"COMPLETED"})");
        };
        room.client.answer["result"] = [&](const HttpRequest&) {
            return answered(200, fmt::format(R"({{"video":{{"url":"{}"}}}})", url));
        };
        room.start();
        REQUIRE(room.submit("a"));
        REQUIRE(room.until([&] { return room.is("a", State::failed); }));
        CHECK(room.client.count["file"] == 0);
        CHECK(room.disk.files().empty());
    }
}

TEST_CASE("a token cannot be guessed near, and a delivery cannot be played again for another job") {
    Room room;
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.submit("b"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted) && room.is("b", State::submitted); }));
    const std::string token = room.attempt("a").token.str();
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string near = token;
        near[i] = near[i] == '0' ? '1' : '0';
        CHECK(room.deliver(Token(near)) == 404);
    }
    for (const std::string& odd : {token + "0", token.substr(1), "%" + token.substr(1), token + "/",
                                  std::string("' OR 1=1"), std::string(32, '%'),
                                  std::string(32, '_')}) {
        CAPTURE(odd);
        CHECK(room.deliver(Token(odd)) == 404);
    }
    Delivered of_a;
    of_a.request_id = room.attempt("a").remote->request_id.str();
    const State before = room.state("b");
    room.deliver(room.attempt("b").token, of_a);  // signed by fal, for the other job
    CHECK(room.state("b") == before);
    CHECK(room.count_events("b", "webhook_mismatch") == 1);
    of_a.seed = std::string(32, 'e');
    room.deliver("a", of_a);  // a wrong key
    room.pass(std::chrono::minutes{2});
    CHECK(room.count_events("a", "webhook_refused") == 1);
}
