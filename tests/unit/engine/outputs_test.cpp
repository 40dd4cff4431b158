// Results that are more, or less, than files with an address.
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "sandbox/sound.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

constexpr auto speech = "fal-ai/minimax/speech-02-hd";

std::string sound_of(const std::string& format) {
    sandbox::SoundSpec spec;
    spec.seed = "a";
    spec.format = format;
    return sandbox::make_sound(spec);
}

void answer_with(Room& room, std::string result) {
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    room.client.answer["result"] = [result = std::move(result)](const HttpRequest&) {
        return answered(200, result);
    };
}

void speak(Room& room, const std::string& sound) {
    answer_with(room, R"({"audio":")" + to_hex(sound) + R"(","duration_ms":1000})");
}

bool submit(Room& room, const std::string& id, json::object more = {}) {
    std::vector<domain::JobRequest> one{room.request(id, speech, std::move(more))};
    return room.submit(std::move(one));
}

// The sound that job "a" has as its file now.
std::string spoken(Room& room, const char* kind) {
    std::string sound = sound_of(kind);
    speak(room, sound);
    room.start();
    REQUIRE(submit(room, "a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    return sound;
}

std::string ask(Room& room, const std::string& sql) { return Foreign(room.database()).ask(sql); }

}  // namespace

TEST_CASE("sound within the answer becomes a verified file, and nothing is asked for it") {
    Room room;
    const std::string sound = spoken(room, "mp3");
    const Job job = room.job("a");
    REQUIRE(job.outputs.size() == 1);
    CHECK(job.outputs[0].path == "/outputs/a.mp3");
    CHECK(job.outputs[0].content_type == "audio/mpeg");
    CHECK(job.outputs[0].sha256 == sha256_hex(sound));
    CHECK(job.outputs[0].url.empty());
    CHECK(job.values == R"({"duration_ms":1000})");
    CHECK(room.disk.at("/outputs/a.mp3") == sound);
    CHECK(room.client.count["file"] == 0);
    CHECK(room.disk.files().size() == 1);
    CHECK(ask(room, "SELECT count(*) FROM output_contents") == "0");
}

TEST_CASE("the bytes within an answer stand neither in the trail nor in the evidence") {
    Room room;
    const std::string sound = spoken(room, "mp3");
    const std::string piece = to_hex(sound).substr(0, 64);
    CHECK(ask(room, "SELECT count(*) FROM events WHERE instr(patch, '" + piece + "')") == "0");
    CHECK(ask(room, "SELECT count(*) FROM evidence WHERE instr(CAST(body AS TEXT), '" + piece +
                        "')") == "0");
    const auto proof = room.proof("a", "result_seen");
    REQUIRE(proof.size() == 1);
    CHECK(proof[0].body.find(sha256_hex(to_hex(sound))) != std::string::npos);
    CHECK(proof[0].body.find("\"duration_ms\":1000") != std::string::npos);
}

TEST_CASE("sound within the answer outlives the process that read it") {
    Room room;
    const std::string sound = sound_of("flac");
    speak(room, sound);
    room.client.delay["result"] = Millis{5'000};
    room.start();
    REQUIRE(submit(room, "a"));
    REQUIRE(room.until([&] { return room.client.count["result"] == 1; }));
    room.disk.capacity = 0;
    REQUIRE(room.until([&] { return room.job("a").reason == Reason::disk; }));
    room.end();
    room.client.answer["result"] = [](const HttpRequest&) { return answered(404, "{}"); };
    room.disk.capacity = std::uint64_t{1} << 40;
    room.start();
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.disk.at(room.job("a").outputs[0].path) == sound);
    CHECK(room.job("a").outputs[0].path == "/outputs/a.flac");
    CHECK(room.client.count["result"] == 1);
}

TEST_CASE("raw samples are a file when the input asked for them, and broken when it did not") {
    Room room;
    speak(room, sound_of("pcm"));
    room.start();
    json::object input{{"text", "hello"}, {"audio_setting", json::object{{"format", "pcm"}}}};
    REQUIRE(submit(room, "raw", {{"input", std::move(input)}}));
    REQUIRE(submit(room, "odd"));
    REQUIRE(room.until([&] { return room.is("raw", State::completed); }));
    CHECK(room.job("raw").outputs[0].path == "/outputs/raw.pcm");
    CHECK(room.job("raw").outputs[0].content_type == "audio/pcm");
    REQUIRE(room.until([&] { return room.is("odd", State::failed); }));
    CHECK(room.job("odd").reason == Reason::media_invalid);
}

TEST_CASE("what could not be stored is kept for the retry, which asks nobody") {
    Room room;
    const std::string sound = sound_of("mp3");
    speak(room, sound);
    room.config.downloads.max_bytes = 100;
    room.start();
    REQUIRE(submit(room, "a"));
    REQUIRE(room.until([&] { return room.is("a", State::failed); }));
    CHECK(room.job("a").reason == Reason::download);
    room.end();
    room.config.downloads.max_bytes = 1 << 20;
    room.start();
    const auto again = room.run(room.engine().act(JobId("a"), engine::Action::retry));
    REQUIRE(again.has_value());
    const std::string id = again->request.id.str();
    REQUIRE(room.until([&] { return room.is(id, State::completed); }));
    CHECK(room.disk.at(room.job(id).outputs[0].path) == sound);
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("a result of values alone completes the job, and costs no fetch") {
    Room room;
    answer_with(room, R"({"custom_voice_id":"moss_1","audio":null})");
    room.start();
    REQUIRE(submit(room, "a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    CHECK(room.job("a").values == R"({"custom_voice_id":"moss_1"})");
    CHECK(room.job("a").outputs.empty());
    CHECK(room.attempt("a").outcome == "completed");
    CHECK(room.client.count["file"] == 0);
    CHECK(ask(room, "SELECT json_extract(result_values, '$.custom_voice_id') FROM jobs") ==
          "moss_1");
}

TEST_CASE("an image where a video was promised is fetched anew, and fails in the end") {
    Room room;
    answer_with(room, R"({"video":{"url":"http://127.0.0.1:8470/files/0.mp4"}})");
    const std::string picture = sandbox::make_png("a", 16, 9);
    room.client.answer["file"] = [picture](const HttpRequest&) { return answered(200, picture); };
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::failed); }));
    CHECK(room.job("a").reason == Reason::media_invalid);
    CHECK(room.job("a").error->message.find("where a video was promised") != std::string::npos);
    CHECK(room.client.count["file"] == 3);
    CHECK(room.disk.files().empty());
}

TEST_CASE("several images of one job are numbered by the template") {
    Room room;
    const std::string picture = sandbox::make_png("a", 16, 9);
    std::string files;
    for (int i = 0; i < 3; ++i) {
        files += fmt::format(R"({}{{"url":"http://127.0.0.1:8470/files/{}"}})", i ? "," : "", i);
    }
    answer_with(room, R"({"images":[)" + files + "]}");
    room.client.answer["file"] = [picture](const HttpRequest&) { return answered(200, picture); };
    room.start();
    REQUIRE(room.submit("a", {{"output", "{id}/{n}.{ext}"}}));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
    for (const auto* path : {"/outputs/a/1.png", "/outputs/a/2.png", "/outputs/a/3.png"}) {
        CHECK(room.disk.at(path) == picture);
    }
}

TEST_CASE("a webhook that holds the sound itself makes the daemon ask for the result") {
    Room room;
    const std::string sound = sound_of("mp3");
    speak(room, sound);
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"IN_PROGRESS"})");
    };
    room.start();
    REQUIRE(submit(room, "a"));
    REQUIRE(room.until([&] { return room.job("a").remote.has_value(); }));
    room.client.answer["status"] = [](const HttpRequest&) {
        return answered(200, R"({"status":"COMPLETED"})");
    };
    Delivered delivered;
    delivered.body = R"({"request_id":"r-1","status":"OK","payload":{"audio":")" + to_hex(sound) +
                     R"("}})";
    CHECK(room.deliver("a", delivered) == 200);
    REQUIRE(room.until([&] { return room.is("a", State::completed); }, std::chrono::minutes{1}));
    CHECK(room.disk.at(room.job("a").outputs[0].path) == sound);
}

TEST_CASE("a file of which the result says nothing has to be what the model gives") {
    Room room;
    const std::string sound = sound_of("mp3");
    answer_with(room, R"({"made":{"url":"http://127.0.0.1:8470/files/a"}})");
    room.client.answer["file"] = [sound](const HttpRequest&) { return answered(200, sound); };
    State wanted = State::failed;
    SUBCASE("a video is no sound") { room.config.catalogue = catalogue::load(); }
    SUBCASE("a user's file may err about it") {
        const json::object words{{"type", "string"}};
        const json::object input{{"type", "object"},
                                 {"properties", json::object{{"prompt", words}}}};
        const json::object own{{"id", model},
                               {"output", "video"},
                               {"input", input},
                               {"example", json::object{}}};
        room.config.catalogue = catalogue::load({{"own.json", json::serialize(own)}});
        REQUIRE(room.config.catalogue->mistakes().empty());
        wanted = State::completed;
    }
    SUBCASE("nobody knows the model") { wanted = State::completed; }
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return domain::is_terminal(room.job("a").state); }));
    CHECK(room.job("a").state == wanted);
    if (wanted == State::failed) CHECK(room.job("a").reason == domain::Reason::media_invalid);
}
