#include "engine/download.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "base/crypto.hpp"
#include "engine/part_file.hpp"
#include "support/run_loop.hpp"
#include "support/simulated_disk.hpp"
#include "unit/domain/mp4_bytes.hpp"
#include "unit/download/file_server.hpp"

using namespace reeld;
using namespace reeld::engine;
using domain::event::FetchFailed;
using domain::event::FetchProblem;
using domain::event::OutputStored;
using reeld::test::Answer;

namespace {

const std::string outputs = "/outputs";
const std::string target = "/outputs/nightly/job-1.mp4";
const std::string video = test::Mp4{.samples = 40, .sample_bytes = 200}.bytes();
const std::string other_video = test::Mp4{.width = 99, .samples = 40, .sample_bytes = 200}.bytes();

struct Room {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    test::SimulatedDisk disk;
    test::FileServer server{clock};
    DownloadConfig config;
    FetchTask task;

    Room() {
        config.outputs = outputs;
        config.allowed_hosts = {"fal.media", "*.fal.media", "10.1.2.3"};
        config.named_hosts = {"127.0.0.1:8470"};
        domain::Output output;
        output.url = "https://v3b.fal.media/files/a.mp4?sig=secret";
        output.path = target;
        task = make_fetch_task(JobId("job-1"), output);
    }

    std::string part() const { return disk.at(task.part); }
    std::string note() const { return disk.at(note_path(task.part)); }
    bool is_clean() const {
        return !disk.files().contains(task.part) && !disk.files().contains(note_path(task.part));
    }

    domain::Event fetch() {
        Downloader downloader({clock, disk, server}, config);
        const test::Started<domain::Event> started(context, downloader.fetch(task));
        REQUIRE(test::run_until(context, clock, [&] { return started.done(); }));
        return started.get();
    }

    OutputStored stored() {
        const auto event = fetch();
        if (const auto* failed = std::get_if<FetchFailed>(&event)) {
            FAIL(failed->error.code << ": " << failed->error.message);
        }
        return std::get<OutputStored>(event);
    }

    FetchFailed failed() {
        const auto event = fetch();
        REQUIRE(std::holds_alternative<FetchFailed>(event));
        const auto problem = std::get<FetchFailed>(event);
        CHECK(problem.error.message.find("secret") == std::string::npos);
        CHECK_FALSE(problem.error.code.empty());
        return problem;
    }

    const std::string* sent(std::string_view name) const {
        return server.requests.back().headers.find(name);
    }
};

Answer whole(std::string body = video) {
    Answer answer;
    answer.headers = {{"ETag", "\"v1\""}};
    answer.body = std::move(body);
    return answer;
}

Answer rest(std::size_t from, std::string etag = "\"v1\"") {
    Answer answer;
    answer.status = 206;
    answer.body = video.substr(from);
    answer.headers = {
        {"ETag", std::move(etag)},
        {"Content-Range", fmt::format("bytes {}-{}/{}", from, video.size() - 1, video.size())}};
    return answer;
}

Answer cut_after(std::size_t bytes) {
    Answer answer = whole();
    answer.sent = bytes;
    return answer;
}

Answer status(int code, std::vector<Header> headers = {}) {
    Answer answer;
    answer.status = code;
    answer.headers = std::move(headers);
    answer.body = "words";
    return answer;
}

// A room whose first try was cut after 3000 bytes.
void cut_once(Room& room) {
    room.server.answers = {cut_after(3000)};
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::retry);
    CHECK(failed.error.code == "cut_short");
    CHECK(room.part() == video.substr(0, 3000));
}

}  // namespace

TEST_CASE("a whole file is stored under its planned path with what its bytes are") {
    Room room;
    room.task.index = 3;
    room.task.expected_bytes = video.size();
    room.server.answers = {whole()};
    const auto stored = room.stored();
    CHECK(stored.index == 3);
    CHECK(stored.path == target);
    CHECK(stored.bytes == video.size());
    CHECK(stored.sha256 == sha256_hex(video));
    CHECK(stored.content_type == "video/mp4");
    CHECK(room.disk.at(target) == video);
    CHECK(room.is_clean());
}

TEST_CASE("a disk without exclusive renames gives the file its name by a link") {
    Room room;
    room.disk.exclusive_rename = false;
    room.server.answers = {whole()};
    CHECK(room.stored().path == target);
    CHECK(room.disk.at(target) == video);
    CHECK(room.is_clean());
}

TEST_CASE("the request asks for untransformed bytes and carries no key") {
    Room room;
    room.server.answers = {whole()};
    room.stored();
    CHECK(*room.sent("Accept-Encoding") == "identity");
    CHECK(room.sent("Authorization") == nullptr);
    CHECK(room.sent("Range") == nullptr);
    CHECK_FALSE(room.server.options[0].allow_plain_http);
    CHECK_FALSE(room.server.options[0].allow_private_addresses);
    CHECK(room.server.options[0].step_timeout == room.config.stall_timeout);
    CHECK(room.server.options[0].total_timeout == room.config.total_timeout);
}

TEST_CASE("a cut download is continued where it ended, and its hash is of the whole") {
    Room room;
    cut_once(room);
    room.server.answers = {rest(3000)};
    CHECK(room.stored().sha256 == sha256_hex(video));
    CHECK(*room.sent("Range") == "bytes=3000-");
    CHECK(*room.sent("If-Range") == "\"v1\"");
    CHECK(room.disk.at(target) == video);
    CHECK(room.is_clean());
}

TEST_CASE("a server that ignores Range starts over") {
    Room room;
    cut_once(room);
    room.server.answers = {whole()};
    CHECK(room.stored().sha256 == sha256_hex(video));
}

TEST_CASE("a file that changed in between starts over by the server's full answer") {
    Room room;
    cut_once(room);
    room.server.answers = {whole(other_video)};
    CHECK(room.stored().sha256 == sha256_hex(other_video));
}

TEST_CASE("a continuation of another file or another place is thrown away and asked anew") {
    for (const Answer& wrong : {rest(3000, "\"v2\""), rest(2000), status(206)}) {
        Room room;
        cut_once(room);
        room.server.answers = {wrong, whole()};
        CHECK(room.stored().sha256 == sha256_hex(video));
        CHECK(room.sent("Range") == nullptr);
    }
}

TEST_CASE("a range that is not satisfied means whole or start over") {
    SUBCASE("the part has more bytes than the file") {
        Room room;
        cut_once(room);
        room.server.answers = {status(416, {{"Content-Range", "bytes */2000"}}), whole()};
        CHECK(room.stored().sha256 == sha256_hex(video));
    }
    SUBCASE("the part is the file, though its size was never told") {
        Room room;
        Answer endless = whole();
        endless.chunked = true;
        endless.hangs = true;
        room.server.answers = {endless};
        CHECK(room.failed().error.code == "timeout");
        room.server.answers = {
            status(416, {{"Content-Range", fmt::format("bytes */{}", video.size())}})};
        CHECK(room.stored().sha256 == sha256_hex(video));
    }
}

TEST_CASE("a server that cannot serve the file from its begin gives up the try, not the job") {
    Room room;
    cut_once(room);
    const Answer odd = status(416, {{"Content-Range", "bytes */1"}});
    room.server.answers = {odd, odd};
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::retry);
    CHECK(failed.error.code == "http_416");
}

TEST_CASE("without a validator nothing is continued") {
    Room room;
    Answer cut = cut_after(3000);
    cut.headers = {{"ETag", "W/\"weak\""}};
    room.server.answers = {cut};
    room.failed();
    room.server.answers = {whole()};
    room.stored();
    CHECK(room.sent("Range") == nullptr);
}

TEST_CASE("a part that was damaged on the disk is not continued") {
    Room room;
    cut_once(room);
    room.disk.put(room.task.part, std::string(3000, '\0'));
    room.server.answers = {whole()};
    CHECK(room.stored().sha256 == sha256_hex(video));
    CHECK(room.sent("Range") == nullptr);
}

TEST_CASE("bytes that the note does not vouch for are cut off before the part goes on") {
    Room room;
    cut_once(room);
    room.disk.put(room.task.part, room.part() + "torn by the power failure");
    room.server.answers = {rest(3000)};
    CHECK(room.stored().sha256 == sha256_hex(video));
}

TEST_CASE("a torn or missing note, a short part and another URL all start over") {
    Room room;
    cut_once(room);
    SUBCASE("torn") {
        room.disk.put(note_path(room.task.part), room.note().substr(0, 20));
    }
    SUBCASE("missing") {
        REQUIRE(room.disk.remove(note_path(room.task.part)).has_value());
    }
    SUBCASE("short") {
        room.disk.put(room.task.part, "x");
    }
    SUBCASE("another URL") {
        room.task.url = "https://fal.media/b.mp4";
    }
    room.server.answers = {whole()};
    CHECK(room.stored().sha256 == sha256_hex(video));
    CHECK(room.sent("Range") == nullptr);
}

TEST_CASE("the note holds no URL") {
    Room room;
    cut_once(room);
    CHECK(room.note().find("fal.media") == std::string::npos);
}

TEST_CASE("a cancelled download keeps what came and throws") {
    Room room;
    Answer slow = whole();
    slow.pause = Millis{1000};
    room.server.answers = {slow};
    Downloader downloader({room.clock, room.disk, room.server}, room.config);
    boost::asio::cancellation_signal signal;
    std::exception_ptr thrown;
    auto ended = [&](std::exception_ptr failure, domain::Event) { thrown = failure; };
    boost::asio::co_spawn(room.context, downloader.fetch(room.task),
                          boost::asio::bind_cancellation_slot(signal.slot(), ended));
    test::settle(room.context);
    for (int i = 0; i < 4; ++i) {
        room.clock.advance(Millis{1000});
        test::settle(room.context);
    }
    signal.emit(boost::asio::cancellation_type::terminal);
    test::settle(room.context);
    REQUIRE(thrown);
    CHECK_THROWS_AS(std::rethrow_exception(thrown), boost::system::system_error);
    room.server.answers = {rest(4000)};
    CHECK(room.stored().sha256 == sha256_hex(video));
    CHECK(*room.sent("Range") == "bytes=4000-");
}

TEST_CASE("redirects are followed by hand, relative ones too, and every hop is checked") {
    Room room;
    room.server.answers = {status(302, {{"Location", "/moved.mp4"}}),
                           status(307, {{"Location", "https://fal.media/far.mp4"}}), whole()};
    room.stored();
    REQUIRE(room.server.requests.size() == 3);
    CHECK(room.server.requests[1].url == "https://v3b.fal.media:443/moved.mp4");
    CHECK(room.server.requests[2].url == "https://fal.media/far.mp4");
}

TEST_CASE(
    "a redirect to a host that is not allowed, to plain http or with a user name is refused") {
    for (const char* location :
         {"https://127.0.0.1/x", "https://169.254.169.254/latest", "http://fal.media/x",
          "https://me:pw@fal.media/x", "https://evil.example/x"}) {
        CAPTURE(location);
        Room room;
        room.server.answers = {status(302, {{"Location", location}}), whole()};
        CHECK(room.failed().problem == FetchProblem::refused);
        CHECK(room.server.requests.size() == 1);
    }
}

TEST_CASE("an allowed host at a private address stays refused unless a user named it") {
    Room room;
    Answer refused;
    refused.unanswered = true;
    refused.error = Error(ErrorCode::refused, "10.1.2.3 is a private address");
    room.server.answers = {status(302, {{"Location", "https://10.1.2.3/x"}}), refused};
    CHECK(room.failed().problem == FetchProblem::refused);
    CHECK_FALSE(room.server.options[1].allow_private_addresses);

    Room named;
    named.task.url = "http://127.0.0.1:8470/media/a.mp4";
    named.server.answers = {whole()};
    named.stored();
    CHECK(named.server.options[0].allow_plain_http);
    CHECK(named.server.options[0].allow_private_addresses);
}

TEST_CASE("a URL whose host is not allowed is refused before anything is asked or made") {
    Room room;
    room.task.url = "https://evil.example/a.mp4?sig=secret";
    CHECK(room.failed().problem == FetchProblem::refused);
    CHECK(room.server.requests.empty());
    CHECK(room.disk.files().empty());
}

TEST_CASE("endless and broken redirects end the try") {
    Room room;
    for (int i = 0; i < 9; ++i) {
        room.server.answers.push_back(status(301, {{"Location", "/again"}}));
    }
    CHECK(room.failed().error.code == "redirects");
    CHECK(room.server.requests.size() == 6);
    Room broken;
    broken.server.answers = {status(301)};
    CHECK(broken.failed().error.code == "redirects");
}

TEST_CASE("a file that is gone is expired, a busy server is tried again when it says") {
    for (const int code : {403, 404, 410}) {
        Room room;
        room.server.answers = {status(code)};
        CHECK(room.failed().problem == FetchProblem::expired);
    }
    Room room;
    room.server.answers = {status(503, {{"Retry-After", "40"}})};
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::retry);
    CHECK(failed.error.code == "http_503");
    CHECK(failed.retry_after == Millis{40'000});
}

TEST_CASE("a failing answer does not cost the part") {
    Room room;
    cut_once(room);
    room.server.answers = {status(429)};
    CHECK(room.failed().error.code == "http_429");
    room.server.answers = {rest(3000)};
    CHECK(room.stored().sha256 == sha256_hex(video));
    CHECK(*room.sent("Range") == "bytes=3000-");
}

TEST_CASE("a network that fails before an answer is tried again") {
    Room room;
    Answer none;
    none.unanswered = true;
    none.error = Error(ErrorCode::unreachable, "no route");
    room.server.answers = {none};
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::retry);
    CHECK(failed.error.code == "unreachable");
}

TEST_CASE("a slow trickle counts as a stall") {
    Room room;
    Answer trickle = whole();
    trickle.step = 10;
    trickle.pause = Millis{5'000};
    room.server.answers = {trickle};
    const Millis begin = room.clock.monotonic();
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::retry);
    CHECK(failed.error.code == "timeout");
    CHECK(failed.error.message.find("stalled") != std::string::npos);
    CHECK(room.clock.monotonic() - begin <= room.config.stall_timeout + Millis{5'000});
}

TEST_CASE("a steady download ends at the total deadline and goes on in the next try") {
    Room room;
    room.config.total_timeout = Millis{6'000};
    Answer slow = whole();
    slow.step = 1500;
    slow.pause = Millis{2'000};
    room.server.answers = {slow};
    CHECK(room.failed().error.code == "timeout");
    CHECK(room.part() == video.substr(0, 4500));
    room.server.answers = {rest(4500)};
    CHECK(room.stored().sha256 == sha256_hex(video));
}

TEST_CASE("a file larger than allowed is refused, told or not, and leaves nothing") {
    Room room;
    room.config.max_bytes = 5000;
    SUBCASE("by the provider's word") {
        room.task.expected_bytes = video.size();
        CHECK(room.failed().problem == FetchProblem::refused);
        CHECK(room.server.requests.empty());
    }
    SUBCASE("by Content-Length") {
        room.server.answers = {whole()};
        CHECK(room.failed().problem == FetchProblem::refused);
    }
    SUBCASE("by its bytes") {
        Answer chunked = whole();
        chunked.chunked = true;
        room.server.answers = {chunked};
        const auto failed = room.failed();
        CHECK(failed.problem == FetchProblem::refused);
        CHECK(failed.error.code == "too_large");
    }
    CHECK(room.disk.files().empty());
}

TEST_CASE("too little room is a problem of the disk, before and during the download") {
    Room room;
    room.config.disk_reserve_bytes = 1000;
    SUBCASE("the provider told the size") {
        room.task.expected_bytes = video.size();
        room.disk.claimed_free = video.size() + 999;
        CHECK(room.failed().problem == FetchProblem::disk);
        CHECK(room.server.requests.empty());
    }
    SUBCASE("the server told the size") {
        room.disk.claimed_free = video.size() + 999;
        room.server.answers = {whole()};
        CHECK(room.failed().problem == FetchProblem::disk);
    }
    SUBCASE("just enough") {
        room.disk.claimed_free = video.size() + 1000;
        room.server.answers = {whole()};
        room.stored();
    }
}

TEST_CASE("a disk that fills up in the middle keeps the part up to its last checkpoint") {
    Room room;
    const std::string large = test::Mp4{.samples = 100, .sample_bytes = 100'000}.bytes();
    constexpr std::size_t checkpoint = 8'500'000;  // the first write past 8 MiB
    Answer answer = whole(large);
    answer.step = 500'000;
    answer.chunked = true;
    room.server.answers = {answer};
    room.disk.capacity = 9'000'200;          // no room for a second line in the note
    room.disk.claimed_free = 1'000'000'000;  // so that only the write itself tells
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::disk);
    CHECK(failed.error.code == "disk_full");
    CHECK(room.part().size() == 9'000'000);
    room.disk.capacity = 1'000'000'000;
    Answer remaining = whole(large.substr(checkpoint));
    remaining.status = 206;
    remaining.headers.push_back({"Content-Range", fmt::format("bytes {}-{}/{}", checkpoint,
                                                              large.size() - 1, large.size())});
    room.server.answers = {remaining};
    CHECK(room.stored().sha256 == sha256_hex(large));
    CHECK(*room.sent("Range") == fmt::format("bytes={}-", checkpoint));
}

TEST_CASE("sizes that disagree are found, whoever told them") {
    Room room;
    SUBCASE("the provider announced another size") {
        room.task.expected_bytes = video.size() + 1;
        room.server.answers = {whole()};
        CHECK(room.failed().error.code == "size_mismatch");
        CHECK(room.is_clean());
    }
    SUBCASE("the server sent less than it announced and called it whole") {
        Answer shorter = whole(video.substr(0, 4000));
        shorter.headers.push_back({"Content-Length", std::to_string(video.size())});
        room.server.answers = {shorter};
        CHECK(room.failed().error.code == "cut_short");
    }
    SUBCASE("the server sent more than it announced") {
        Answer longer = whole();
        longer.headers.push_back({"Content-Length", "100"});
        room.server.answers = {longer};
        CHECK(room.failed().error.code == "size_mismatch");
    }
    CHECK_FALSE(room.disk.files().contains(target));
}

TEST_CASE("an HTML page or a cut video that was served as whole is bad media and leaves nothing") {
    Room room;
    SUBCASE("page") {
        room.server.answers = {whole("<!doctype html><html>please log in</html>")};
        CHECK(room.failed().error.message == "an HTML page, not media");
    }
    SUBCASE("cut") {
        room.server.answers = {whole(video.substr(0, video.size() - 7))};
        CHECK(room.failed().error.message.find("cut short") != std::string::npos);
    }
    SUBCASE("empty") {
        room.server.answers = {whole("")};
        const auto failed = room.failed();
        CHECK(failed.problem == FetchProblem::bad_media);
        CHECK(failed.error.message == "an empty file");
    }
    CHECK(room.disk.files().empty());
}

TEST_CASE(
    "power lost between publish and commit: the published file is adopted, not fetched again") {
    Room room;
    room.task.expected_bytes = video.size();
    room.server.answers = {whole()};
    const auto first = room.stored();
    const auto again = room.stored();  // the answers are used up: nothing is asked
    CHECK(room.server.requests.size() == 1);
    CHECK(again.sha256 == first.sha256);
    CHECK(again.bytes == first.bytes);
    CHECK(again.content_type == "video/mp4");
    CHECK(again.path == target);
}

TEST_CASE("a file that a dead process had only renamed is flushed before it counts") {
    Room room;
    room.task.expected_bytes = video.size();
    room.server.answers = {whole()};
    room.stored();
    room.disk.before_publish = [] { return Status(Error(ErrorCode::io, "fsync")); };
    const auto doubtful = room.failed();
    CHECK(doubtful.problem == FetchProblem::retry);
    CHECK(doubtful.error.code == "path_taken");
}

TEST_CASE("without a known size the published file is proved by fetching it again") {
    Room room;
    room.server.answers = {whole(), whole()};
    const auto first = room.stored();
    CHECK(room.stored().sha256 == first.sha256);
    CHECK(room.server.requests.size() == 2);
    CHECK(room.is_clean());
    CHECK(room.disk.files().size() == 1);
}

TEST_CASE("a comparison with the published file that was cut short is made again") {
    Room room;
    room.server.answers = {whole(), whole()};
    const auto first = room.stored();
    room.disk.put(room.task.part, "begun");
    CHECK(room.stored().sha256 == first.sha256);
    CHECK(room.is_clean());
    CHECK(room.disk.files().size() == 1);
}

TEST_CASE("a foreign file under the planned name is left alone and another name is asked for") {
    Room room;
    room.disk.put(target, other_video + "x");
    SUBCASE("known by the size that the provider told") {
        room.task.expected_bytes = video.size();
    }
    SUBCASE("known by the size that the server told") {
        room.server.answers = {whole()};
    }
    SUBCASE("known by its bytes") {
        room.disk.put(target, other_video);
        REQUIRE(other_video.size() == video.size());
        room.server.answers = {whole()};
    }
    SUBCASE("with a part of a comparison that was cut short beside it") {
        room.disk.put(room.task.part, "begun");
        room.server.answers = {whole()};
    }
    const std::string before = room.disk.at(target);
    const auto failed = room.failed();
    CHECK(failed.problem == FetchProblem::retry);
    CHECK(failed.error.code == "path_taken");
    CHECK(room.disk.at(target) == before);
    CHECK(room.is_clean());
}

TEST_CASE("a file that takes the name at the last moment is not replaced") {
    Room room;
    room.server.answers = {whole()};
    room.disk.before_publish = [&] {
        room.disk.put(target, "somebody else's");
        return ok();
    };
    CHECK(room.failed().error.code == "path_taken");
    CHECK(room.disk.at(target) == "somebody else's");
}

TEST_CASE("a disk that refuses to publish keeps the whole part, which needs no second download") {
    Room room;
    room.server.answers = {whole()};
    room.disk.before_publish = [] { return Status(Error(ErrorCode::io, "fsync")); };
    CHECK(room.failed().problem == FetchProblem::disk);
    room.disk.before_publish = nullptr;
    CHECK(room.stored().sha256 == sha256_hex(video));
    CHECK(room.server.requests.size() == 1);
    CHECK(room.is_clean());
}

TEST_CASE("what is stored survives a power cut, whoever gave the file its name") {
    Room room;
    room.task.expected_bytes = video.size();
    room.server.answers = {whole()};
    SUBCASE("this fetch") {}
    SUBCASE("a process that did not live to flush the folder, nor to remove the note") {
        room.disk.fail(test::SimulatedDisk::Op::sync, 1, ErrorCode::io, 1, "nightly");
        CHECK(room.failed().problem == FetchProblem::disk);
        REQUIRE(room.disk.after_power_cut({})->at(target) == "(absent)");
        room.disk.put(note_path(room.task.part), "{}");
    }
    CHECK(room.stored().path == target);
    CHECK(room.server.requests.size() == 1);
    CHECK(room.is_clean());
    const auto left = room.disk.after_power_cut({});
    CHECK(left->at(target) == video);
    for (const auto& [path, file] : left->files()) CHECK(path == target);
}

TEST_CASE("a planned path outside of the outputs folder is refused") {
    for (const char* path :
         {"/etc/cron.d/x", "/outputs", "/outputs/", "/outputs-2/x", "/outputs/../x/y"}) {
        CAPTURE(path);
        Room room;
        room.task.target = path;
        CHECK(room.failed().problem == FetchProblem::refused);
        CHECK(room.disk.files().empty());
    }
}

TEST_CASE("a part's name stays within the limit of file names and apart from its siblings") {
    CHECK(part_path("/o/b/job-1.mp4", JobId("job-1")) == "/o/b/.job-1.mp4.job-1.part");
    const JobId job(std::string(64, 'j'));
    const std::string stem(190, 'n');
    const std::string first = part_path("/o/" + stem + "-1.mp4", job);
    const std::string second = part_path("/o/" + stem + "-2.mp4", job);
    CHECK(first != second);
    CHECK(note_path(first).size() - 3 <= 255);
}

TEST_CASE("parts that nobody owns are removed, other files never") {
    Room room;
    room.disk.put("/outputs/a/.x.mp4.job-1.part", "owned");
    room.disk.put("/outputs/a/.x.mp4.job-1.part.json", "{}");
    room.disk.put("/outputs/a/.y.mp4.job-2.part", "stale");
    room.disk.put("/outputs/a/.z.mp4.job-3.part.json", "stale note");
    room.disk.put("/outputs/a/mine.part", "a user's");
    room.disk.put("/outputs/a/x.mp4", "video");
    Downloader downloader({room.clock, room.disk, room.server}, room.config);
    const auto removed = downloader.remove_stale_parts("/outputs/a", [](const std::string& part) {
        return part == "/outputs/a/.x.mp4.job-1.part";
    });
    REQUIRE(removed.has_value());
    CHECK(removed->size() == 2);
    CHECK(room.disk.files().size() == 4);
    CHECK(room.disk.at("/outputs/a/mine.part") == "a user's");
    CHECK(room.disk.at("/outputs/a/.x.mp4.job-1.part") == "owned");
}
