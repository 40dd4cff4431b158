// Goal: wherever the process dies, the next one loses nothing, pays nothing twice and leaves whole
// files. Method: every chapter of the scenario is played once; at every single passage of a crash
// point the test forks, and in the fork the process dies there: what it leaves is photographed at
// that very moment, and the rest of the chapter is played on the photograph. Twice: once plainly,
// once with requests on their way that still arrive, and the power failing soon after the restart.
//
// REELD_CRASH=rows plays that chapter with all its deaths, "rows 0" with none, "rows 17" with the one
// at its seventeenth passage, "rows 17 3" with the power cut three passages later.
// REELD_CRASH_STEP=n dies at every n-th passage only.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <sstream>
#include <string>
#include <vector>

#include "base/crash_point.hpp"
#include "support/scenario.hpp"

namespace reeld::test {
namespace {

// Where the process dies, as a count of passages since the chapter's start, and how many passages
// later the power fails. 0: not at all.
struct Deaths {
    std::size_t first = 0;
    std::size_t second = 0;
    World::InFlight in_flight() const {
        return second == 0 ? World::InFlight::lost : World::InFlight::arrives;
    }
    PowerCut cut() const {
        constexpr std::size_t kinds = 5;
        return {static_cast<PowerCut::Keeps>(first % kinds), first};
    }
};

// Far enough to reach all that a start does, and some of what follows it.
std::array<Deaths, 2> deaths_at(std::size_t passage) {
    return {Deaths{passage, 0}, Deaths{passage, 1 + passage % 40}};
}

std::string lines(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& line : all) text += "  " + line + "\n";
    return text;
}

// What is wrong at the end of a chapter, with its trace; empty when nothing.
std::string play_to_the_end(const Chapter& chapter, World& world) {
    try {
        const std::vector<std::string> wrong = play(chapter, world);
        return wrong.empty() ? std::string() : lines(wrong) + world.trace();
    } catch (const std::exception& failure) {
        return fmt::format("an exception: {}\n", failure.what());
    }
}

// One process in which the daemon dies, and what it says at its end.
struct Fork {
    pid_t pid = 0;
    int pipe = -1;
    Deaths deaths;
    CrashPoint point{};
};

class Reaper final : public crash_point::Observer {
  public:
    // Lets the process die in a fork at every `step`-th passage, or here at the given one.
    Reaper(const Chapter& chapter, std::size_t step) : chapter_(chapter), step_(step) {}
    Reaper(const Chapter& chapter, Deaths deaths) : chapter_(chapter), deaths_(deaths) {}

    // In a fork it does not come back.
    void run() {
        {
            World world(chapter_.options());
            world_ = &world;
            crash_point::set_observer(this);
            wrong_ = play_to_the_end(chapter_, world);
            crash_point::set_observer(nullptr);
            if (step_ == 0 && !is_fork_) trace_ = world.trace();
        }
        if (is_fork_) speak_and_leave();
        while (!forks_.empty()) gather();
    }

    void passed(CrashPoint point) override {
        if (world_->dead()) return;
        way_.push_back(point);
        const std::size_t passage = way_.size();
        // It has another instance lock now.
        if (is_fork_ && passage == deaths_.first + 1) say("!");
        if (passage == deaths_.first) {
            world_->die_now(deaths_.in_flight());
        } else if (deaths_.second > 0 && passage == deaths_.first + deaths_.second) {
            world_->cut_power(deaths_.cut());
        } else if (step_ > 0 && (passage - 1) % step_ == 0) {
            for (const Deaths& deaths : deaths_at(passage)) {
                if (fork_with(deaths, point)) break;
            }
        }
    }

    const std::string& wrong() const { return wrong_; }
    const std::string& trace() const { return trace_; }  // of a replay
    const std::vector<CrashPoint>& way() const { return way_; }
    std::size_t runs() const { return runs_; }
    // Points at which the daemon has died, and lived on.
    const std::vector<CrashPoint>& survived() const { return survived_; }
    const std::vector<std::string>& failures() const { return failures_; }

  private:
    // True in the fork.
    bool fork_with(Deaths deaths, CrashPoint point) {
        constexpr std::size_t at_once = 2;
        constexpr unsigned longest_s = 300;
        if (forks_.size() >= at_once) gather();
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
        std::fflush(nullptr);
        const pid_t pid = ::fork();
        if (pid < 0) throw std::runtime_error("no fork");
        if (pid > 0) {
            ::close(ends[1]);
            forks_.push_back({pid, ends[0], deaths, point});
            // Until it has let go of the lock that both hold.
            char moved = 0;
            static_cast<void>(::read(ends[0], &moved, 1) == 1);
            return false;
        }
        ::close(ends[0]);
        ::alarm(longest_s);
        is_fork_ = true;
        step_ = 0;
        voice_ = ends[1];
        deaths_ = deaths;
        world_->move_out();
        world_->die_now(deaths_.in_flight());
        return true;
    }

    // The number of passages, so that the second death is known, then what is wrong.
    [[noreturn]] void speak_and_leave() {
        const std::size_t second = deaths_.first + deaths_.second;
        const int died_again = deaths_.second > 0 && way_.size() >= second
                                   ? static_cast<int>(way_.at(second - 1))
                                   : -1;
        const std::string words = fmt::format("{}\n{}", died_again, wrong_);
        say(words);
        ::_exit(0);
    }

    void say(std::string_view words) const {
        while (!words.empty()) {
            const ssize_t said = ::write(voice_, words.data(), words.size());
            if (said <= 0) return;
            words.remove_prefix(static_cast<std::size_t>(said));
        }
    }

    void gather() {
        const Fork fork = forks_.front();
        forks_.pop_front();
        std::string words;
        std::array<char, 4096> block{};
        for (ssize_t got = 1; got > 0;) {
            got = ::read(fork.pipe, block.data(), block.size());
            if (got > 0) words.append(block.data(), static_cast<std::size_t>(got));
        }
        ::close(fork.pipe);
        int status = 0;
        ::waitpid(fork.pid, &status, 0);
        ++runs_;
        const auto end = words.find('\n');
        std::string wrong = end == std::string::npos ? "" : words.substr(end + 1);
        if (status != 0 || end == std::string::npos) {
            wrong += fmt::format("  the test itself ended with status {}\n", status);
        }
        if (wrong.empty()) {
            survived_.push_back(fork.point);
            const int again = std::stoi(words);
            if (again >= 0) survived_.push_back(static_cast<CrashPoint>(again));
            return;
        }
        failures_.push_back(fmt::format("REELD_CRASH=\"{} {} {}\" at {}\n{}", chapter_.name,
                                        fork.deaths.first, fork.deaths.second,
                                        crash_point::name_of(fork.point), wrong));
    }

    const Chapter& chapter_;
    std::size_t step_ = 0;
    Deaths deaths_;
    World* world_ = nullptr;
    std::vector<CrashPoint> way_;
    std::string wrong_;
    std::string trace_;
    bool is_fork_ = false;
    int voice_ = -1;
    std::deque<Fork> forks_;
    std::size_t runs_ = 0;
    std::vector<CrashPoint> survived_;
    std::vector<std::string> failures_;
};

struct Tally {
    std::size_t fired = 0;
    std::size_t survived = 0;
};

struct Table {
    std::array<Tally, crash_point::all.size()> tallies{};
    std::size_t runs = 0;

    Tally& at(CrashPoint point) { return tallies.at(static_cast<std::size_t>(point)); }
    void take(const Reaper& reaper) {
        for (const CrashPoint point : reaper.way()) ++at(point).fired;
        for (const CrashPoint point : reaper.survived()) ++at(point).survived;
        runs += reaper.runs();
    }
    void print() {
        std::size_t fired = 0;
        fmt::print("{:<28} {:>6} {:>16}\n", "point", "fired", "deaths survived");
        for (const crash_point::Description& one : crash_point::all) {
            fmt::print("{:<28} {:>6} {:>16}\n", one.name, at(one.point).fired,
                       at(one.point).survived);
            fired += at(one.point).fired;
        }
        fmt::print("{} points, {} passages, {} deaths\n", crash_point::all.size(), fired, runs);
    }
};

void die_everywhere(std::size_t step, const std::string& only) {
    constexpr std::size_t shown = 3;  // of a chapter
    Table table;
    for (const Chapter& chapter : scenario()) {
        if (!only.empty() && chapter.name != only) continue;
        Reaper reaper(chapter, step);
        reaper.run();
        table.take(reaper);
        CHECK_MESSAGE(reaper.wrong().empty(), chapter.name, " without a death:\n", reaper.wrong());
        for (std::size_t i = 0; i < reaper.failures().size() && i < shown; ++i) {
            FAIL_CHECK(reaper.failures()[i]);
        }
        if (reaper.failures().size() > shown) {
            FAIL_CHECK(chapter.name, ": ", reaper.failures().size(), " deaths went wrong");
        }
    }
    table.print();
    if (!only.empty()) return;
    for (const crash_point::Description& one : crash_point::all) {
        CHECK_MESSAGE(table.at(one.point).fired > 0, one.name, " is never passed: ", one.meaning);
    }
}

// One passage, with all that can be told about it.
void replay(const std::string& name, Deaths deaths) {
    for (const Chapter& chapter : scenario()) {
        if (chapter.name != name) continue;
        Reaper reaper(chapter, deaths);
        reaper.run();
        std::size_t passage = 0;
        for (const CrashPoint point : reaper.way()) {
            fmt::print("{:>5} {}\n", ++passage, crash_point::name_of(point));
        }
        fmt::print("{}", reaper.trace());
        CHECK_MESSAGE(reaper.wrong().empty(), reaper.wrong());
    }
}

TEST_CASE("a death at any point loses nothing, pays nothing twice and leaves whole files") {
    const auto variable = [](const char* name, const char* otherwise) {
        const char* text = std::getenv(name);
        return std::string(text == nullptr ? otherwise : text);
    };
    const std::string wanted = variable("REELD_CRASH", "");
    const std::size_t name_end = wanted.find_last_not_of("0123456789 ") + 1;
    const std::string name = wanted.substr(0, name_end);
    std::istringstream numbers(wanted.substr(name_end));
    Deaths deaths;
    if (numbers >> deaths.first) {
        numbers >> deaths.second;
        return replay(name, deaths);
    }
    const std::size_t step = std::stoul(variable("REELD_CRASH_STEP", "1"));
    die_everywhere(std::max<std::size_t>(step, 1), name);
}

}  // namespace
}  // namespace reeld::test
