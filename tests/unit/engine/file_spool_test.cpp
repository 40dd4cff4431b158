// Goal: what comes over the socket is whole and durable before it has a name, bounded, and goes again.
#include "engine/file_spool.hpp"

#include "base/crypto.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

constexpr auto hour = Millis{3'600'000};

struct Spool : Room {
    Spool() {
        disk.put("/state/files/README", "not ours");
        disk.now = [this] { return clock.now(); };
        config.inputs.spool = "/state/files";
        start();
    }
    runtime::awaitable<Result<engine::SpooledFile>> putting(engine::SpoolPiece piece) {
        co_return co_await engine().spool(std::move(piece));
    }
    Result<engine::SpooledFile> put(const std::string& whole, std::uint64_t offset,
                                    const std::string& bytes, const std::string& name = "a.png") {
        engine::SpoolPiece piece;
        piece.sha256 = sha256_hex(whole);
        piece.name = name;
        piece.size = whole.size();
        piece.offset = offset;
        piece.bytes = bytes;
        return run_for_real(loop, putting(std::move(piece)));
    }
    Result<engine::SpooledFile> put(const std::string& whole) { return put(whole, 0, whole); }
    ErrorCode code(const Result<engine::SpooledFile>& file) {
        return file ? ErrorCode::internal : file.error().code();
    }
    std::string path(const std::string& whole, const std::string& name = "a.png") {
        return "/state/files/" + sha256_hex(whole) + "/" + name;
    }
    std::uint64_t received(const std::string& whole) {
        return engine().spooled(sha256_hex(whole)).value().received;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Spool, "the last piece gives a file its name, under what its bytes are") {
    const auto first = put("hello world", 0, "hello");
    REQUIRE(first.has_value());
    CHECK(first->path.empty());
    CHECK(first->received == 5);
    const auto whole = put("hello world", 5, " world");
    REQUIRE(whole.has_value());
    CHECK(whole->path == path("hello world"));
    CHECK(whole->content_type == "application/octet-stream");
    CHECK(disk.at(whole->path) == "hello world");
    // Durable before the answer.
    CHECK(disk.after_power_cut({PowerCut::Keeps::nothing})->at(whole->path) == "hello world");
    // Once more is nothing new, under whatever name.
    CHECK(put("hello world", 0, "hello", "b.png").value().path == whole->path);
    CHECK(engine().spooled(sha256_hex("hello world")).value().path == whole->path);
}

TEST_CASE_FIXTURE(Spool, "a part outlives the process and goes on where it was") {
    REQUIRE(put("hello world", 0, "hello").has_value());
    end();
    start();
    CHECK(received("hello world") == 5);
    CHECK(code(put("hello world", 0, "hello world")) == ErrorCode::conflict);
    CHECK(code(put("hello world", 6, "world")) == ErrorCode::conflict);
    CHECK(put("hello world", 5, " world").value().path == path("hello world"));
    end();
    start();
    CHECK(engine().spooled(sha256_hex("hello world")).value().path == path("hello world"));
}

TEST_CASE_FIXTURE(Spool, "a part that was whole when the process died needs no byte more") {
    disk.put("/state/files/" + sha256_hex("hello") + ".part", "hello");
    CHECK(put("hello", 5, "").value().path == path("hello"));
}

TEST_CASE_FIXTURE(Spool, "bytes that are not what they should be are thrown away") {
    const std::string sum = sha256_hex("hello");
    const auto wrong = [&] {
        engine::SpoolPiece piece;
        piece.sha256 = sum;
        piece.size = 5;
        piece.bytes = "jello";
        return run_for_real(loop, putting(std::move(piece)));
    }();
    CHECK(code(wrong) == ErrorCode::invalid);
    CHECK(wrong.error().context().find("send it from the beginning") != std::string::npos);
    CHECK(received("hello") == 0);
    CHECK(disk.at("/state/files/" + sum + ".part") == "(absent)");
    CHECK(put("hello").has_value());
}

TEST_CASE_FIXTURE(Spool, "no name leads out of the spool or hides") {
    CHECK(engine::harmless_name("../../etc/passwd") == "passwd");
    CHECK(engine::harmless_name(".ssh") == "_ssh");
    CHECK(engine::harmless_name("..") == "_.");
    CHECK(engine::harmless_name("a b\n\"ä.png") == "a_b____.png");
    CHECK(engine::harmless_name("") == "file");
    CHECK(engine::harmless_name("x/") == "file");
    CHECK(engine::harmless_name(std::string(300, 'x') + ".png").size() == 100);
    CHECK(engine::harmless_name(std::string(300, 'x') + ".png").ends_with(".png"));
    CHECK(put("hello", 0, "hello", "../x/é.png").value().path == path("hello", "__.png"));
    CHECK(code(engine().spooled("../../x")) == ErrorCode::invalid);
    CHECK(code(engine().spooled(std::string(64, 'A'))) == ErrorCode::invalid);
}

TEST_CASE_FIXTURE(Spool, "what does not fit is refused before a byte is kept") {
    config.inputs.file_max_bytes = 10;
    config.inputs.spool_max_bytes = 15;
    engine().reconfigure(config);
    CHECK(code(put("more than ten")) == ErrorCode::too_large);
    CHECK(code(put("")) == ErrorCode::invalid);
    CHECK(code(put("hello", 3, "loo")) == ErrorCode::invalid);
    CHECK(code(put("hello", 6, "")) == ErrorCode::invalid);
    CHECK(code(put("hello", 0, "")) == ErrorCode::invalid);
    REQUIRE(put("0123456789", 0, "0").has_value());  // the whole counts
    CHECK(code(put("abcdef")) == ErrorCode::disk_full);
    CHECK(put("abcde").has_value());
    config.inputs.spool_max_bytes = 1'000;
    config.downloads.disk_reserve_bytes = 1'000;
    engine().reconfigure(config);
    disk.claimed_free = 1'005;
    CHECK(code(put("abcdef")) == ErrorCode::disk_full);
    CHECK(disk.at("/state/files/" + sha256_hex("abcdef") + ".part") == "(absent)");
    disk.claimed_free = 1'006;
    CHECK(put("abcdef").has_value());
}

TEST_CASE_FIXTURE(Spool, "a disk that fails costs a piece, not the file") {
    disk.fail(SimulatedDisk::Op::append, 1, ErrorCode::disk_full);
    CHECK(code(put("hello")) == ErrorCode::disk_full);
    CHECK(received("hello") == 0);
    disk.fail(SimulatedDisk::Op::rename, 1);
    CHECK(code(put("hello")) == ErrorCode::io);
    CHECK(received("hello") == 5);
    CHECK(put("hello", 5, "").has_value());
    // A failed flush may have dropped the bytes.
    disk.fail(SimulatedDisk::Op::sync, 1);
    CHECK(code(put("other")) == ErrorCode::io);
    CHECK(received("other") == 0);
    CHECK(put("other").has_value());
}

TEST_CASE_FIXTURE(Spool, "what nobody needs goes after a while, what a job names stays") {
    config.inputs.keep = 48 * hour;
    engine().reconfigure(config);
    REQUIRE(put("needed").has_value());
    REQUIRE(put("forgotten").has_value());
    REQUIRE(put("half of it", 0, "half").has_value());
    domain::Job job;
    const Status kept = life->store->transact([&](store::Tx& tx) {
        domain::JobRequest request;
        request.id = JobId("a");
        request.model = "fal-ai/m/n";
        request.input = "{}";
        request.not_before = clock.now() + 1000 * hour;
        job = domain::first_row(std::move(request), "fal", clock.now());
        domain::InputFile file;
        file.field = "input.image_url";
        file.path = path("needed");
        file.content_type = "image/png";
        job.files = {file};
        REQUIRE(tx.insert_job(job) == store::InsertOutcome::inserted);
    });
    REQUIRE(kept.has_value());
    pass(30 * hour);
    CHECK(disk.at("/state/files/" + sha256_hex("half of it") + ".part") == "(absent)");
    CHECK(disk.at(path("forgotten")) == "forgotten");
    // Asked for a moment ago: a job is about to name it.
    pass(17 * hour);
    CHECK(engine().spooled(sha256_hex("forgotten")).value().path == path("forgotten"));
    pass(Millis{50 * 60'000});
    CHECK(disk.at(path("forgotten")) == "forgotten");
    pass(4 * hour);
    CHECK(disk.at(path("forgotten")) == "(absent)");
    CHECK(!disk.exists("/state/files/" + sha256_hex("forgotten")));
    CHECK(disk.at(path("needed")) == "needed");
    CHECK(disk.at("/state/files/README") == "not ours");
    CHECK(received("forgotten") == 0);
}
