// Local files on their way to the provider: once as long as their URL lives, never half, never
// without an account, and never in the way of jobs that need none.
#include "support/small_parts.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;
using namespace std::chrono_literals;

namespace {

const std::string picture = "\x89PNG not really, but long enough";

struct UploadRoom : Room {
    UploadRoom() {
        beside = runtime::Beside::loop;
        config.inputs.folders = {"/srv/shots"};
        disk.put("/srv/shots/a.png", picture);
    }
    void use_parts() {
        auto& setup = config.providers.at("fal");
        setup.provider = std::make_shared<SmallParts>(setup.provider, 0, 8);
    }
    // As intake makes it.
    Job job_with(const std::string& id, const std::string& path, json::object more = {}) {
        more["input"] = json::object{{"prompt", id}, {"image_url", path}};
        Job made = domain::first_row(request(id, model, std::move(more)), "fal", clock.now());
        domain::InputFile file;
        file.field = "input.image_url";
        file.path = path;
        const auto open = disk.open_below("/srv/shots", path);
        if (open) {
            const auto facts = (*open)->facts().value();
            file.bytes = facts.bytes;
            file.modified_ns = facts.modified_ns;
        }
        file.content_type = "image/png";
        made.files = {file};
        return made;
    }
    void add(std::vector<Job> jobs) {
        read([&](store::Tx& tx) {
            for (Job& job : jobs) {
                REQUIRE(tx.insert_job(job) == store::InsertOutcome::inserted);
                store::AuditEntry entry;
                entry.job = job.request.id;
                entry.at = clock.now();
                entry.event = "created";
                entry.to = job.state;
                entry.reason = job.reason;
                entry.patch = domain::to_audit(job);
                tx.append_event(std::move(entry));
            }
            return true;
        });
        REQUIRE(submit(std::vector<domain::JobRequest>{}));
    }
    void add(const std::string& id, const std::string& path = "/srv/shots/a.png") {
        add({job_with(id, path)});
    }
    bool until_is(const std::string& id, State wanted) {
        return until([&] { return is(id, wanted); }, 1h);
    }
    std::string submitted_body() const {
        std::string body;
        for (const HttpRequest& one : client.requests) {
            if (ScriptedProvider::kind_of(one) == "submit") body = one.body;
        }
        return body;
    }
    // Nowhere where people look.
    bool tells_secret(const std::string& id) {
        const auto has = [](const std::string& text) {
            return text.find("geheim") != std::string::npos;
        };
        for (const auto& entry : events(id)) {
            if (has(entry.note) || has(canonical_json(entry.patch))) return true;
        }
        for (const auto& one : read([&](store::Tx& tx) { return tx.evidence_of(JobId(id)); })) {
            if (has(one.head) || has(one.body)) return true;
        }
        const auto error = job(id).error;
        return error && has(error->message);
    }
    std::optional<store::StoredUpload> known() {
        return read([&](store::Tx& tx) {
            return tx.find_upload("fal", sha256_hex(picture), "image/png");
        });
    }
};

}  // namespace

TEST_CASE("a file is uploaded once, its URL is sent, and other jobs use it again") {
    UploadRoom room;
    room.start();
    room.add("first");
    REQUIRE(room.until_is("first", State::submitted));
    CHECK(room.client.count["put"] == 1);
    CHECK(room.job("first").files[0].url == "http://127.0.0.1:8470/stored/1");
    CHECK(room.job("first").files[0].sha256 == sha256_hex(picture));
    CHECK(room.attempt("first").input ==
          R"({"image_url":"http://127.0.0.1:8470/stored/1","prompt":"first"})");
    CHECK(parse_json(room.submitted_body()).value() == parse_json(room.attempt("first").input).value());
    CHECK_FALSE(room.tells_secret("first"));
    REQUIRE(room.known().has_value());
    CHECK(room.known()->ticket.empty());
    room.add("second");
    REQUIRE(room.until_is("second", State::submitted));
    CHECK(room.client.count["upload start"] == 1);
    CHECK(room.last_note("second", "input_uploaded").find("used again") != std::string::npos);
    Job fresh = room.job_with("fresh", "/srv/shots/a.png");
    fresh.files[0].fresh = true;
    room.add({fresh});
    REQUIRE(room.until_is("fresh", State::submitted));
    CHECK(room.client.count["upload start"] == 2);
    CHECK(room.failure.empty());
}

TEST_CASE("a file that is gone, another one or elsewhere ends its job before any submit") {
    UploadRoom room;
    room.start();
    std::string code;
    SUBCASE("gone") {
        Job job = room.job_with("a", "/srv/shots/a.png");
        REQUIRE(room.disk.remove("/srv/shots/a.png").has_value());
        room.add({job});
        code = "input_missing";
    }
    SUBCASE("changed before the upload") {
        Job job = room.job_with("a", "/srv/shots/a.png");
        room.disk.overwrite("/srv/shots/a.png", "something else");
        room.add({job});
        code = "input_changed";
    }
    SUBCASE("changed under the upload, its size and times kept") {
        room.disk.before_read = [&room, hashed = false](const std::string& path, std::uint64_t) mutable {
            if (std::exchange(hashed, true)) room.disk.overwrite(path, std::string(picture.size(), 'x'));
        };
        room.add("a");
        code = "input_changed";
    }
    SUBCASE("elsewhere") {
        room.disk.put("/etc/secret.png", picture);
        room.add("a", "/etc/secret.png");
        code = "input_refused";
    }
    REQUIRE(room.until_is("a", State::failed));
    CHECK(room.job("a").reason == Reason::invalid_input);
    CHECK(room.job("a").error->code == code);
    CHECK(room.client.count["submit"] == 0);
    CHECK(room.job("a").attempt == 0);
    CHECK_FALSE(room.known().has_value());
}

TEST_CASE("a large file goes on with the next part after trouble and after a restart") {
    UploadRoom room;
    room.use_parts();
    const auto usual = room.client.answer["put"];
    int broken_parts = 2;
    room.client.answer["put"] = [&](const HttpRequest& request) {
        const bool third = request.url.find("/3?") != std::string::npos;
        return third && broken_parts-- > 0 ? answered(503, "{}") : usual(request);
    };
    room.start();
    room.add("a");
    REQUIRE(room.until([&] { return room.job("a").reason == Reason::backoff; }, 1h));
    REQUIRE(room.known().has_value());
    CHECK(room.known()->etags.size() == 2);
    room.end();
    room.start();
    REQUIRE(room.until_is("a", State::submitted));
    const int parts = static_cast<int>((picture.size() + 7) / 8);
    CHECK(room.client.count["put"] == parts + 2);
    CHECK(room.client.count["upload start"] == 1);
    CHECK(room.client.count["upload end"] == 1);
    CHECK(room.known()->ticket.empty());
    CHECK_FALSE(room.tells_secret("a"));
    for (const HttpRequest& one : room.client.requests) {
        if (ScriptedProvider::kind_of(one) != "put") continue;
        CHECK(one.headers.find("Authorization") == nullptr);
    }
}

TEST_CASE("a place that is no use any more is asked for anew") {
    UploadRoom room;
    room.use_parts();
    const auto usual = room.client.answer["put"];
    bool dead = true;
    room.client.answer["put"] = [&](const HttpRequest& request) {
        const bool second = request.url.find("/2?") != std::string::npos;
        return second && std::exchange(dead, dead && !second) ? answered(403, "{}") : usual(request);
    };
    room.start();
    room.add("a");
    REQUIRE(room.until_is("a", State::submitted));
    CHECK(room.client.count["upload start"] == 2);
    CHECK(room.job("a").files[0].url == "http://127.0.0.1:8470/stored/2");
}

TEST_CASE("a refused account stops uploads as it stops submits, and one job tries it again") {
    UploadRoom room;
    const auto usual = room.client.answer["upload start"];
    room.client.answer["upload start"] = [](const HttpRequest&) {
        return answered(401, R"({"detail":"no such key"})");
    };
    room.start();
    room.add("a");
    room.add({room.job_with("b", "/srv/shots/a.png")});
    REQUIRE(room.until_is("a", State::held));
    CHECK(room.job("a").reason == Reason::credentials);
    REQUIRE(room.until_is("b", State::held));
    const int asked = room.client.count["upload start"];
    room.pass(10s);
    CHECK(room.client.count["upload start"] <= asked + 1);
    CHECK(room.client.count["submit"] == 0);
    room.client.answer["upload start"] = usual;
    REQUIRE(room.until_is("a", State::submitted));
    REQUIRE(room.until_is("b", State::submitted));
    CHECK(room.read([](store::Tx& tx) { return tx.provider_state("fal"); }).paused == Reason::none);
}

TEST_CASE("an account that refuses uploads is tried ever more rarely") {
    UploadRoom room;
    room.client.answer["upload start"] = [](const HttpRequest&) {
        return answered(401, R"({"detail":"no such key"})");
    };
    room.client.answer["key check"] = room.client.answer["upload start"];
    room.start();
    room.add({room.job_with("a", "/srv/shots/a.png"), room.job_with("b", "/srv/shots/a.png")});
    REQUIRE(room.until_is("a", State::held));
    room.pass(3h);
    // After 1, 2, 4, 8, 16 and then every 30 minutes.
    CHECK(room.client.count["upload start"] > 5);
    CHECK(room.client.count["upload start"] < 15);
    CHECK(room.client.count["submit"] == 0);
}

TEST_CASE("a probe whose upload succeeds, or whose file is gone, is followed by the next at once") {
    UploadRoom room;
    const auto usual = room.client.answer["submit"];
    room.client.answer["submit"] = [](const HttpRequest&) {
        return answered(403, R"({"detail":"User is locked. Reason: Exhausted balance."})");
    };
    room.start();
    REQUIRE(room.submit("plain"));
    REQUIRE(room.until_is("plain", State::held));
    REQUIRE(room.job("plain").reason == Reason::account);
    REQUIRE(room.act("plain", engine::Action::cancel));
    room.disk.put("/srv/shots/b.png", picture + "b");
    room.add({room.job_with("b", "/srv/shots/b.png")});
    room.add("c");
    REQUIRE(room.disk.remove("/srv/shots/b.png").has_value());
    room.client.answer["submit"] = usual;
    room.pass(62s);
    CHECK(room.is("b", State::failed));
    CHECK(room.is("c", State::submitted));
}

TEST_CASE("a key that works says nothing of the wait that the provider asked for") {
    UploadRoom room;
    room.client.answer["upload start"] = [](const HttpRequest&) {
        return answered(401, R"({"detail":"no such key"})");
    };
    room.client.answer["submit"] = [](const HttpRequest&) {
        Exchange exchange = answered(429, R"({"detail":"slow down"})");
        exchange.response.headers.add("Retry-After", "600");
        return exchange;
    };
    room.client.delay["key check"] = 5s;
    room.start();
    room.add({room.job_with("a", "/srv/shots/a.png")});
    REQUIRE(room.submit("plain"));
    REQUIRE(room.until([&] { return room.client.count["submit"] == 1; }));
    REQUIRE(room.until_is("a", State::held));
    REQUIRE(room.until([&] { return room.engine().status().providers.at(0).key == "accepted"; }));
    room.pass(5min);
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("jobs of one moment share the upload of their file") {
    UploadRoom room;
    room.client.delay["put"] = 20s;
    room.start();
    room.add({room.job_with("a", "/srv/shots/a.png"), room.job_with("b", "/srv/shots/a.png")});
    REQUIRE(room.until_is("a", State::submitted));
    REQUIRE(room.until_is("b", State::submitted));
    CHECK(room.client.count["put"] == 1);
}

TEST_CASE("uploads are few at once, and nobody who needs none waits for them") {
    UploadRoom room;
    room.config.inputs.upload_concurrency = 2;
    room.limits().concurrency = 10;
    room.client.delay["put"] = 30s;
    room.start();
    std::vector<Job> jobs;
    for (int i = 0; i < 5; ++i) {
        const std::string path = fmt::format("/srv/shots/{}.png", i);
        room.disk.put(path, fmt::format("picture {}", i));
        jobs.push_back(room.job_with(fmt::format("j-{}", i), path, {{"priority", 9}}));
    }
    room.add(jobs);
    REQUIRE(room.submit("plain"));
    const int before = room.wakeups;
    room.pass(10s);
    CHECK(room.wakeups - before < 200);
    CHECK(room.is("plain", State::submitted));
    CHECK(room.read([](store::Tx& tx) { return tx.count_uploading("fal"); }) == 2);
    CHECK(room.count(State::queued) == 3);
    CHECK(room.job("j-0").attempt == 0);
    REQUIRE(room.until([&] { return room.client.count["submit"] == 6; }, 1h));
}

TEST_CASE("an upload that its process did not end is begun again, its job pays once") {
    UploadRoom room;
    room.client.delay["put"] = 60s;
    room.start();
    room.add("a");
    REQUIRE(room.until([&] { return room.client.count["put"] == 1; }, 1h));
    CHECK(domain::is_uploading(room.job("a")));
    room.end();
    room.client.delay.clear();
    room.start();
    REQUIRE(room.until_is("a", State::submitted));
    CHECK(room.client.count["put"] == 2);
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("cancel, hold and the deadline need not wait for an upload") {
    UploadRoom room;
    room.client.delay["put"] = 10min;
    room.start();
    room.add({room.job_with("a", "/srv/shots/a.png"), room.job_with("b", "/srv/shots/a.png")});
    room.add({room.job_with("late", "/srv/shots/a.png",
                            {{"deadline", to_rfc3339(room.clock.now() + 2min)}})});
    room.pass(1s);
    REQUIRE(room.act("a", engine::Action::cancel));
    CHECK(room.is("a", State::cancelled));
    CHECK(room.job("a").reason == Reason::before_submit);
    REQUIRE(room.act("b", engine::Action::hold));
    CHECK(room.is("b", State::held));
    room.pass(3min);
    CHECK(room.is("late", State::failed));
    CHECK(room.job("late").reason == Reason::deadline);
    room.pass(10min);
    CHECK(room.client.count["submit"] == 0);
    // What has arrived all the same is of use.
    REQUIRE(room.act("b", engine::Action::release));
    REQUIRE(room.until_is("b", State::submitted));
    CHECK(room.client.count["put"] == 1);
}

TEST_CASE("a URL that has no life left is not submitted") {
    UploadRoom room;
    room.limits().concurrency = 0;
    room.start();
    room.add("a");
    REQUIRE(room.until([&] { return !room.job("a").files[0].url.empty(); }, 1h));
    CHECK(room.is("a", State::queued));
    const std::string first = room.job("a").files[0].url;
    const domain::InputFile file = room.job("a").files[0];
    const Instant last = domain::last_use(file.uploaded_at, file.expires_at).value();
    room.pass(last - room.clock.now() - 5min);
    CHECK(room.job("a").files[0].url == first);
    room.pass(10min);
    CHECK(room.job("a").files[0].url != first);
    CHECK(room.client.count["upload start"] == 2);
}

TEST_CASE("a small file goes within the input where its model takes that") {
    UploadRoom room;
    room.start();
    Job job = room.job_with("a", "/srv/shots/a.png");
    job.files[0].as_data_uri = true;
    room.add({job});
    REQUIRE(room.until_is("a", State::submitted));
    CHECK(room.client.count["upload start"] == 0);
    const std::string uri = "data:image/png;base64," + to_base64(picture);
    CHECK(parse_json(room.attempt("a").input).value().at("image_url").as_string() == uri);
    for (const auto& entry : room.events("a")) {
        CHECK(canonical_json(entry.patch).find(to_base64(picture)) == std::string::npos);
    }
    CHECK(room.job("a").files[0].url == uri);
}

TEST_CASE("a place for a file is reached by https, or on a host that the user named") {
    UploadRoom room;
    room.client.answer["upload start"] = [](const HttpRequest&) {
        return answered(200, R"({"file_url":"https://files.test/a",)"
                             R"("upload_url":"http://10.0.0.1/put/a?sig=geheim"})");
    };
    room.start();
    room.add("a");
    REQUIRE(room.until_is("a", State::failed));
    CHECK(room.job("a").error->code == "upload_refused");
    CHECK(room.client.count["put"] == 0);
    CHECK_FALSE(room.tells_secret("a"));
}
