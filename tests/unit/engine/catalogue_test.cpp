// Goal: the catalogue guards the inbox as it guards the socket, and never what was made before.
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

constexpr const char* known = "fal-ai/minimax/hailuo-02/standard/text-to-video";

std::string error_of(Room& room, const std::string& id) {
    return Foreign(room.inbox(), false)
        .ask("SELECT coalesce(error, '') FROM jobs WHERE id = '" + id + "'");
}

bool has(Room& room, const std::string& id) {
    return room.read([&](store::Tx& tx) { return tx.find_job(JobId(id)); }).has_value();
}

std::string first_words(Room& room, const std::string& id) {
    return room.read([&](store::Tx& tx) { return tx.events(JobId(id)).front().note; });
}

void look(Room& room) {
    room.engine().inbox_changed();
    settle(room.loop);
}

}  // namespace

TEST_CASE("a row that the model would not take stays, with every mistake") {
    Room room;
    room.config.catalogue = catalogue::load();
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", known, R"({"duration":7,"promt":"x"})"));
    look(room);
    CHECK(!has(room, "a"));
    const std::string error = error_of(room, "a");
    CAPTURE(error);
    CHECK(error.find("input.prompt: is missing") != std::string::npos);
    CHECK(error.find("input.duration: must be \"6\" or \"10\"") != std::string::npos);
    CHECK(error.find("did you mean \"prompt\"?") != std::string::npos);
    Foreign(room.inbox()).exec("UPDATE jobs SET input = '{\"prompt\":\"x\"}', error = NULL");
    look(room);
    CHECK(has(room, "a"));
    CHECK(first_words(room, "a").starts_with("dropped into the inbox; it costs"));
}

TEST_CASE("a row of an unknown model is taken once it says that it is unchecked") {
    Room room;
    room.config.catalogue = catalogue::load();
    room.start();
    REQUIRE(drop_row(room.inbox(), "a", "fal-ai/some/model", "{}"));
    look(room);
    CHECK(error_of(room, "a").starts_with("model: \"fal-ai/some/model\" is not in the catalogue"));
    Foreign(room.inbox()).exec("UPDATE jobs SET unchecked = 1, error = NULL");
    look(room);
    CHECK(has(room, "a"));
    CHECK(first_words(room, "a") ==
          "dropped into the inbox; the input was not checked against the catalogue");
}

TEST_CASE("an inbox of an older daemon gets the column") {
    Room room;
    room.config.catalogue = catalogue::load();
    room.start();
    Foreign(room.inbox()).exec("ALTER TABLE jobs DROP COLUMN unchecked");
    room.end();
    room.start();
    Foreign(room.inbox())
        .exec("INSERT INTO jobs (id, model, input, unchecked) VALUES ('a', 'fal-ai/old/one', '{}', 1)");
    look(room);
    CHECK(has(room, "a"));
}

TEST_CASE("a job whose model is not known any more can be tried again") {
    Room room;
    room.start();
    const std::string later = std::to_string(to_unix_ms(room.clock.now() + Millis{3'600'000}));
    const std::string row = "INSERT INTO jobs (id, model, input, not_before) VALUES "
                            "('a', 'fal-ai/some/model', '{}', " + later + ")";
    Foreign(room.inbox()).exec(row);
    look(room);
    REQUIRE(has(room, "a"));
    room.config.catalogue = catalogue::load();
    room.engine().reconfigure(room.config);
    // A row that comes twice, as after a crash, is the job that is there.
    Foreign(room.inbox()).exec(row);
    look(room);
    CHECK(Foreign(room.inbox(), false).ask("SELECT count(*) FROM jobs") == "0");
    REQUIRE(room.act("a", engine::Action::cancel));
    CHECK(room.act("a", engine::Action::retry));
}

TEST_CASE("a row's local files are looked at like those of the socket") {
    Room room;
    room.config.catalogue = catalogue::load();
    room.config.inputs.folders = {"/shots"};
    room.disk.put("/shots/note.txt", "no image at all");
    room.start();
    constexpr const char* with_image = "fal-ai/minimax/hailuo-02/standard/image-to-video";
    REQUIRE(drop_row(room.inbox(), "a", with_image, R"({"prompt":"x","image_url":"/etc/key"})"));
    REQUIRE(drop_row(room.inbox(), "b", with_image,
                     R"({"prompt":"x","image_url":"/shots/note.txt"})"));
    look(room);
    CHECK(!has(room, "a"));
    CHECK(error_of(room, "a").find("[inputs] folders, which names /shots") != std::string::npos);
    CHECK(error_of(room, "b").starts_with("input.image_url: \"/shots/note.txt\" is"));
}
