// Whatever somebody changes behind the daemon's back is found and named.
#include "engine/verifier.hpp"

#include "base/encoding.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;
using engine::Misfit;
using engine::VerifyOptions;

namespace {

void finish_at_once(Room& room) {
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
}

// Two jobs that went all the way, and one that was cancelled.
struct Night : Room {
    Night() {
        finish_at_once(*this);
        start();
        REQUIRE(submit("a"));
        REQUIRE(submit("b"));
        REQUIRE(until([&] { return is("a", State::completed) && is("b", State::completed); }));
        REQUIRE(submit("c", {{"not_before", "2099-01-01T00:00:00Z"}}));
        REQUIRE(act("c", engine::Action::cancel));
        pass(Millis{1'000});
    }
    engine::VerifyReport verify(VerifyOptions options = {}) {
        const auto verifier = engine().verifier(std::move(options));
        for (;;) {
            const auto pace = verifier->step();
            REQUIRE(pace.has_value());
            if (*pace == engine::Verifier::Pace::done) return verifier->report();
        }
    }
    // What is found after `change`, as "check job number: sentence".
    std::vector<std::string> after(const std::string& change) {
        Foreign shell(database());
        shell.exec("PRAGMA foreign_keys = OFF");
        for (const char* trigger : {"events_never_change", "events_never_vanish",
                                    "evidence_never_changes", "jobs_terminal_stays"}) {
            shell.exec(std::string("DROP TRIGGER IF EXISTS ") + trigger);
        }
        shell.exec(change);
        return said(verify());
    }
    static std::vector<std::string> said(const engine::VerifyReport& report) {
        std::vector<std::string> lines;
        for (const Misfit& misfit : report.misfits) {
            CHECK_FALSE(misfit.what.empty());
            lines.push_back(fmt::format("{} {} {}: {}{}", misfit.check, misfit.job.str(),
                                        misfit.number, misfit.file, misfit.what));
        }
        return lines;
    }
    std::string path(const std::string& id) { return job(id).outputs.front().path; }
    std::int64_t event_id(const std::string& id, int number) {
        for (const auto& entry : events(id)) {
            if (entry.number == number) return entry.id;
        }
        return 0;
    }
};

bool has(const std::vector<std::string>& lines, const std::string& part) {
    for (const std::string& line : lines) {
        if (line.find(part) != std::string::npos) return true;
    }
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    MESSAGE("no \"" << part << "\" in:\n" << all);
    return false;
}

bool first_is(const std::vector<std::string>& lines, const std::string& part) {
    return !lines.empty() && has({lines.front()}, part);
}

const std::string of_a = "WHERE job_seq = (SELECT seq FROM jobs WHERE id = 'a')";

}  // namespace

TEST_CASE("an untouched night fits, and its numbers are told") {
    Night night;
    const engine::VerifyReport report = night.verify();
    CHECK(Night::said(report) == std::vector<std::string>{});
    CHECK(report.problems == 0);
    CHECK(report.jobs == 3);
    CHECK(report.attempts == 2);
    CHECK(report.files == 2);
    CHECK(report.file_bytes > 0);
    CHECK(report.evidence > 0);
    CHECK(report.events == static_cast<std::uint64_t>(report.head_id));
    CHECK(report.head_hash.size() == 64);
    VerifyOptions without;
    without.files = false;
    CHECK(night.verify(without).files == 0);
    CHECK(night.verify(without).files_skipped);
}

TEST_CASE("a running night gives no false alarm at any moment") {
    Room room;
    finish_at_once(room);
    room.start();
    room.submit_many("j", 6);
    for (int i = 0; i < 12; ++i) {
        room.pass(Millis{3'000});
        const auto verifier = room.engine().verifier({});
        for (bool more = true; more;) {
            const auto pace = verifier->step();
            REQUIRE(pace.has_value());
            more = *pace != engine::Verifier::Pace::done;
            // The daemon goes on between two slices.
            if (*pace == engine::Verifier::Pace::again) room.pass(Millis{20});
        }
        CHECK(Night::said(verifier->report()) == std::vector<std::string>{});
    }
}

TEST_CASE("a changed event is named by job and number") {
    for (const char* change : {"note = 'forged'", "happened_at = 1", "reason = 'user'",
                               "event = 'forged'", "evidence_hash = zeroblob(32)"}) {
        CAPTURE(change);
        Night night;
        const auto found = night.after(std::string("UPDATE events SET ") + change + " " + of_a +
                                       " AND number = 3");
        CHECK(has(found, "event_changed a 3: its content was changed"));
    }
}

TEST_CASE("a changed patch is found in the chain and in the row") {
    Night night;
    const auto found = night.after("UPDATE events SET patch = json_set(patch, '$.cost_micro_usd', 7) " +
                                   of_a + " AND number = 2");
    CHECK(first_is(found, "event_changed a 2: its content was changed"));
    CHECK(has(found, "trail_gives_row a 0: cost_micro_usd is null and the trail says 7"));
}

TEST_CASE("a changed hash is told from a changed content") {
    Night night;
    const auto found = night.after("UPDATE events SET hash = zeroblob(32) " + of_a +
                                   " AND number = 2");
    REQUIRE(found.size() == 1);
    CHECK(first_is(found, "event_changed a 2: its stored hash was changed"));
}

TEST_CASE("the newest event is covered by the head") {
    Night night;
    const auto newest = "id = (SELECT max(id) FROM events)";
    CHECK(first_is(night.after(std::string("UPDATE events SET hash = zeroblob(32) WHERE ") + newest),
                   "event_changed c 2: its stored hash was changed"));
    Night other;
    CHECK(first_is(other.after(std::string("UPDATE events SET note = 'x' WHERE ") + newest),
                   "event_changed c 2: its content was changed"));
    Night third;
    CHECK(first_is(third.after("UPDATE chain SET hash = zeroblob(32)"),
                   "head  0: the head of the chain is 0000"));
}

TEST_CASE("a missing event is named, in the middle and at the end") {
    Night night;
    const auto id = night.event_id("a", 2);
    const auto found = night.after("DELETE FROM events " + of_a + " AND number = 2");
    CHECK(first_is(found, fmt::format("events_missing  0: event {} is missing", id)));
    CHECK(has(found, "trail_without_gap a 0: event 3 stands where 2 should"));
    Night end;
    const auto last = end.verify().head_id;
    const auto cut = end.after("DELETE FROM events WHERE id > (SELECT max(id) FROM events) - 2");
    CHECK(has(cut, fmt::format("events_missing  0: events {} to {}, the newest ones, are missing",
                               last - 1, last)));
    Night hidden;
    const auto set_back = hidden.after(
        "DELETE FROM events WHERE id = (SELECT max(id) FROM events);"
        "UPDATE chain SET last_id = last_id - 1, hash = (SELECT hash FROM events ORDER BY id DESC)");
    CHECK(has(set_back, "head  0: the head of the chain knows"));
}

TEST_CASE("an event that reeld did not write is found") {
    Night night;
    const auto found = night.after(
        "INSERT INTO events (job_seq, number, happened_at, event, from_state, to_state)"
        " VALUES (1, 99, 1, 'forged', 'completed', 'completed')");
    CHECK(has(found, "head  0: the head of the chain knows"));
    CHECK(has(found, "trail_without_gap a 0: event 99"));
    REQUIRE(night.submit("d"));
    CHECK(has(Night::said(night.verify()), "event_without_hash a 99: "));
}

TEST_CASE("a job without a row and a row without a trail are found") {
    Night night;
    const auto found = night.after("DELETE FROM jobs WHERE id = 'a'");
    CHECK(first_is(found, "job_missing a 1: the row of its job a is not there"));
    CHECK(has(found, "database  0: row"));
    std::size_t missing = 0;
    for (const std::string& line : found) missing += line.starts_with("job_missing") ? 1 : 0;
    CHECK(missing == 1);
    Night other;
    const auto forged = other.after(
        "INSERT INTO jobs (id, model, content_hash, provider, state, created_at, due_at, input)"
        " VALUES ('x', 'm', 'h', 'fal', 'queued', 1, 9e15, '{}')");
    CHECK(has(forged, "trail_begins x 0: it has no trail"));
    CHECK(has(forged, "copies_agree x 0: content_hash"));
}

TEST_CASE("a changed row is found by its field") {
    const auto row = [](const std::string& change) {
        Night night;
        return night.after("UPDATE jobs SET " + change + " WHERE id = 'a'");
    };
    CHECK(has(row("cost_micro_usd = 5"), "trail_gives_row a 0: cost_micro_usd is 5"));
    CHECK(has(row("billable_attempts = 0"), "billable_attempts is 0 and the trail says 1"));
    CHECK(has(row("input = '{}'"), "input_sha256 is"));
    CHECK(has(row("state = 'failed', reason = 'attempts', error_code = 'x', error_message = 'x'"),
              "state is \"failed\" and the trail says \"completed\""));
    CHECK(has(row("video_url = 'https://other'"), "copies_agree a 0: video_url"));
    CHECK(has(row("content_hash = 'x'"), "copies_agree a 0: content_hash"));
    CHECK(has(row("due_at = 1"), "ended_without_timer a"));
    CHECK(has(row("id = 'z'"), "trail_gives_row z"));
}

TEST_CASE("a row that no reeld has written is told, and the others are checked") {
    Night night;
    const auto found = night.after("PRAGMA ignore_check_constraints = ON;"
                                   "UPDATE jobs SET state = 'lost' WHERE id = 'a';"
                                   "UPDATE jobs SET cost_micro_usd = 1 WHERE id = 'b'");
    CHECK(has(found, "row_unreadable  0: the job of seq 1 cannot be read"));
    CHECK(has(found, "trail_gives_row b 0: cost_micro_usd"));
}

TEST_CASE("outputs and attempts are held against the trail") {
    Night night;
    CHECK(has(night.after("UPDATE outputs SET sha256 = '" + std::string(64, '0') + "' " + of_a),
              "trail_gives_row a 0: outputs is"));
    Night without;
    const auto found = without.after("DELETE FROM attempts " + of_a);
    CHECK(has(found, "attempt_of_every_submit a 0: event 2 began attempt 1"));
    Night changed;
    CHECK(has(changed.after("UPDATE attempts SET request_id = 'r-x' " + of_a),
              "request_is_told a 0: the trail does not tell of the request r-x"));
    Night shared;
    CHECK(has(shared.after("UPDATE attempts SET request_id = 'same'"),
              "database  0: the request same at fal belongs to 2 attempts"));
    Night miscounted;
    CHECK(has(miscounted.after("UPDATE state_counts SET jobs = 7 WHERE state = 'completed'"),
              "database  0: state_counts says 7 jobs are completed, and there are 2"));
}

TEST_CASE("changed and missing evidence is found") {
    const std::string of_event =
        "WHERE id = (SELECT min(evidence) FROM events " + of_a + ")";
    Night night;
    CHECK(has(night.after("UPDATE evidence SET body = 'forged' " + of_event), "evidence_changed a"));
    Night other;
    CHECK(has(other.after("DELETE FROM evidence " + of_event), "evidence_missing a"));
}

TEST_CASE("evidence and jobs that retention removed are no problem") {
    Night night;
    const auto pruned = night.life->store->transact([&](store::Tx& tx) {
        for (const char* id : {"a", "c"}) {
            for (const auto& proof : tx.evidence_of(JobId(id))) tx.prune_evidence(proof.id);
        }
        tx.prune_events_of(JobId("c"));
    });
    REQUIRE(pruned.has_value());
    REQUIRE(night.life->store->commit().has_value());
    Foreign(night.database()).exec("DELETE FROM jobs WHERE id = 'c'");
    const engine::VerifyReport report = night.verify();
    CHECK(Night::said(report) == std::vector<std::string>{});
    CHECK(report.events_pruned == 2);
    CHECK(report.evidence_pruned > 0);
}

TEST_CASE("a file that was changed, cut or taken away is told apart") {
    Night night;
    const std::string path = night.path("a");
    std::string bytes = night.disk.at(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    night.disk.put(path, bytes);
    auto found = Night::said(night.verify());
    REQUIRE(found.size() == 1);
    CHECK(first_is(found, "file_changed a 0: " + path + "its SHA-256 is"));
    night.disk.put(path, "short");
    CHECK(first_is(Night::said(night.verify()), "file_size a 0: " + path + "it has 5 bytes"));
    REQUIRE(night.disk.remove(path).has_value());
    CHECK(first_is(Night::said(night.verify()), "file_missing a 0: " + path + "it is not there"));
    VerifyOptions without;
    without.files = false;
    CHECK(night.verify(without).problems == 0);
}

TEST_CASE("a noted head finds a chain that was rewritten from end to end") {
    Night night;
    const engine::VerifyReport noted = night.verify();
    VerifyOptions since;
    since.noted = store::NotedHead{noted.head_id, *from_hex(noted.head_hash)};
    REQUIRE(night.submit("d"));
    CHECK(night.verify(since).problems == 0);
    since.noted->hash[0] = static_cast<char>(since.noted->hash[0] ^ 1);
    CHECK(first_is(Night::said(night.verify(since)),
                   "noted_head  0: the chain does not lead through the noted head"));
    since.noted->id = 1'000;
    CHECK(first_is(Night::said(night.verify(since)),
                   "noted_head  0: the noted head is event 1000, and the chain ends at"));
}
