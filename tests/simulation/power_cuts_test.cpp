// Goal: wherever the power goes, what the daemon has promised is there when it starts again.
// Method: one fixed script of a whole installation, played again and again; each time the power
// goes at the next sync boundary (the moment before a database, a journal, a downloaded file or a
// folder is synced), and what survives of the unsynced writes is nothing, everything, torn, out of
// order, or drawn. The daemon starts on what is left, its clients ask again for what they wanted,
// and all must come to rest as if nothing had happened. At the end the power goes once more.
//
// REELD_POWER_CUTS=9 for every survivor at every boundary, else each boundary has two of them;
// REELD_POWER_CUT=boundary:survivor for one cut with its trace.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/world.hpp"

namespace reeld::test {
namespace {

using namespace std::chrono_literals;
using Keeps = PowerCut::Keeps;

// How it ends at a boundary.
struct Ending {
    std::string name;
    bool after = false;           // right behind the sync instead of right before it
    std::optional<PowerCut> cut;  // none: the process alone ends, what is pending stays so
};

std::vector<Ending> all_endings() {
    std::vector<Ending> endings;
    const auto add = [&](Keeps keeps, std::uint64_t seed = 0) {
        const PowerCut cut{keeps, seed};
        endings.push_back({to_string(cut), false, cut});
    };
    add(Keeps::nothing);
    add(Keeps::last_torn);
    endings.push_back({"the process ends", false, std::nullopt});
    add(Keeps::mixed, 1);
    add(Keeps::only_last);
    endings.push_back({"nothing unsynced kept, behind the sync", true, PowerCut{}});
    add(Keeps::mixed, 2);
    add(Keeps::everything);
    add(Keeps::mixed, 3);
    return endings;
}

WorldOptions options() {
    WorldOptions options;
    options.seed = 20;
    options.concurrency = 4;
    options.provider.run_min = 5s;
    options.provider.run_max = 40s;
    options.local_files = true;
    options.part_bytes = 2'048;  // so that an upload in parts has boundaries of its own
    options.provider.faults[sandbox::Fault::webhook_dropped] = 0.4;  // so that polls have work
    return options;
}

// Counts the boundaries of one run and ends it at the chosen one.
class Boundaries {
  public:
    Boundaries(World& world, int fatal, const Ending& ending)
        : world_(world), fatal_(fatal), ending_(ending) {
        const auto here = [this](const std::string& name) { reach(name); };
        world.vfs().before_sync(ending.after ? MemoryVfs::Hook() : here);
        world.vfs().after_sync(ending.after ? here : MemoryVfs::Hook());
        (ending.after ? world.disk().after_sync : world.disk().before_sync) = here;
    }
    ~Boundaries() { leave(); }
    Boundaries(const Boundaries&) = delete;
    Boundaries& operator=(const Boundaries&) = delete;

    void leave() {
        world_.vfs().before_sync({});
        world_.vfs().after_sync({});
        world_.disk().before_sync = nullptr;
        world_.disk().after_sync = nullptr;
    }
    int seen() const { return seen_; }
    const std::string& last() const { return last_; }  // the name at which it ended

  private:
    void reach(const std::string& name) {
        if (world_.dead() || ++seen_ != fatal_) return;
        last_ = name.empty() ? "the state folder" : name;
        if (ending_.cut) {
            world_.cut_power(*ending_.cut);
        } else {
            world_.die_now();
        }
    }

    World& world_;
    int fatal_;
    const Ending& ending_;
    int seen_ = 0;
    std::string last_;
};

// What people and programs want of the installation; the same in every run.
class Script {
  public:
    explicit Script(World& world) : world_(world), begin_(world.clock().now()) {}

    void play() {
        world_.put_shots();
        world_.start();
        ask_socket(0, 4);
        pass(1s);
        drop_rows();
        pass(2s);
        act("late", engine::Action::hold);
        ask_socket(4, 8);
        pass(6s);
        act("never", engine::Action::cancel);
        act("clip-3", engine::Action::cancel);
        move_pages();
        pass(15s);
        act("never", engine::Action::retry);
        act("late", engine::Action::release);
        pass(1min);
        move_pages();
        pass(1h);
    }

    // Whoever has no answer asks again; the ids make that harmless.
    void ask_again() {
        ask_socket(0, 8);
        pass(1s);
        act("late", engine::Action::release);
    }

    std::vector<std::string> ids() const {
        return {"clip-1", "clip-2", "clip-3", "late", "never", "lost", "refused", "torn"};
    }

  private:
    // Jobs that take every way there is: plain ones, one cancelled at the provider, one held and
    // released before its time, one cancelled and asked for anew, a submit whose answer is lost, a
    // refusal, a broken download.
    std::vector<json::object> wishes() const {
        const auto wish = [&](const std::string& id, std::string_view extra = {}) {
            json::object job = world_.job_json(id);
            job["input"].as_object()["prompt"] = fmt::format("{} {}", id, extra);
            return job;
        };
        json::object second = wish("clip-2");
        second["output"] = "{batch}/{id}/{date}.{ext}";
        second["priority"] = 2;
        json::object late = wish("late");
        late["not_before"] = to_rfc3339(begin_ + 10min);
        json::object never = wish("never");
        never["not_before"] = to_rfc3339(begin_ + 20min);
        return {wish("clip-1"),
                second,
                wish("clip-3", "[sandbox:slow]"),
                late,
                never,
                wish("lost", "[sandbox:lost_answer]"),
                wish("refused", "[sandbox:content_policy]"),
                wish("torn", "[sandbox:media_truncated]")};
    }

    void ask_socket(std::size_t first, std::size_t last) {
        if (world_.dead()) return;
        const std::vector<json::object> all = wishes();
        const auto at = [&](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
        world_.submit({at(first), at(last)});
    }

    void drop_rows() {
        for (const std::string id : {"row-1", "row-2", "row-bad"}) {
            if (world_.dead()) return;
            const bool good = id != "row-bad";
            world_.drop_row(id, good ? World::model : "no model",
                            json::serialize(world_.job_json(id).at("input")), good);
        }
        if (!world_.dead()) world_.engine().inbox_changed();
    }

    // A checkpoint, which the daemon itself makes after 900 frames only; the next commit starts the
    // write-ahead log over.
    void move_pages() {
        if (world_.dead()) return;
        SQLite::Database shell(world_.database(), SQLite::OPEN_READWRITE);
        shell.exec("PRAGMA wal_checkpoint(PASSIVE)");
    }

    void act(const std::string& id, engine::Action action) {
        if (!world_.dead()) world_.act(id, action);
    }
    void pass(Millis duration) {
        if (!world_.dead()) world_.pass(duration);
    }

    World& world_;
    Instant begin_;
};

// What one database says of itself.
void check_database(const std::string& path, std::vector<std::string>& wrong) {
    SQLite::Database database(path, SQLite::OPEN_READONLY);
    const std::string found = database.execAndGet("PRAGMA integrity_check").getString();
    if (found != "ok") wrong.push_back(path + ": " + found);
    SQLite::Statement orphans(database, "PRAGMA foreign_key_check");
    if (orphans.executeStep()) wrong.push_back(path + ": a row refers to nothing");
}

void check_world(World& world, const Script& script, std::string_view when,
                 std::vector<std::string>& wrong) {
    std::vector<std::string> found = world.check();
    check_database(world.database(), found);
    check_database(world.inbox().path(), found);
    std::set<std::string> present;
    for (const domain::Job& job : world.jobs())
        present.insert(job.request.id.str());
    for (const std::string& id : script.ids()) {
        if (!present.contains(id)) found.push_back(id + ": asked for again, and not there");
    }
    for (const std::string& line : found)
        wrong.push_back(fmt::format("{}: {}", when, line));
}

bool come_to_rest(World& world) {
    for (int i = 0; i < 48 && !world.quiet(); ++i)
        world.pass(30min);
    return world.quiet();
}

// The whole story of one cut; what is wrong in the end. Gives the boundary its name.
std::vector<std::string> live_through(int fatal, const Ending& ending, std::string& boundary,
                                      bool tells) {
    std::vector<std::string> wrong;
    World world(options());
    Script script(world);
    try {
        Boundaries boundaries(world, fatal, ending);
        script.play();
        boundaries.leave();
        boundary = boundaries.last();
        if (!world.dead())
            return {"the boundary was not reached: the script differs from run to run"};
        world.bury();
        world.clock().advance(1min);
        world.start();
        script.ask_again();
        if (!come_to_rest(world)) wrong.push_back("does not come to rest");
        check_world(world, script, "after the start", wrong);
        if (tells) fmt::print("{}{}\n", world.trace(), world.summary());
        // What is at rest has been promised: nothing of it may hang on a sync that never came.
        world.cut_power({Keeps::nothing});
        world.bury();
        world.start();
        world.pass(2min);
        check_world(world, script, "after the last cut", wrong);
    } catch (const std::exception& failure) {
        wrong.push_back(std::string("an exception: ") + failure.what());
    }
    return wrong;
}

int count_boundaries(std::vector<std::string>& wrong) {
    World world(options());
    Script script(world);
    const Ending never;
    Boundaries boundaries(world, -1, never);
    script.play();
    boundaries.leave();
    if (!come_to_rest(world)) wrong.push_back("does not come to rest");
    check_world(world, script, "without a cut", wrong);
    return boundaries.seen();
}

std::string text_of(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? "" : text;
}

// Each boundary has its share of the endings; it moves on from boundary to boundary, so that
// neighbours together have all.
bool is_chosen(int boundary, int ending, int endings) {
    const std::string asked = text_of("REELD_POWER_CUTS");
    const int share = asked.empty() ? 2 : std::atoi(asked.c_str());
    return (ending + endings - boundary * share % endings) % endings < share;
}

TEST_CASE("no power cut at any sync boundary loses a promise") {
    std::vector<std::string> wrong;
    const int boundaries = count_boundaries(wrong);
    for (const std::string& line : wrong)
        FAIL_CHECK(line);
    REQUIRE(boundaries > 50);
    const std::vector<Ending> endings = all_endings();
    const int count = static_cast<int>(endings.size());
    const std::string only = text_of("REELD_POWER_CUT");
    int cuts = 0;
    int bad = 0;
    for (int i = 0; i < boundaries * count && bad < 10; ++i) {
        const int boundary = i / count + 1;
        const int ending = i % count;
        const std::string id = fmt::format("{}:{}", boundary, ending);
        if (only.empty() ? !is_chosen(boundary, ending, count) : only != id) continue;
        ++cuts;
        std::string name;
        const auto found =
            live_through(boundary, endings[static_cast<std::size_t>(ending)], name, !only.empty());
        if (found.empty()) continue;
        ++bad;
        std::string text;
        for (const std::string& line : found)
            text += "  " + line + "\n";
        FAIL_CHECK("boundary ", boundary, " of ", boundaries, " (", name, "), ",
                   endings[static_cast<std::size_t>(ending)].name, " (REELD_POWER_CUT=", id, "):\n",
                   text);
    }
    MESSAGE(boundaries, " sync boundaries, ", cuts, " cuts");
}

}  // namespace
}  // namespace reeld::test
