#include "support/scenario.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "engine/export_line.hpp"
#include "sandbox/sound.hpp"

namespace reeld::test {
namespace {

using domain::State;
using engine::Action;
using std::chrono::minutes;

constexpr Millis moment{50};

// Short runs and short waits: a story has few turns of the loop, and dies in each of them.
WorldOptions usual() {
    WorldOptions options;
    options.seed = 5;
    options.submit_unknown_wait = Millis{60'000};
    options.inbox_interval = Millis{60'000};
    options.provider.run_min = Millis{4'000};
    options.provider.run_max = Millis{8'000};
    return options;
}

WorldOptions polling() {
    WorldOptions options = usual();
    options.webhooks = false;
    return options;
}

std::string after(Stage& stage, Millis duration) {
    return to_rfc3339(stage.world().clock().now() + duration);
}

// ---- the inbox ----

WorldOptions short_log() {
    WorldOptions options = usual();
    options.checkpoint_frames = 12;
    return options;
}

void play_rows(Stage& stage) {
    stage.drop("row-1");
    stage.drop("");
    stage.drop_broken("row-2");
    stage.wait_for("row-1", State::submitted);
    stage.mend("row-2");
    // The id of another job.
    stage.drop("row-1", "with other content");
    stage.wait_for("row-1", State::completed);
}

// A reader keeps the write-ahead log from starting over; when it is gone, the log is cut.
void play_long_log(Stage& stage) {
    {
        SQLite::Database reader(stage.world().database(), SQLite::OPEN_READONLY);
        SQLite::Statement look(reader, "SELECT count(*) FROM jobs");
        look.executeStep();
        stage.submit({stage.job("log-1"), stage.job("log-2"), stage.job("log-3")});
        stage.wait_for("log-3", State::completed, minutes{2});
    }
    stage.wait(minutes{2});
}

// ---- the socket ----

void play_socket(Stage& stage) {
    stage.submit("one");
    json::object high = stage.job("array-2");
    high["priority"] = 5;
    stage.submit({stage.job("array-1"), std::move(high)});
    stage.submit("one");
    // Refused as a conflict, and the good one beside it with it: all or nothing.
    stage.submit({stage.job("array-3"), stage.job("one", "with other content")});
    stage.look();
    stage.wait_for("one", State::completed);
    stage.look();
}

void play_pending(Stage& stage) {
    json::object later = stage.job("later");
    later["not_before"] = after(stage, minutes{3});
    json::object never = stage.job("never");
    never["deadline"] = after(stage, minutes{2});
    never["not_before"] = after(stage, minutes{1});
    json::object dropped = stage.job("dropped");
    dropped["not_before"] = after(stage, minutes{5});
    json::object kept = stage.job("kept");
    kept["not_before"] = after(stage, minutes{5});
    stage.submit({later, never, dropped, kept});
    stage.expect("never", {State::failed});
    stage.expect("dropped", {State::cancelled});
    stage.act("dropped", Action::cancel);
    stage.act("never", Action::hold);
    stage.act("kept", Action::hold);
    stage.look();
    stage.act("kept", Action::release);
    // A cancelled job that nobody ever submitted, once more; asked twice, it is the same new one.
    const Reply again = stage.act("dropped", Action::retry);
    stage.act("dropped", Action::retry);
    stage.wait(minutes{6});
}

// ---- webhooks and polls ----

void play_webhooks(Stage& stage) {
    stage.submit({stage.job("early", "[sandbox:webhook_early]"),
                  stage.job("late", "[sandbox:webhook_late]"),
                  stage.job("twice", "[sandbox:webhook_duplicate]"),
                  stage.job("forged", "[sandbox:webhook_forged]")});
    stage.wait_for("late", State::completed);
    stage.submit({stage.job("dropped", "[sandbox:webhook_dropped]"),
                  stage.job("odd", "[sandbox:webhook_payload_error]")});
    stage.wait_for("dropped", State::completed);
}

// The keys that sign the deliveries cannot be had when the first one comes.
void play_keys_late(Stage& stage) {
    stage.submit("signed");
    stage.wait_for("signed", State::submitted);
    stage.world().net().unreachable = 1;
    stage.stop_and_start();
    stage.world().net().unreachable = 0;
    stage.wait_for("signed", State::completed);
}

void play_polls(Stage& stage) {
    stage.submit({stage.job("plain"), stage.job("late-cancel", "[sandbox:slow]"),
                  stage.job("sick", "[sandbox:status_5xx]")});
    stage.expect("late-cancel", {State::cancelled, State::completed});
    stage.wait_for("late-cancel", State::running, minutes{1});
    stage.act("late-cancel", Action::cancel);
    json::object hurried = stage.job("hurried", "[sandbox:slow]");
    hurried["deadline"] = after(stage, Millis{30'000});
    stage.submit({std::move(hurried)});
    stage.expect("hurried", {State::failed, State::completed});
    stage.wait(minutes{2});
}

// ---- submits that nobody can be sure of ----

void play_lost_answers(Stage& stage) {
    stage.submit({stage.job("by-webhook", "[sandbox:lost_answer]"),
                  stage.job("by-history", "[sandbox:lost_answer][sandbox:webhook_dropped]"),
                  stage.job("by-header", "[sandbox:submit_5xx_json][sandbox:webhook_dropped]")});
    stage.wait_for("by-history", State::completed);
    stage.submit({stage.job("cut", "[sandbox:truncated_answer]"),
                  stage.job("never-made", "[sandbox:lost_request]")});
    stage.wait_for("never-made", State::held);
    stage.act("never-made", Action::release);
    stage.wait_for("never-made", State::completed);
}

WorldOptions resubmitting() {
    WorldOptions options = usual();
    options.resubmit_unknown = true;
    return options;
}

void play_resubmit(Stage& stage) {
    stage.submit({stage.job("again", "[sandbox:lost_request]")});
    stage.wait_for("again", State::completed);
}

// Three that ask for the very same: nobody but a person can tell which request is whose.
void play_adopt(Stage& stage) {
    stage.world().control({{"faults", {{"lost_answer", 1}, {"webhook_dropped", 1}}}});
    std::vector<json::object> same(3, stage.job("twin"));
    same[0]["id"] = "twin-1";
    same[1]["id"] = "twin-2";
    same[2]["id"] = "twin-3";
    stage.submit(std::move(same));
    stage.wait_for("twin-3", State::submit_unknown, minutes{1});
    stage.wait(Millis{5'000});
    stage.world().control({{"faults", {{"lost_answer", 0}}}});
    // Need not wait until the daemon gives up.
    stage.adopt("twin-1");
    stage.look();
    stage.wait_for("twin-3", State::held, minutes{2});
    stage.adopt("twin-2");
    stage.adopt("twin-3");
    stage.look();
    stage.wait_for("twin-3", State::completed);
}

// ---- refusals and failures ----

void play_refusals(Stage& stage) {
    stage.submit({stage.job("limited", "[sandbox:submit_429]"),
                  stage.job("refused", "[sandbox:refused]"),
                  stage.job("moderated", "[sandbox:content_policy]")});
    stage.expect("refused", {State::failed});
    stage.expect("moderated", {State::failed});
    stage.wait_for("limited", State::completed);
    const Reply again = stage.act("refused", Action::retry);
    for (const domain::Job& job : again.jobs) {
        stage.expect(job.request.id.str(), {State::failed});
    }
    stage.wait_for("moderated", State::failed);
}

void play_server_errors(Stage& stage) {
    stage.world().control({{"faults", {{"result_5xx", 1}}}});
    json::object poor = stage.job("poor");
    poor["max_attempts"] = 1;
    // The trouble lasts until the other one has failed, which takes long after some deaths.
    json::object sick = stage.job("sick");
    sick["max_attempts"] = 50;
    stage.submit({std::move(sick), std::move(poor)});
    // A submit whose fate a person had to decide comes after the trouble.
    stage.expect("poor", {State::failed, State::completed});
    stage.wait_for("poor", State::failed);
    stage.world().control({{"faults", {{"result_5xx", 0}}}});
    stage.wait_for("sick", State::completed);
}

// ---- the account ----

WorldOptions keyed() {
    WorldOptions options = usual();
    options.provider.key = options.key;
    return options;
}

void play_key(Stage& stage) {
    stage.world().give_key("wrong:key");
    stage.submit({stage.job("keyless-1"), stage.job("keyless-2")});
    stage.wait_for("keyless-2", State::held);
    stage.world().give_key(keyed().key);
    stage.wait_for("keyless-2", State::completed);
}

// The provider forgets the key for a while; a poll that works again is what tells.
void play_forgotten_key(Stage& stage) {
    stage.submit("known", "[sandbox:slow][sandbox:webhook_dropped]");
    stage.wait_for("known", State::running, minutes{1});
    stage.world().control({{"key", "another:key"}});
    stage.submit("unwelcome");
    stage.wait_for("unwelcome", State::held);
    stage.world().control({{"key", keyed().key}});
    stage.wait_for("unwelcome", State::completed);
}

void play_locked(Stage& stage) {
    stage.world().control({{"locked", true}});
    stage.submit({stage.job("locked-1"), stage.job("locked-2")});
    stage.wait_for("locked-2", State::held);
    stage.world().control({{"locked", false}});
    stage.act("locked-1", Action::release);
    stage.wait_for("locked-2", State::completed);
}

// ---- files ----

void play_media(Stage& stage) {
    stage.submit({stage.job("cut", "[sandbox:media_truncated]"),
                  stage.job("gone-once", "[sandbox:media_404_once]"),
                  stage.job("odd", "[sandbox:media_corrupt]"),
                  stage.job("two", "[sandbox:two_files]")});
    stage.wait_for("cut", State::completed);
}

void play_bad_media(Stage& stage) {
    stage.submit("page", "[sandbox:html]");
    stage.expect("page", {State::failed});
    stage.wait_for("page", State::failed);
    // What is paid for is only fetched again.
    const Reply again = stage.act("page", Action::retry);
    for (const domain::Job& job : again.jobs) {
        stage.expect(job.request.id.str(), {State::failed});
        stage.wait_for(job.request.id.str(), State::failed);
    }
}

void play_slow_media(Stage& stage) {
    stage.submit({stage.job("slow", "[sandbox:media_slow]"),
                  stage.job("unwanted", "[sandbox:media_slow]")});
    stage.expect("unwanted", {State::cancelled, State::completed});
    stage.wait_for("unwanted", State::fetching);
    stage.wait(Millis{500});
    stage.act("unwanted", Action::cancel);
    stage.wait_for("slow", State::completed);
    // Its fetch goes on to its end, and throws away what came.
    stage.wait(minutes{1});
}

void play_disk(Stage& stage) {
    SimulatedDisk& before = stage.world().disk();
    before.exclusive_rename = false;
    json::object placed = stage.job("placed");
    placed["output"] = "{batch}/{id}/film.{ext}";
    stage.submit({std::move(placed)});
    stage.wait_for("placed", State::submitted);
    stage.world().disk().capacity = stage.world().disk().used() + (1 << 20) + 2'000;
    stage.wait(minutes{1});
    stage.submit("waiting");
    stage.world().disk().capacity = stage.world().disk().used() + 1'000;
    stage.wait(minutes{1});
    stage.world().disk().capacity = std::uint64_t{1} << 40;
    stage.wait_for("waiting", State::completed);
}

// ---- outputs of every kind ----

json::object of_model(Stage& stage, const std::string& id, std::string_view model,
                      const json::object& more = {}) {
    json::object job = stage.job(id);
    job["model"] = model;
    for (const auto& member : more) job["input"].get_object()[member.key()] = member.value();
    return job;
}

void play_outputs(Stage& stage) {
    const json::object lossless{{"audio_setting", json::object{{"format", "flac"}}},
                                {"output_format", "url"}};
    stage.submit({of_model(stage, "spoken", "fal-ai/minimax/speech-2.6-hd"),
                  of_model(stage, "linked", "fal-ai/minimax/speech-2.6-hd", lossless),
                  of_model(stage, "pictures", "fal-ai/minimax/image-01", {{"num_images", 3}}),
                  of_model(stage, "voice", "fal-ai/minimax/voice-clone",
                           {{"audio_url", "https://example.com/me.mp3"}})});
    stage.wait_for("spoken", State::completed);
    stage.wait_for("pictures", State::completed);
    stage.wait_for("voice", State::completed);
}

// ---- the process and its clock ----

void play_stop(Stage& stage) {
    stage.world().disk().put("/outputs/.film.mp4.ghost.part", "half a film of nobody");
    stage.world().disk().put("/outputs/.film.mp4.ghost.part.json", "{}\n");
    stage.submit("running", "[sandbox:slow]");
    stage.wait_for("running", State::running, minutes{1});
    stage.world().submit({stage.job("in-flight", "[sandbox:slow_answer]")});
    stage.wait(moment);
    stage.stop_and_start();
    stage.submit("in-flight", "[sandbox:slow_answer]");
    stage.wait_for("running", State::completed);
}

void play_clock(Stage& stage) {
    json::object later = stage.job("later");
    later["not_before"] = after(stage, minutes{90});
    stage.submit({std::move(later), stage.job("lost", "[sandbox:lost_request]"),
                  stage.job("film", "[sandbox:slow]")});
    stage.wait_for("lost", State::submit_unknown);
    stage.world().clock().jump(minutes{60});
    stage.wait(minutes{1});
    stage.world().clock().jump(-minutes{120});
    stage.wait(minutes{1});
    stage.world().clock().jump(minutes{60});
    stage.wait_for("film", State::completed);
}

// ---- what is kept, and what is not ----

// Copies while jobs run: one for which there is no room at first, one whose flush fails, a good one.
void play_backup(Stage& stage) {
    stage.drop_broken("row-1");
    stage.submit({stage.job("running", "[sandbox:slow]"), stage.job("short")});
    stage.wait_for("running", State::running, minutes{1});
    MemoryVfs& disk = stage.world().vfs();
    disk.fail(MemoryVfs::Op::write, 3, SQLITE_FULL, 1, "full.db.copying");
    disk.fail(MemoryVfs::Op::sync, 1, SQLITE_IOERR_FSYNC, 1, "flush.db.copying");
    stage.backup("full.db");
    stage.backup("flush.db");
    stage.mend("row-1");
    stage.wait_for("short", State::completed);
    stage.backup("good.db");
    stage.wait_for("running", State::completed);
}

void play_restore(Stage& stage) {
    json::object wanted = stage.job("wanted");
    wanted["not_before"] = after(stage, minutes{10});
    json::object unwanted = stage.job("unwanted");
    unwanted["not_before"] = after(stage, minutes{10});
    stage.expect("unwanted", {State::cancelled});
    stage.drop_broken("row-1");
    stage.submit({stage.job("at-provider", "[sandbox:slow]"), wanted, unwanted});
    stage.wait_for("at-provider", State::running, minutes{1});
    stage.restore(stage.backup("night.db"));
    stage.wait(minutes{12});
    stage.demand(stage.state_of("wanted") == State::held, "a copy submits what waited in it");
    stage.act("unwanted", Action::cancel);
    stage.act("wanted", Action::release);
    stage.mend("row-1");
    stage.wait_for("wanted", State::completed);
}

WorldOptions retaining() {
    WorldOptions options = usual();
    options.retention.jobs[State::cancelled] = {minutes{1}, std::nullopt};
    options.retention.jobs[State::completed] = {std::nullopt, 1};
    options.retention.evidence_max_age = Millis{30'000};
    options.retention.slice = 2;
    return options;
}

std::string export_path(Stage& stage) {
    return fmt::format("{}/{}", World::exports,
                       engine::export_name(stage.world().clock().now()));
}

void play_retention(Stage& stage) {
    std::vector<json::object> old;
    for (int i = 1; i <= 5; ++i) {
        const std::string id = fmt::format("old-{}", i);
        old.push_back(stage.job(id));
        old.back()["not_before"] = after(stage, minutes{90});
        stage.expect(id, {State::cancelled});
    }
    stage.submit(old);
    for (int i = 1; i <= 3; ++i) stage.act(fmt::format("old-{}", i), Action::cancel);
    stage.submit({stage.job("film-1"), stage.job("film-2")});
    stage.world().disk().fail(SimulatedDisk::Op::sync, 1, ErrorCode::io, 1, ".jsonl");
    stage.wait(minutes{3});
    // As another process may have left it.
    const std::string path = export_path(stage);
    SimulatedDisk& disk = stage.world().disk();
    disk.put(path, disk.at(path) + "{\"id\":\"cut sho");
    stage.act("old-4", Action::cancel);
    stage.act("old-5", Action::cancel);
    stage.wait(minutes{2});
    // Once more: what has ended is not made again.
    stage.submit("old-1");
    stage.submit("film-1");
    stage.wait(minutes{1});
}

WorldOptions tidying() {
    WorldOptions options = usual();
    options.inputs.keep = minutes{2};
    options.inputs.tidy_interval = minutes{2};
    return options;
}

// Files come over the socket, and go when no job has named them.
void play_spool(Stage& stage) {
    for (const char* bytes : {"the first of the files", "another one, which is longer"}) {
        const Reply given = stage.hand_over(bytes);
        stage.demand(given.status.has_value(), "a file is not taken");
    }
    stage.hand_over("the first of the files");
    stage.wait(minutes{9});
    const auto& files = stage.world().disk().files();
    const bool left = std::any_of(files.begin(), files.end(), [](const auto& file) {
        return file.first.starts_with(World::spool);
    });
    stage.demand(!left, "a file that no job names stays");
}

// ---- local files ----

WorldOptions uploading() {
    WorldOptions options = usual();
    options.part_bytes = 2'048;
    options.provider.faults[sandbox::Fault::put_5xx] = 0.15;
    options.provider.faults[sandbox::Fault::put_lost] = 0.1;
    options.provider.faults[sandbox::Fault::put_expired] = 0.1;
    return options;
}

json::object with_file(Stage& stage, const std::string& id, const std::string& name) {
    json::object job = stage.job(id);
    job["input"].as_object()["first_frame_image"] = fmt::format("file://{}/{}", World::shots, name);
    return job;
}

void play_uploads(Stage& stage) {
    // On the disk of a process that lives.
    stage.wait(moment);
    SimulatedDisk& disk = stage.world().disk();
    const std::string small = sandbox::make_png("small", 16, 16);
    std::string large = sandbox::make_png("large", 16, 16);
    large.append(10'000 - std::min<std::size_t>(large.size(), 10'000), 'x');
    disk.put(fmt::format("{}/small.png", World::shots), small);
    disk.put(fmt::format("{}/large.png", World::shots), large);
    // Two of one moment share an upload, a third finds it there.
    stage.submit({with_file(stage, "whole", "small.png"), with_file(stage, "same", "small.png"),
                  with_file(stage, "parts", "large.png"), stage.job("without")});
    stage.wait_for("parts", State::completed);
    stage.wait_for("same", State::completed);
    stage.submit({with_file(stage, "again", "small.png")});
    stage.wait_for("again", State::completed);
}

}  // namespace

const std::vector<Chapter>& scenario() {
    static const std::vector<Chapter> chapters{
        {"rows", short_log, play_rows},
        {"long log", short_log, play_long_log},
        {"socket", usual, play_socket},
        {"pending", usual, play_pending},
        {"webhooks", usual, play_webhooks},
        {"late keys", usual, play_keys_late},
        {"polls", polling, play_polls},
        {"lost answers", usual, play_lost_answers},
        {"adopt", usual, play_adopt},
        {"resubmit", resubmitting, play_resubmit},
        {"refusals", usual, play_refusals},
        {"server errors", usual, play_server_errors},
        {"key", keyed, play_key},
        {"forgotten key", keyed, play_forgotten_key},
        {"locked", usual, play_locked},
        {"media", usual, play_media},
        {"bad media", usual, play_bad_media},
        {"slow media", usual, play_slow_media},
        {"disk", usual, play_disk},
        {"backup", usual, play_backup},
        {"restore", usual, play_restore},
        {"retention", retaining, play_retention},
        {"outputs", usual, play_outputs},
        {"spool", tidying, play_spool},
        {"uploads", uploading, play_uploads},
        {"stop", usual, play_stop},
        {"clock", usual, play_clock},
    };
    return chapters;
}

std::vector<std::string> play(const Chapter& chapter, World& world) {
    Stage stage(world);
    chapter.play(stage);
    return stage.finish();
}

}  // namespace reeld::test
