#include "base/log.hpp"
#include "engine/part_file.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

void finish_at_provider(Room& room, int files = 1) {
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    room.client.answer["result"] = [files](const HttpRequest&) {
        return answered(200, ScriptedProvider::result_body(files));
    };
}

void put(Room& room, const std::string& path, const std::string& content) {
    const auto file = room.disk.open_append(path);
    REQUIRE((*file)->append(content).has_value());
}

// Of "a", into x.mp4; the file's bytes come five seconds after they are asked for.
void begin_slow_fetch(Room& room) {
    finish_at_provider(room);
    room.client.delay["file"] = Millis{5'000};
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    REQUIRE(room.until([&] { return room.client.count["file"] == 1; }));
}

}  // namespace

TEST_CASE("two outputs are two files") {
    Room room;
    finish_at_provider(room, 2);
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    const Job job = room.job("a");
    REQUIRE(job.outputs.size() == 2);
    CHECK(job.outputs[0].path != job.outputs[1].path);
    for (const auto& output : job.outputs) {
        CHECK(room.disk.at(output.path) == ScriptedProvider::video());
    }
}

TEST_CASE("a stranger's file under the name is left alone") {
    Room room;
    finish_at_provider(room);
    put(room, "/outputs/x.mp4", "mine");
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.disk.at("/outputs/x.mp4") == "mine");
    CHECK(room.job("a").outputs[0].path == "/outputs/x-2.mp4");
}

TEST_CASE("a stranger's file that comes after the plan makes it plan anew") {
    Room room;
    begin_slow_fetch(room);
    put(room, "/outputs/x.mp4", "mine");
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.disk.at("/outputs/x.mp4") == "mine");
    CHECK(room.job("a").outputs[0].path == "/outputs/x-2.mp4");
}

TEST_CASE("two jobs of one name never share a file") {
    Room room;
    finish_at_provider(room);
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    REQUIRE(room.submit("b", {{"output", "x.mp4"}}));
    REQUIRE(room.until([&] { return room.count(State::completed) == 2; }));
    CHECK(room.job("a").outputs[0].path != room.job("b").outputs[0].path);
}

TEST_CASE("a cancel between two outputs ends the fetching") {
    Room room;
    finish_at_provider(room, 3);
    room.client.delay["file"] = Millis{5'000};
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.client.count["file"] == 2; }));
    CHECK(room.act("a", engine::Action::cancel));
    room.pass(std::chrono::minutes{10});
    CHECK(room.is("a", State::cancelled));
    CHECK(room.client.count["file"] == 2);
    for (const auto& [path, content] : room.disk.files()) {
        CHECK(path.find(".part") == std::string::npos);
    }
}

TEST_CASE("a name that was lost with its commit is given to one job only, and nobody stalls") {
    Room room;
    finish_at_provider(room);
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    REQUIRE(room.until([&] { return room.client.count["result"] == 1; }));
    {
        Foreign blocker(room.database());
        blocker.exec("BEGIN IMMEDIATE");
        room.pass(Millis{1'000});
        blocker.exec("ROLLBACK");
    }
    REQUIRE(room.submit("b", {{"output", "x.mp4"}}));
    CHECK(room.until([&] { return room.count(State::completed) == 2; }, std::chrono::hours{1}));
}

TEST_CASE("outputs that cannot be written are told once when that begins and once when it ends") {
    std::vector<std::string> told;
    log::set_sink([&](const log::Record& record) {
        if (record.component == "outputs") told.push_back(record.message);
    });
    struct Silence {
        ~Silence() { log::set_sink({}); }
    } const silence;
    Room room;
    room.start();
    room.pass(std::chrono::minutes{3});
    CHECK(told.empty());
    room.disk.fail(SimulatedDisk::Op::append, 1, ErrorCode::disk_full, 2);
    room.pass(std::chrono::minutes{2});
    CHECK(told.size() == 1);
    CHECK_FALSE(room.engine().status().outputs_trouble.empty());
    room.pass(std::chrono::minutes{5});
    REQUIRE(told.size() == 2);
    CHECK(told[0].find("cannot be written") != std::string::npos);
    CHECK(told[1].find("again") != std::string::npos);
    CHECK(room.engine().status().outputs_trouble.empty());
}

TEST_CASE("no more downloads run than the configuration allows, in the order of asking") {
    Room room;
    finish_at_provider(room);
    room.limits().concurrency = 10;
    room.config.downloads.concurrency = 2;
    room.client.delay["file"] = Millis{5'000};
    int most = 0;
    room.start();
    room.submit_many("j", 6);
    REQUIRE(room.until([&] {
        most = std::max(most, static_cast<int>(room.engine().status().downloads_active));
        return room.count(State::completed) == 6;
    }));
    CHECK(most == 2);
}

TEST_CASE("the sweep at the start removes only parts without an owner") {
    Room room;
    finish_at_provider(room);
    room.client.answer["file"] = [](const HttpRequest&) {
        return broken(Delivery::not_sent, ErrorCode::unreachable);
    };
    room.policy().retry_base = room.policy().retry_max = std::chrono::hours{1};
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    REQUIRE(room.until([&] { return room.client.count["file"] == 1; }));
    room.pass(Millis{100});
    const std::string owned = engine::part_path("/outputs/x.mp4", JobId("a"));
    const std::string ownerless = engine::part_path("/outputs/x.mp4", JobId("gone"));
    room.end();
    put(room, owned, "half");
    put(room, ownerless, "half");
    room.start();
    CHECK(room.disk.exists(owned));
    CHECK_FALSE(room.disk.exists(ownerless));
}

TEST_CASE("a start that cannot read the owners of parts removes none") {
    Room room;
    const std::string ownerless = engine::part_path("/outputs/x.mp4", JobId("gone"));
    room.open();
    put(room, ownerless, "half");
    Foreign(room.database()).exec("ALTER TABLE outputs RENAME TO hidden");
    room.engine().start();
    settle(room.loop);
    CHECK(room.disk.exists(ownerless));
    Foreign(room.database()).exec("ALTER TABLE hidden RENAME TO outputs");
    room.end();
    room.start();
    CHECK_FALSE(room.disk.exists(ownerless));
}

TEST_CASE("what the disk does not let go of at once is removed later") {
    Room room;
    begin_slow_fetch(room);
    REQUIRE(room.act("a", engine::Action::cancel));
    room.disk.fail(SimulatedDisk::Op::remove, 1, ErrorCode::io, 10);
    room.pass(Millis{10'000});
    CHECK(room.disk.exists("/outputs/x.mp4"));
    room.disk.heal();
    room.pass(std::chrono::minutes{2});
    CHECK_FALSE(room.disk.exists("/outputs/x.mp4"));
}

TEST_CASE("names that strangers take again and again do not end the job") {
    Room room;
    finish_at_provider(room);
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    int thefts = 2;
    room.disk.before_publish = [&]() -> Status {
        if (thefts-- > 0) room.disk.put(room.job("a").outputs[0].path, "mine");
        return ok();
    };
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.disk.at("/outputs/x.mp4") == "mine");
    CHECK(room.disk.at("/outputs/x-2.mp4") == "mine");
    CHECK(room.disk.at("/outputs/x-3.mp4") == ScriptedProvider::video());
}

TEST_CASE("a page in place of the file, and a redirect to nowhere, are asked for again") {
    Room room;
    finish_at_provider(room);
    const auto file = room.client.answer["file"];
    room.client.answer["file"] = [&](const HttpRequest& request) {
        const int asked = room.client.count["file"];
        if (asked == 1) return answered(200, "<html>Please log in</html>");
        if (asked == 2) return answered(302, "");
        return file(request);
    };
    room.start();
    REQUIRE(room.submit("a", {{"output", "x.mp4"}}));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.count_events("a", "fetch_failed") == 2);
    CHECK(room.disk.at("/outputs/x.mp4") == ScriptedProvider::video());
}
