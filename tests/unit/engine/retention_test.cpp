// Old records: exported, then removed, never made again.
#include <boost/json/serialize.hpp>
#include <sstream>

#include "base/json.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;
using namespace std::chrono_literals;

namespace {

// Short ones: a virtual day of a minute's timers takes its time.
constexpr Millis day{1'800'000};

struct Keeper : Room {
    Keeper() {
        config.retention.export_folder = "/state/exports";
        disk.put("/state/reel.db", "");  // with its folder
    }

    void keep(State state, std::optional<Millis> age, std::optional<std::int64_t> count = {}) {
        config.retention.jobs[state] = engine::RetentionLimits{age, count};
    }
    // Ends at once, without a provider.
    void end_one(const std::string& id) {
        const json::object later{{"not_before", "2099-01-01T00:00:00Z"}};
        REQUIRE(submit(id, later));
        REQUIRE(act(id, engine::Action::cancel));
    }
    bool has(const std::string& id) {
        return read([&](store::Tx& tx) { return tx.find_job(JobId(id)); }).has_value();
    }
    bool is_retired(const std::string& id) {
        return read([&](store::Tx& tx) { return tx.find_retired(JobId(id)); }).has_value();
    }
    std::string exported() {
        std::string all;
        for (const auto& [path, content] : disk.files()) {
            if (path.starts_with("/state/exports/")) all += disk.at(path);
        }
        return all;
    }
    std::vector<json::object> lines() {
        std::vector<json::object> records;
        std::istringstream in(exported());
        for (std::string line; std::getline(in, line);) {
            const auto parsed = parse_json(line);
            REQUIRE(parsed.has_value());
            records.push_back(parsed->as_object());
        }
        return records;
    }
    engine::RetentionStatus retention() { return engine().status().retention; }
};

}  // namespace

TEST_CASE("without a limit no record is ever removed") {
    Keeper room;
    room.start();
    room.end_one("a");
    room.pass(40 * day);
    CHECK(room.has("a"));
    CHECK(room.exported().empty());
    CHECK_FALSE(room.retention().active);
}

TEST_CASE("an old record is exported whole, removed, and its id stays known") {
    Keeper room;
    room.keep(State::cancelled, 10 * day);
    room.start();
    room.end_one("a");
    room.pass(9 * day);
    CHECK(room.has("a"));
    room.pass(2 * day);
    CHECK_FALSE(room.has("a"));
    CHECK(room.is_retired("a"));
    CHECK(room.count(State::cancelled) == 0);
    CHECK(room.retention().retired == 1);
    const auto records = room.lines();
    REQUIRE(records.size() == 1);
    CHECK(find_string(records[0], "id") == "a");
    const auto* job = find_object(records[0], "job");
    CHECK(find_string(*job, "state") == "cancelled");
    CHECK(find_string(*find_object(*job, "input"), "prompt") == "waves of a");
    const auto* events = find_array(records[0], "events");
    REQUIRE(events->size() == 2);
    CHECK(find_string(events->at(1).as_object(), "hash")->size() == 64);
}

TEST_CASE("a removed job is not made again under its id, by socket or by row") {
    Keeper room;
    room.keep(State::cancelled, 1 * day);
    room.start();
    room.end_one("a");
    room.pass(2 * day);
    REQUIRE(room.is_retired("a"));
    std::vector<domain::JobRequest> again{room.request("a")};
    const auto refused = room.run(room.engine().submit(std::move(again)));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == ErrorCode::conflict);
    CHECK(refused.error().context().find("was cancelled on 20") != std::string::npos);
    REQUIRE(drop_row(room.inbox(), "a", model, R"({"prompt":"waves of a"})"));
    room.engine().inbox_changed();
    settle(room.loop);
    CHECK_FALSE(room.has("a"));
    CHECK(Foreign(room.inbox(), false).ask("SELECT error FROM jobs").find("was cancelled on") !=
          std::string::npos);
}

TEST_CASE("beyond the count the oldest records go") {
    Keeper room;
    room.keep(State::cancelled, {}, 3);
    room.start();
    for (int i = 0; i < 8; ++i) {
        room.end_one(fmt::format("job-{}", i));
        room.pass(5ms);
    }
    room.pass(60s);
    CHECK(room.count(State::cancelled) == 3);
    CHECK(room.has("job-7"));
    CHECK(room.has("job-5"));
    CHECK_FALSE(room.has("job-4"));
    CHECK(room.lines().size() == 5);
}

TEST_CASE("many old records go in slices, each exported once") {
    Keeper room;
    room.keep(State::cancelled, 1 * day);
    room.start();
    for (int i = 0; i < 170; ++i) room.end_one(fmt::format("job-{}", i));
    room.pass(day + 60s);
    CHECK(room.count(State::cancelled) == 0);
    CHECK(room.lines().size() == 170);
}

TEST_CASE("what cannot be exported is not removed, and the status says so") {
    Keeper room;
    room.keep(State::cancelled, 1 * day);
    room.start();
    room.end_one("a");
    const auto capacity = std::exchange(room.disk.capacity, room.disk.used());
    room.pass(2 * day);
    CHECK(room.has("a"));
    CHECK_FALSE(room.retention().trouble.empty());
    room.disk.capacity = capacity;
    room.pass(120s);
    CHECK_FALSE(room.has("a"));
    CHECK(room.retention().trouble.empty());
    CHECK(room.lines().size() == 1);
}

TEST_CASE("a record whose export was not flushed stays, and is written anew") {
    Keeper room;
    room.keep(State::cancelled, 1 * day);
    room.start();
    room.end_one("a");
    int refusals = 2;
    room.disk.before_publish = [&]() -> Status {
        if (refusals-- > 0) return Error(ErrorCode::io, "flush");
        return ok();
    };
    room.pass(day + 20s);
    CHECK(room.has("a"));
    room.pass(300s);
    CHECK_FALSE(room.has("a"));
    const auto records = room.lines();
    REQUIRE(records.size() == 1);
    CHECK(find_string(records[0], "id") == "a");
}

TEST_CASE("a record to which something came while it was exported stays, and is exported anew") {
    Keeper room;
    room.keep(State::cancelled, 1 * day);
    room.start();
    room.end_one("a");
    bool came = false;
    room.disk.before_publish = [&]() -> Status {
        if (std::exchange(came, true)) return ok();
        return room.life->store->transact([&](store::Tx& tx) {
            const Job job = *tx.find_job(JobId("a"));
            store::AuditEntry late;
            late.job = job.request.id;
            late.at = room.clock.now();
            late.event = "webhook_late";
            late.from = late.to = job.state;
            late.reason = job.reason;
            tx.append_event(std::move(late));
        });
    };
    REQUIRE(room.until([&] { return came; }, 2 * day));
    CHECK(room.has("a"));
    room.pass(60s);
    CHECK_FALSE(room.has("a"));
    const auto records = room.lines();
    REQUIRE(records.size() == 1);
    CHECK(json::serialize(records[0]).find("webhook_late") != std::string::npos);
}

TEST_CASE("what a crash or a power cut has torn in an export is taken back") {
    Keeper room;
    room.keep(State::cancelled, 1 * day);
    room.start();
    room.end_one("a");
    const std::string path = "/state/exports/reeld-" + to_rfc3339(room.clock.now() + day).substr(0, 7) +
                             ".jsonl";
    const std::string gone = "{\"id\":\"before\"}\n";
    const std::string still_there = "{\"id\":\"a\"}\n";
    const std::string hole = "{\"id\":\"b\"" + std::string(20, '\0') + "}\n";
    std::string torn;
    std::string kept;
    SUBCASE("a line without its end") { torn = "{\"id\":\"cut sho"; }
    SUBCASE("a line with a hole") { torn = hole; }
    SUBCASE("a line without its beginning") { torn = std::string(512, '\0') + "\"}\n"; }
    SUBCASE("a whole line behind a torn one, of a job that is there") { torn = hole + still_there; }
    SUBCASE("a whole line of a job that is there, which may never have been flushed") {
        torn = still_there;
    }
    SUBCASE("not what stands before a record that is all that is left of its job") {
        kept = hole + gone;
        torn = "{\"id";
    }
    SUBCASE("not what somebody else wrote into it") { kept = "# from the old machine\n"; }
    room.disk.put(path, gone + kept + torn);
    room.pass(day + 60s);
    const std::string file = room.disk.at(path);
    CHECK(file.starts_with(gone + kept + "{\"reeld\""));
    const std::string added = file.substr((gone + kept).size());
    CHECK(std::count(added.begin(), added.end(), '\n') == 1);
    CHECK(find_string(parse_json(added)->as_object(), "id") == "a");
    CHECK_FALSE(room.has("a"));
}

TEST_CASE("a job whose retry's record was removed is not tried again once more") {
    Keeper room;
    room.start();
    room.end_one("a");
    REQUIRE(room.act("a", engine::Action::retry));
    const auto retry = room.read([](store::Tx& tx) { return tx.find_retry_of(JobId("a")); });
    REQUIRE(retry.has_value());
    REQUIRE(room.act(retry->request.id.str(), engine::Action::cancel));
    room.read([&](store::Tx& tx) {
        tx.retire_job(*tx.find_job(retry->request.id));
        return 0;
    });
    const auto again = room.run(room.engine().act(JobId("a"), engine::Action::retry));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code() == ErrorCode::conflict);
}

TEST_CASE("old evidence of ended jobs goes, that of the others and the trail stay") {
    Keeper room;
    room.config.retention.evidence_max_age = 5 * day;
    room.start();
    room.end_one("over");
    const json::object later{{"not_before", "2099-01-01T00:00:00Z"}};
    REQUIRE(room.submit("waits", later));
    room.read([&](store::Tx& tx) {
        for (const char* id : {"over", "waits"}) {
            store::Evidence evidence;
            evidence.job = JobId(id);
            evidence.kind = store::EvidenceKind::status_answer;
            evidence.at = room.clock.now();
            evidence.body = "proof";
            store::AuditEntry entry;
            entry.job = JobId(id);
            entry.at = evidence.at;
            entry.event = "note";
            entry.evidence = tx.insert_evidence(evidence);
            tx.append_event(std::move(entry));
        }
        return 0;
    });
    room.pass(6 * day);
    CHECK(room.read([](store::Tx& tx) { return tx.evidence_of(JobId("over")); }).empty());
    CHECK(room.read([](store::Tx& tx) { return tx.evidence_of(JobId("waits")); }).size() == 1);
    CHECK(room.events("over").size() == 3);
    CHECK(room.retention().evidence == 2);  // with the word of the person who cancelled it
}

TEST_CASE("a late delivery for a removed job is unknown and harms nothing") {
    Keeper room;
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    const Token token = room.attempt("a").token;
    CHECK(room.deliver(token) == 200);
    room.read([&](store::Tx& tx) {
        tx.retire_job(*tx.find_job(JobId("a")));
        return 0;
    });
    CHECK(room.deliver(token) == 404);
    CHECK(room.failure.empty());
}
