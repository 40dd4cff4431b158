// The end of a record, and what stays.
#include "foreign.hpp"
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

AuditEntry entry_of(const Job& job, std::optional<std::int64_t> evidence = std::nullopt) {
    AuditEntry entry;
    entry.job = job.request.id;
    entry.at = noon;
    entry.event = "note";
    entry.from = job.state;
    entry.to = job.state;
    entry.evidence = evidence;
    return entry;
}

// With a row in every table that speaks of jobs.
Job full_job(Store& store, const std::string& id, State state, Instant end = noon) {
    Job job = make_job(id, state);
    if (domain::is_terminal(state)) job.finished_at = end;
    job.request.labels = {{"scene", "12"}};
    Output output;
    output.path = "/outputs/" + id + ".mp4";
    output.url = "https://files.test/" + id;
    job.outputs = {output};
    job = insert(store, job);
    in(store, [&](Tx& tx) {
        Attempt attempt;
        attempt.job = job.request.id;
        attempt.provider = "fal";
        attempt.token = Token("token-of-" + id);
        attempt.intent_at = noon;
        tx.insert_attempt(attempt);
        Evidence evidence;
        evidence.job = job.request.id;
        evidence.kind = EvidenceKind::submit_answer;
        evidence.at = noon;
        evidence.body = "{}";
        tx.append_event(entry_of(job, tx.insert_evidence(evidence)));
    });
    return *find(store, id);
}

}  // namespace

TEST_CASE("a retired job leaves its id, its end and nothing else") {
    Scratch scratch;
    const auto store = open_store(scratch.file("reel.db"));
    const Job kept = full_job(*store, "kept", State::completed);
    const Job gone = full_job(*store, "gone", State::failed);
    in(*store, [&](Tx& tx) { tx.retire_job(gone); });
    REQUIRE(store->commit().has_value());

    CHECK_FALSE(find(*store, "gone").has_value());
    const auto retired = in(*store, [](Tx& tx) { return tx.find_retired(JobId("gone")); });
    REQUIRE(retired.has_value());
    CHECK(retired->state == State::failed);
    CHECK(retired->finished_at == noon);
    CHECK(retired->content_hash == domain::content_hash(gone.request));
    Foreign reel(scratch.file("reel.db"));
    for (const char* table : {"jobs", "attempts", "outputs", "evidence", "events", "job_labels"}) {
        CAPTURE(table);
        CHECK(reel.get(std::string("SELECT count(*) FROM ") + table) == "1");
    }
    CHECK(reel.get("SELECT group_concat(state) FROM state_counts WHERE jobs > 0") == "completed");
    CHECK(reel.get("SELECT count(*) FROM pragma_foreign_key_check") == "0");
    CHECK(find(*store, "kept") == kept);
}

TEST_CASE("the id of a retired job is refused, its file's name is free for others") {
    Scratch scratch;
    const auto store = open_store(scratch.file("reel.db"));
    const Job gone = full_job(*store, "gone", State::completed);
    in(*store, [&](Tx& tx) { tx.retire_job(gone); });
    Job again = make_job("gone");
    CHECK(in(*store, [&](Tx& tx) { return tx.insert_job(again); }) == InsertOutcome::retired);
    CHECK_FALSE(find(*store, "gone").has_value());
    CHECK(in(*store, [](Tx& tx) { return tx.is_path_free("/outputs/gone.mp4"); }));
}

TEST_CASE("what has not ended, or has changed meanwhile, is never retired") {
    Scratch scratch;
    const auto store = open_store(scratch.file("reel.db"));
    const Job waiting = full_job(*store, "waiting", State::queued);
    CHECK_FALSE(store->transact([&](Tx& tx) { tx.retire_job(waiting); }).has_value());
    Job ended = full_job(*store, "ended", State::completed);
    ended.version += 1;
    CHECK_FALSE(store->transact([&](Tx& tx) { tx.retire_job(ended); }).has_value());
    CHECK(find(*store, "waiting").has_value());
    CHECK(in(*store, [](Tx& tx) { return tx.events(JobId("ended")); }).size() == 1);
}

TEST_CASE("a retired retry still answers for the job that it tried again") {
    Scratch scratch;
    const auto store = open_store(scratch.file("reel.db"));
    Job retry = make_job("second", State::completed);
    retry.retry_of = JobId("first");
    retry = insert(*store, retry);
    in(*store, [&](Tx& tx) { tx.retire_job(retry); });
    const auto found =
        in(*store, [](Tx& tx) { return tx.find_retired_retry_of(JobId("first")); });
    REQUIRE(found.has_value());
    CHECK(found->id == JobId("second"));
}

TEST_CASE("ended jobs come by their end, oldest first") {
    Scratch scratch;
    const auto store = open_store(scratch.file("reel.db"));
    full_job(*store, "late", State::completed, noon + Millis{20});
    full_job(*store, "early", State::completed, noon - Millis{20});
    full_job(*store, "other", State::failed);
    full_job(*store, "open", State::queued);
    const auto ended = in(*store, [](Tx& tx) { return tx.ended_jobs(State::completed, 10); });
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].id == JobId("early"));
    CHECK(ended[1].id == JobId("late"));
    CHECK(in(*store, [](Tx& tx) { return tx.ended_jobs(State::completed, 1); }).size() == 1);
}

TEST_CASE("the pages of retired jobs are used again: the file does not grow") {
    Scratch scratch;
    const auto store = open_store(scratch.file("reel.db"));
    std::uint64_t high = 0;
    for (int night = 0; night < 12; ++night) {
        std::vector<Job> jobs;
        for (int i = 0; i < 100; ++i) {
            jobs.push_back(full_job(*store, "n" + std::to_string(night) + "-" + std::to_string(i),
                                    State::completed));
        }
        in(*store, [&](Tx& tx) {
            for (const Job& job : jobs) tx.retire_job(job);
        });
        REQUIRE(store->commit().has_value());
        REQUIRE(store->checkpoint().has_value());
        if (night == 2) high = store->facts().database_bytes;
    }
    // What grows is the list of known ids alone.
    CHECK(store->facts().database_bytes < high + 300'000);
}
