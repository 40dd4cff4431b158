// Goal: whatever call to the disk fails, the daemon says so, keeps what it had and goes on when the
// cause is gone. Method: SQLite's own. For every n until the run succeeds, the n-th write, sync,
// read, truncation, opening, deletion or lock of the databases, or the n-th step on the outputs'
// disk, fails; once, or for a while. The real system calls have their turn in tests/failing_calls.
//
// REELD_STRIDE=1 lets every n fail, 40 every fortieth; sanitizer builds take 40 when nobody says.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/log.hpp"
#include "support/retry_counts.hpp"
#include "support/world.hpp"

namespace reeld::test {
namespace {

using Told = std::map<std::string, int>;  // by the sentence, how often

// What the daemon says while this lives.
class Listening {
  public:
    explicit Listening(Told& told) {
        log::set_sink([&told](const log::Record& record) {
            // It happens every day and speaks of no failure.
            if (record.message.starts_with("the wall clock was set")) return;
            // A sentence that names a file is the same one for every file.
            const bool names = record.message.find("/reeld-world-") != std::string::npos;
            if (record.level >= log::Level::warning) {
                ++told[names ? "somebody sits in the inbox" : record.message];
            }
        });
    }
    ~Listening() { log::set_sink({}); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
};

struct Outcome {
    bool reached = false;          // there was an n-th call
    bool told = false;             // somebody heard of the failure
    std::string refused;           // why it did not start, when it did not
    std::vector<std::string> wrong;
};

// A short day: jobs by socket and by row, one that is cancelled, a clock that is set; a heavy one
// brings so much that the write-ahead log must be moved into the database.
class Day {
  public:
    explicit Day(bool heavy) : world_(options()), heavy_(heavy) { world_.put_shots(); }
    World& world() { return world_; }

    // The process may refuse to start; then it is started again, as systemd does.
    std::string start() {
        std::string refused;
        for (int tries = 0; tries < 3; ++tries) {
            try {
                world_.start();
                return refused;
            } catch (const std::runtime_error& why) {
                refused = why.what();
            }
        }
        world_.vfs().heal();
        world_.start();
        return refused;
    }

    void live() {
        // People and programs ask again until they are answered: the id makes it the same job.
        for (int round = 0; round < 6; ++round) {
            submit({job("one", ""), job("two", "")});
            submit({job("three", "")});
            for (int i = 0; heavy_ && i < 12; ++i) {
                submit({job(fmt::format("heavy-{}", i), std::string(200'000, 'x'))});
            }
            if (!dropped_) {
                dropped_ = world_.drop_row("row", World::model, R"({"prompt":"night job row"})", true);
            }
            world_.engine().inbox_changed();
            if (round == 1) world_.act("three", engine::Action::cancel);
            if (round == 3) world_.jump(Millis{3'600'000});
            world_.pass(Millis{30'000});
        }
        world_.pass(Millis{20 * 60'000});
    }

    // What the programs that submitted were told, by the socket itself when no reply was given.
    void count_refusals(Told& told) const {
        for (const ReplyPtr& reply : replies_) {
            const bool taken = reply->given && reply->status;
            if (!taken) ++told["a submit was refused, with the cause"];
        }
    }

    // The cause is gone: all that is left goes on, and ends.
    void recover() {
        world_.vfs().heal();
        world_.disk().heal();
        for (int hour = 0; hour < 24 && !world_.quiet(); ++hour) world_.pass(Millis{3'600'000});
    }

  private:
    static WorldOptions options() {
        WorldOptions options;
        options.local_files = true;
        options.part_bytes = 2'048;
        options.provider.run_min = Millis{20'000};
        options.provider.run_max = Millis{60'000};
        return options;
    }
    void submit(std::vector<json::object> jobs) {
        replies_.push_back(world_.submit(std::move(jobs)));
    }
    json::object job(const std::string& id, const std::string& marker) const {
        json::object object = world_.job_json(id);
        object["input"].as_object()["prompt"] = "night job " + id + marker;
        return object;
    }

    World world_;
    std::vector<ReplyPtr> replies_;
    bool heavy_;
    bool dropped_ = false;
};

// What stands in the trail was said as well.
void here_too(World& world, Told& told) {
    const auto entries =
        *world.store().transact([](store::Tx& tx) { return tx.events_after(0, 100'000); });
    for (const store::AuditEntry& entry : entries) {
        if (entry.event == "fetch_failed" || entry.event == "upload_failed") {
            ++told["trail: " + entry.note];
        }
    }
}

// `plan` makes the n-th call fail, `made` says how many there were.
template <class Plan, class Made>
Outcome live_through(Told& told, Plan plan, Made made, int nth, bool heavy) {
    Outcome outcome;
    Told here;
    {
        const Listening listening(here);
        Day day(heavy);
        plan(day.world());
        try {
            outcome.refused = day.start();
            day.live();
            outcome.reached = made(day.world()) >= nth;
            day.recover();
            outcome.wrong = day.world().check(World::Disk::as_left);
            here_too(day.world(), here);
            day.count_refusals(here);
            day.world().bury();
            day.world().start();
            day.world().pass(Millis{2 * 60'000});
            for (const std::string& line : day.world().check()) {
                // What could not be flushed under its name is fetched anew under another one, and
                // the first file stays.
                if (line.starts_with("nobody planned ")) continue;
                outcome.wrong.push_back("after a restart: " + line);
            }
            if (!outcome.wrong.empty()) outcome.wrong.push_back(day.world().trace());
        } catch (const std::runtime_error& why) {
            outcome.wrong.push_back(why.what());
        }
    }
    outcome.told = !here.empty() || !outcome.refused.empty();
    for (const auto& [sentence, count] : here) told[sentence] += count;
    return outcome;
}

int stride() {
    if (const char* text = std::getenv("REELD_STRIDE")) return std::max(1, std::atoi(text));
#if defined(__SANITIZE_ADDRESS__)
    return 40;
#else
    return 1;
#endif
}

struct Tally {
    int runs = 0;
    int refused = 0;
    int told = 0;
    int silent = 0;
};

// Every n until the run succeeds without having met it.
template <class PlanFor, class Made>
void for_every_n(const std::string& name, Told& told, int step, PlanFor plan_for, Made made,
                 bool heavy = false) {
    Tally tally;
    for (int nth = 1;; nth += step) {
        const Outcome outcome = live_through(told, plan_for(nth), made, nth, heavy);
        if (!outcome.wrong.empty()) {
            std::string text;
            for (const std::string& line : outcome.wrong) text += "  " + line + "\n";
            FAIL_CHECK(name, ", number ", nth, ":\n", text);
            if (tally.runs > 3) break;
        }
        if (!outcome.reached) break;
        ++tally.runs;
        tally.refused += outcome.refused.empty() ? 0 : 1;
        ++(outcome.told ? tally.told : tally.silent);
    }
    fmt::print("{:<34} {:>6} {:>6} {:>6} {:>6}\n", name, tally.runs, tally.told, tally.silent,
               tally.refused);
    CHECK_MESSAGE(tally.runs > 0, name, " never failed");
}

TEST_CASE("a day survives the n-th failure of every call to the disk, for every n") {
    struct DatabaseFailure {
        const char* name;
        MemoryVfs::Op op;
        int result;
        int times;
    };
    using Op = MemoryVfs::Op;
    const DatabaseFailure databases[] = {
        {"open CANTOPEN", Op::open, SQLITE_CANTOPEN, 1},
        {"read IOERR_READ", Op::read, SQLITE_IOERR_READ, 1},
        {"write FULL", Op::write, SQLITE_FULL, 1},
        {"write FULL x40", Op::write, SQLITE_FULL, 40},
        {"write IOERR_WRITE", Op::write, SQLITE_IOERR_WRITE, 1},
        {"sync IOERR_FSYNC", Op::sync, SQLITE_IOERR_FSYNC, 1},
        {"sync IOERR_FSYNC x5", Op::sync, SQLITE_IOERR_FSYNC, 5},
        {"remove IOERR_DELETE", Op::remove, SQLITE_IOERR_DELETE, 1},
        {"lock BUSY", Op::lock, SQLITE_BUSY, 1},
        {"lock BUSY x50", Op::lock, SQLITE_BUSY, 50},
        {"shm IOERR_SHMMAP", Op::shm, SQLITE_IOERR_SHMMAP, 1},
    };
    struct DiskFailure {
        const char* name;
        SimulatedDisk::Op op;
        ErrorCode code;
        int times;
    };
    using Step = SimulatedDisk::Op;
    const DiskFailure disks[] = {
        {"file open io", Step::open, ErrorCode::io, 1},
        {"file open refused x3", Step::open, ErrorCode::refused, 3},
        {"file append disk_full", Step::append, ErrorCode::disk_full, 1},
        {"file append io x3", Step::append, ErrorCode::io, 3},
        {"file read io", Step::read, ErrorCode::io, 1},
        {"file read io x3", Step::read, ErrorCode::io, 3},
        {"file truncate io", Step::truncate, ErrorCode::io, 1},
        {"file remove io", Step::remove, ErrorCode::io, 1},
        {"folder make refused", Step::make_folders, ErrorCode::refused, 1},
        {"file or folder sync io", Step::sync, ErrorCode::io, 1},
        {"file or folder sync disk_full x3", Step::sync, ErrorCode::disk_full, 3},
        {"file rename io", Step::rename, ErrorCode::io, 1},
    };
    Told told;
    const RetryCounts before = retries_so_far();
    fmt::print("{:<34} {:>6} {:>6} {:>6} {:>6}\n", "the n-th …", "runs", "told", "silent",
               "no start");
    for (const DatabaseFailure& failure : databases) {
        const bool common = failure.op == Op::write || failure.op == Op::lock ||
                            failure.op == Op::read || failure.op == Op::shm;
        for_every_n(
            failure.name, told, common ? stride() : 1,
            [&](int nth) {
                return [&failure, nth](World& world) {
                    world.vfs().fail(failure.op, nth, failure.result, failure.times);
                };
            },
            [&](World& world) { return world.vfs().count(failure.op); });
    }
    // Only a checkpoint syncs the database itself, once it was made.
    int database_syncs = 0;
    for_every_n(
        "sync of the database, heavy day", told, 1,
        [&](int nth) {
            return [&database_syncs, nth](World& world) {
                database_syncs = 0;
                world.vfs().before_sync([&database_syncs](const std::string& name) {
                    if (name == "reel.db") ++database_syncs;
                });
                world.vfs().fail(Op::sync, nth, SQLITE_IOERR_FSYNC, 1, "reel.db");
            };
        },
        [&](World&) { return database_syncs; }, true);
    for (const DiskFailure& failure : disks) {
        for_every_n(
            failure.name, told, stride() > 1 ? 4 : 1,
            [&](int nth) {
                return [&failure, nth](World& world) {
                    world.disk().fail(failure.op, nth, failure.code, failure.times);
                };
            },
            [&](World& world) { return world.disk().count(failure.op); });
    }

    fmt::print("\nsaid, how often\n");
    for (const auto& [sentence, count] : told) fmt::print("{:>8} {}\n", count, sentence);
    const auto missing = report_retries(retry_branch::Shown::failures, before);
    for (const std::string& branch : missing) FAIL_CHECK("never ran: ", branch);
}

}  // namespace
}  // namespace reeld::test
