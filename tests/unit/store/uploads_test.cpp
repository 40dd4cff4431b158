// Local files of jobs, and what is known of them at the providers.
#include "foreign.hpp"
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;
using namespace std::chrono_literals;

namespace {

domain::InputFile file_named(const std::string& path) {
    domain::InputFile file;
    file.field = "input.image_url";
    file.path = path;
    file.bytes = 7;
    file.modified_ns = 1'795'000'000'000'000'001;
    file.content_type = "image/png";
    return file;
}

Job job_with(const std::string& id, const std::string& path) {
    Job job = make_job(id);
    job.files = {file_named(path)};
    return job;
}

StoredUpload upload_of(const std::string& sha256) {
    StoredUpload upload;
    upload.provider = "fal";
    upload.sha256 = sha256;
    upload.content_type = "image/png";
    upload.name = "a.png";
    upload.bytes = 7;
    return upload;
}

std::vector<std::string> ids(const std::vector<Job>& jobs) {
    std::vector<std::string> names;
    for (const Job& job : jobs) names.push_back(job.request.id.str());
    return names;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a job's files and what an attempt really sent are read as they were written") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job job = insert(*store, job_with("a", "/srv/a.png"));
    CHECK(find(*store, "a") == job);
    job.files[0].sha256 = std::string(64, 'a');
    job.files[0].url = "https://files.test/a";
    job.files[0].uploaded_at = noon;
    job.files[0].expires_at = noon + 24h;
    REQUIRE(in(*store, [&](Tx& tx) { return tx.update_job(job); }));
    CHECK(find(*store, "a") == job);
    Attempt attempt;
    attempt.job = JobId("a");
    attempt.provider = "fal";
    attempt.token = Token("t");
    attempt.intent_at = noon;
    attempt.input = R"({"image_url":"https://files.test/a"})";
    in(*store, [&](Tx& tx) { tx.insert_attempt(attempt); });
    CHECK(in(*store, [&](Tx& tx) { return tx.attempts(JobId("a")); }) ==
          std::vector<Attempt>{attempt});
}

TEST_CASE("the queue tells what may be submitted from what is to be uploaded first") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "plain");
    insert(*store, job_with("new", "/srv/a.png"));
    Job there = job_with("there", "/srv/a.png");
    there.files[0].url = "https://files.test/a";
    there.files[0].uploaded_at = noon;
    there.files[0].expires_at = noon + 10h;
    insert(*store, there);
    Job on_its_way = job_with("uploading", "/srv/b.png");
    on_its_way.state = State::scheduled;
    on_its_way.reason = Reason::upload;
    insert(*store, on_its_way);
    const auto ready = [&](Instant now) {
        return ids(in(*store, [&](Tx& tx) { return tx.ready_jobs("fal", now, 10); }));
    };
    const auto waiting = [&](Instant now) {
        return ids(in(*store, [&](Tx& tx) { return tx.jobs_to_upload("fal", now, 10); }));
    };
    CHECK(ready(noon) == Names{"plain", "there"});
    CHECK(waiting(noon) == Names{"new"});
    // The last hour of its URL does not count.
    CHECK(ready(noon + 9h) == Names{"plain"});
    CHECK(waiting(noon + 9h) == Names{"new", "there"});
    CHECK(in(*store, [](Tx& tx) { return tx.count_uploading("fal"); }) == 1);
    CHECK(ids(in(*store, [](Tx& tx) { return tx.uploading_jobs("fal"); })) == Names{"uploading"});
    CHECK(in(*store, [](Tx& tx) { return tx.count_uploading("eachlabs"); }) == 0);
}

TEST_CASE("paths are told of jobs that are not over") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, job_with("a", "/srv/b.png"));
    insert(*store, job_with("b", "/srv/a.png"));
    insert(*store, job_with("c", "/srv/a.png"));
    Job over = job_with("d", "/srv/c.png");
    over.state = State::cancelled;
    over.finished_at = noon;
    over.due_at.reset();
    insert(*store, over);
    CHECK(in(*store, [](Tx& tx) { return tx.input_paths(); }) == Names{"/srv/a.png", "/srv/b.png"});
}

TEST_CASE("an upload is known by provider, hash and type, and its secret goes with its end") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    StoredUpload upload = upload_of(std::string(64, 'a'));
    upload.ticket = R"({"put_url":"https://store.test/?sig=geheim"})";
    upload.etags = {"one", "two"};
    upload.started_at = noon;
    const auto find = [&](const char* type) {
        return in(*store, [&](Tx& tx) {
            return tx.find_upload("fal", std::string(64, 'a'), type);
        });
    };
    in(*store, [&](Tx& tx) { tx.save_upload(upload); });
    CHECK(find("image/png") == upload);
    CHECK_FALSE(find("image/jpeg").has_value());
    upload.ticket.clear();
    upload.etags.clear();
    upload.started_at.reset();
    upload.file_url = "https://files.test/a";
    upload.uploaded_at = noon;
    upload.expires_at = noon + 1h;
    in(*store, [&](Tx& tx) { tx.save_upload(upload); });
    CHECK(find("image/png") == upload);
    upload.file_url.clear();
    in(*store, [&](Tx& tx) { tx.save_upload(upload); });
    CHECK_FALSE(find("image/png").has_value());
}

TEST_CASE("uploads are forgotten a day after their URL's end, those without an end never") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    StoredUpload dead = upload_of(std::string(64, 'a'));
    dead.file_url = "https://files.test/a";
    dead.uploaded_at = noon;
    dead.expires_at = noon + 1h;
    StoredUpload endless = upload_of(std::string(64, 'b'));
    endless.file_url = "https://files.test/b";
    endless.uploaded_at = noon;
    StoredUpload unfinished = upload_of(std::string(64, 'c'));
    unfinished.ticket = "{}";
    unfinished.started_at = noon;
    in(*store, [&](Tx& tx) {
        for (const auto& one : {dead, endless, unfinished}) tx.save_upload(one);
    });
    const auto prune = [&](Instant now) {
        return in(*store, [&](Tx& tx) { return tx.prune_uploads(now); });
    };
    CHECK(prune(noon + 24h) == 0);
    CHECK(prune(noon + 25h) == 1);
    CHECK(prune(noon + 7 * 24h) == 1);
    CHECK(prune(noon + 24'000h) == 0);
}
