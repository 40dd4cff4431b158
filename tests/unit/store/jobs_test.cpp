#include <doctest/doctest.h>

#include <random>

#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

// Draws whole jobs from a seed; every optional member is there or not.
class Draw {
  public:
    explicit Draw(unsigned seed) : engine_(seed) {}

    bool coin() { return number(0, 1) == 1; }
    int number(int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(engine_);
    }
    std::string text() {
        static const std::vector<std::string> samples{"a", "nightly-2026-11-21", "żółw 🎬", "'--",
                                                      "{\"x\":1}", std::string("nul\0in", 6), "%s"};
        return samples[static_cast<std::size_t>(number(0, 6))] + std::to_string(number(0, 99));
    }
    std::string maybe_text() { return coin() ? text() : ""; }
    Instant time() { return from_unix_ms(number(0, 2'000'000'000) * std::int64_t{1000} + 7); }
    std::optional<Instant> maybe_time() {
        return coin() ? std::optional(time()) : std::nullopt;
    }
    std::optional<std::int64_t> maybe_number() {
        return coin() ? std::optional<std::int64_t>(number(0, 1'000'000)) : std::nullopt;
    }
    std::optional<domain::Remote> maybe_remote() {
        if (!coin()) return std::nullopt;
        return domain::Remote{RequestId(maybe_text()), maybe_text(), maybe_text(), maybe_text()};
    }

    void progress(Job& job) {
        job.provider = text();
        job.state = domain::all_states[static_cast<std::size_t>(number(0, 11))];
        job.reason = static_cast<Reason>(number(0, 29));
        job.error.reset();
        if (coin()) job.error = domain::ErrorInfo{maybe_text(), maybe_text()};
        job.attempt = number(0, 9);
        job.billable_attempts = number(0, 9);
        job.refusals = number(0, 9);
        job.fetch_failures = number(0, 9);
        job.remote = maybe_remote();
        job.queue_position = maybe_number();
        job.progress.reset();
        if (coin()) job.progress = number(0, 1000) / 997.0;
        job.cancel_requested = coin();
        job.cost_micro_usd = maybe_number();
        if (coin()) job.money = domain::Money{maybe_number(), coin(), number(0, 99), number(0, 99),
                                              number(0, 99), number(0, 9)};
        job.values = coin() ? R"({"seed":7,"voice":"ż"})" : "";
        job.submitted_at = maybe_time();
        job.finished_at = maybe_time();
        job.due_at = maybe_time();
        if (domain::is_terminal(job.state)) job.finished_at = time();
        if (!domain::is_terminal(job.state)) job.due_at = time();
        outputs(job);
        timer(job);
    }
    void timer(Job& job) {
        if (job.due_at) job.due_at = time();
        job.unknown_until = maybe_time();
        job.quiet_polls = number(0, 9);
        job.missing_polls = number(0, 9);
        job.failed_polls = number(0, 9);
    }
    Job job(int serial) {
        Job job;
        job.request.id = JobId("job-" + std::to_string(serial));
        job.request.model = text();
        job.request.input = R"({"prompt":"ż\u0000 \"q\"","n":)" + std::to_string(number(0, 99)) + "}";
        job.request.batch = maybe_text();
        job.request.priority = number(-5, 5);
        job.request.not_before = maybe_time();
        job.request.deadline = maybe_time();
        job.request.max_attempts = number(1, 100);
        job.request.output = maybe_text();
        for (int i = number(0, 3); i > 0; --i) job.request.labels[text()] = maybe_text();
        if (coin()) job.retry_of = JobId("before-" + std::to_string(serial));
        job.created_at = time();
        progress(job);
        return job;
    }

  private:
    void outputs(Job& job) {
        job.outputs.clear();
        for (int i = 0; i < number(0, 3); ++i) {
            Output output;
            output.index = i;
            output.url = maybe_text();
            // No other job draws this path: the column is unique.
            if (coin()) output.path = "/out/" + job.request.id.str() + "/" + std::to_string(i);
            output.content_type = maybe_text();
            output.file_name = maybe_text();
            output.kind = static_cast<domain::MediaKind>(number(0, 3));
            output.inlined = coin();
            if (coin()) output.bytes = static_cast<std::uint64_t>(number(0, 1 << 30)) << 20;
            output.sha256 = maybe_text();
            output.stored = !output.path.empty() && coin();
            job.outputs.push_back(std::move(output));
        }
    }
    std::mt19937 engine_;
};

}  // namespace

TEST_CASE("any job read back equals the one written, after its insert and after an update") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Draw draw(20261121);
    for (int serial = 0; serial < 300; ++serial) {
        Job job = insert(*store, draw.job(serial));
        REQUIRE(find(*store, job.request.id.str()) == job);
        if (domain::is_terminal(job.state)) continue;
        draw.progress(job);
        REQUIRE(in(*store, [&](Tx& tx) { return tx.update_job(job); }));
        REQUIRE(find(*store, job.request.id.str()) == job);
        draw.timer(job);
        REQUIRE(*store->transact([&](Tx& tx) { return tx.update_timer(job); }));
        REQUIRE(find(*store, job.request.id.str()) == job);
    }
    REQUIRE(store->commit());
}

TEST_CASE("jobs get growing ages and begin with version 1") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    const Job a = insert(*store, "a");
    const Job b = insert(*store, "b");
    CHECK(a.version == 1);
    CHECK(b.seq > a.seq);
}

TEST_CASE("the same id with the same content is the same job, with other content a conflict") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job first = insert(*store, "a");
    first.state = State::submitting;
    REQUIRE(*store->transact([&](Tx& tx) { return tx.update_job(first); }));

    Job again = make_job("a");
    CHECK(*store->transact([&](Tx& tx) { return tx.insert_job(again); }) == InsertOutcome::existed);
    CHECK(again == first);

    Job other = make_job("a");
    other.request.input = R"({"prompt":"another"})";
    CHECK(*store->transact([&](Tx& tx) { return tx.insert_job(other); }) ==
          InsertOutcome::conflict);
    CHECK(other == first);
    CHECK(store->transact([](Tx& tx) { return tx.count_by_state(); })->at(State::submitting) == 1);
}

TEST_CASE("an update with an old version changes nothing and says so") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job mine = insert(*store, "a");
    Job theirs = mine;
    theirs.state = State::submitting;
    REQUIRE(*store->transact([&](Tx& tx) { return tx.update_job(theirs); }));
    CHECK(theirs.version == mine.version + 1);

    mine.state = State::held;
    mine.outputs.push_back(Output{});
    CHECK_FALSE(*store->transact([&](Tx& tx) { return tx.update_job(mine); }));
    CHECK_FALSE(*store->transact([&](Tx& tx) { return tx.update_timer(mine); }));
    CHECK(mine.version == 1);
    CHECK(find(*store, "a") == theirs);
}

TEST_CASE("a terminal job is refused another state, a waiting one the loss of its timer") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job ended = insert(*store, "ended", State::failed);
    ended.state = State::queued;
    ended.due_at = noon;
    CHECK_FALSE(store->transact([&](Tx& tx) { return tx.update_job(ended); }));
    CHECK(find(*store, "ended")->state == State::failed);

    Job waiting = insert(*store, "waiting");
    waiting.due_at.reset();
    CHECK_FALSE(store->transact([&](Tx& tx) { return tx.update_job(waiting); }));
    CHECK_FALSE(store->transact([&](Tx& tx) { return tx.update_timer(waiting); }));
    CHECK(find(*store, "waiting")->due_at == noon);
}

TEST_CASE("outputs that vanish from a job vanish from its rows") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job job = make_job("a", State::fetching);
    job.outputs.resize(2);
    job.outputs[1].index = 1;
    job.outputs[1].url = "https://cdn.example/b.mp4";
    job = insert(*store, job);
    job.outputs.erase(job.outputs.begin());
    REQUIRE(in(*store, [&](Tx& tx) { return tx.update_job(job); }));
    CHECK(find(*store, "a") == job);
}

TEST_CASE("one path belongs to one output") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    for (const char* id : {"a", "b"}) {
        Job job = make_job(id, State::fetching);
        job.outputs.resize(1);
        insert(*store, job);
    }
    const auto plan = [&](const char* id) {
        Job job = *find(*store, id);
        job.outputs[0].path = "/out/a.mp4";
        return store->transact([&](Tx& tx) { return tx.update_job(job); });
    };
    const auto is_free = [&] {
        return *store->transact([](Tx& tx) { return tx.is_path_free("/out/a.mp4"); });
    };
    CHECK(is_free());
    CHECK(plan("a"));
    CHECK_FALSE(is_free());
    CHECK_FALSE(plan("b"));
    CHECK(find(*store, "b")->outputs[0].path.empty());
    const auto unstored =
        *store->transact([](Tx& tx) { return tx.unstored_files(); });
    REQUIRE(unstored.size() == 1);
    CHECK(unstored[0].job == JobId("a"));
    CHECK(unstored[0].state == State::fetching);
    CHECK(unstored[0].path == "/out/a.mp4");
}

TEST_CASE("a job is tried again by one other job at most") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "old", State::failed);
    CHECK_FALSE(store->transact([](Tx& tx) { return tx.find_retry_of(JobId("old")); })->has_value());
    Job again = make_job("again");
    again.retry_of = JobId("old");
    again = insert(*store, again);
    CHECK(*store->transact([](Tx& tx) { return tx.find_retry_of(JobId("old")); }) == again);
    Job second = make_job("second");
    second.retry_of = JobId("old");
    CHECK_FALSE(store->transact([&](Tx& tx) { return tx.insert_job(second); }));
}
