// Bytes that came with an answer: from the commit that tells of them to the one that has the file.
#include "foreign.hpp"
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

const std::string sound("ID3\0\xff", 5);

Job fetching(Store& store, const std::string& id) {
    Job job = make_job(id, State::fetching);
    Output output;
    output.inlined = true;
    output.bytes = sound.size();
    output.kind = domain::MediaKind::audio;
    job.outputs.push_back(output);
    in(store, [&](Tx& tx) {
        REQUIRE(tx.insert_job(job) == InsertOutcome::inserted);
        tx.save_content(job, 0, sound);
    });
    return job;
}

std::optional<std::string> content(Store& store, const std::string& id) {
    return in(store, [&](Tx& tx) { return tx.find_content(JobId(id), 0); });
}

}  // namespace

TEST_CASE("content is kept beside its output and read back byte by byte") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    fetching(*store, "a");
    CHECK(content(*store, "a") == sound);
    CHECK_FALSE(in(*store, [](Tx& tx) { return tx.find_content(JobId("a"), 1); }));
    CHECK_FALSE(content(*store, "nobody"));
}

TEST_CASE("content goes with the change that makes its output stored, and with no other") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job job = fetching(*store, "a");
    job.outputs[0].path = "/out/a.mp3";
    in(*store, [&](Tx& tx) { REQUIRE(tx.update_job(job)); });
    CHECK(content(*store, "a") == sound);
    job.outputs[0].stored = true;
    in(*store, [&](Tx& tx) { REQUIRE(tx.update_job(job)); });
    CHECK_FALSE(content(*store, "a"));
}

TEST_CASE("a new job is given what an ended one still has") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    fetching(*store, "a");
    Job again = make_job("b", State::fetching);
    in(*store, [&](Tx& tx) {
        tx.insert_job(again);
        tx.copy_contents(JobId("a"), again);
    });
    CHECK(content(*store, "a") == sound);
    CHECK(content(*store, "b") == sound);
}

TEST_CASE("the record of a job takes its content with it") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job job = fetching(*store, "a");
    job.state = State::cancelled;
    job.finished_at = noon;
    job.due_at.reset();
    in(*store, [&](Tx& tx) {
        REQUIRE(tx.update_job(job));
        tx.retire_job(job);
    });
    REQUIRE(store->commit().has_value());
    CHECK(Foreign(scratch.file("reel.db")).get("SELECT count(*) FROM output_contents") == "0");
}
