// Goal: whatever the provider, the network, the disk, people and crashes do to a night, no job is
// lost, nothing is paid twice, and what completed is whole. Method: the real engine and database on
// a virtual clock against the simulated provider, everything drawn from one seed per night.
//
// REELD_NIGHTS=10000 for a long run, REELD_FIRST_SEED=n where it begins, REELD_SEED=n for one night
// with its trace. REELD_OFF=kind,kind switches parts of it off, REELD_SHRINK=1 looks for all parts
// that a failing night can do without. REELD_COUNTS=1 tells what happened how often.
// tests/nights.sh does all of it on every processor.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/night.hpp"
#include "support/retry_counts.hpp"

namespace reeld::test {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

std::set<std::string> kinds_from(const char* name) {
    const char* text = std::getenv(name);
    std::set<std::string> kinds;
    std::string rest = text == nullptr ? "" : text;
    while (!rest.empty()) {
        const auto comma = std::min(rest.find(','), rest.size());
        kinds.insert(rest.substr(0, comma));
        rest.erase(0, comma + 1);
    }
    return kinds;
}

std::string joined(const std::set<std::string>& kinds) {
    std::string text;
    for (const std::string& kind : kinds) text += (text.empty() ? "" : ",") + kind;
    return text;
}

std::string replay_of(const NightPlan& plan) {
    const std::string off = plan.off.empty() ? "" : fmt::format(" REELD_OFF={}", joined(plan.off));
    return fmt::format("REELD_SEED={}{} build/release/bin/simulation -tc='no seeded*'", plan.seed,
                       off);
}

std::vector<std::string> live(const NightPlan& plan) {
    try {
        return Night(plan).run();
    } catch (const std::exception& error) {
        return {std::string("an exception: ") + error.what()};
    }
}

// The same failure with fewer parts: first many at once, then one by one.
NightPlan shrunk(NightPlan plan) {
    std::vector<std::string> kinds = night_kinds();
    for (std::size_t step = kinds.size() / 2; step > 0; step /= 2) {
        for (std::size_t at = 0; at < kinds.size(); at += step) {
            NightPlan smaller = plan;
            const std::size_t end = std::min(at + step, kinds.size());
            for (std::size_t i = at; i < end; ++i) smaller.off.insert(kinds[i]);
            if (smaller.off != plan.off && !live(smaller).empty()) plan = smaller;
        }
    }
    while (plan.jobs > 1) {
        NightPlan smaller = plan;
        --smaller.jobs;
        if (live(smaller).empty()) break;
        plan = smaller;
    }
    return plan;
}

// Lives it once more, writing everything down.
std::string told(NightPlan plan) {
    plan.trace = true;
    Night night(plan);
    std::string text;
    try {
        for (const std::string& line : night.run()) text += "  " + line + "\n";
        if (text.empty()) text = "  nothing is wrong with it\n";
        return night.trace() + night.summary() + "\n" + text;
    } catch (const std::exception& error) {
        return fmt::format("  an exception: {}\n", error.what());
    }
}

void report(NightPlan plan) {
    if (number_from("REELD_SHRINK", 0) != 0) plan = shrunk(plan);
    const std::string text = told(plan);
    fmt::print("night {} went wrong; replay: {}\n{}", plan.seed, replay_of(plan), text);
    std::fflush(stdout);
    FAIL_CHECK("night ", plan.seed, " went wrong (replay with ", replay_of(plan), ")");
}

TEST_CASE("no seeded night loses a job, pays twice or keeps a broken file") {
    const std::uint64_t only = number_from("REELD_SEED", 0);
    const std::uint64_t first = only != 0 ? only : number_from("REELD_FIRST_SEED", 1);
    const std::uint64_t count = only != 0 ? 1 : number_from("REELD_NIGHTS", 300);
    const bool tells_counts = number_from("REELD_COUNTS", 0) != 0;
    std::map<std::string, std::uint64_t> counts;
    const RetryCounts before = retries_so_far();
    int bad = 0;
    for (std::uint64_t seed = first; seed < first + count && bad < 5; ++seed) {
        NightPlan plan = plan_of(seed);
        plan.off = kinds_from("REELD_OFF");
        std::vector<std::string> wrong;
        try {
            Night night(plan);
            wrong = night.run();
            for (const auto& [kind, times] : night.counts()) counts[kind] += times;
        } catch (const std::exception& error) {
            wrong.push_back(error.what());
        }
        if (tells_counts && (seed - first) % 20 == 19) {
            fmt::print("lived {}\n", seed - first + 1);
            std::fflush(stdout);
        }
        if (!wrong.empty()) {
            ++bad;
            report(plan);
        } else if (only != 0) {
            fmt::print("{}", told(plan));
        }
    }
    // Fewer nights have not seen everything.
    constexpr std::uint64_t nights_that_show_all = 150;
    if (first == 1 && count >= nights_that_show_all && bad == 0) {
        const auto missing = report_retries(retry_branch::Shown::nights, before);
        for (const std::string& branch : missing) FAIL_CHECK("never ran: ", branch);
    }
    if (!tells_counts) return;
    for (const std::string& kind : night_kinds()) counts[kind] += 0;
    for (const auto& [kind, times] : counts) fmt::print("count {} {}\n", kind, times);
}

TEST_CASE("the same seed lives the same night, to the last line of its trace") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        NightPlan plan = plan_of(seed);
        plan.trace = true;
        Night first(plan);
        first.run();
        Night second(plan);
        second.run();
        CHECK((first.trace() == second.trace()));
        CHECK(first.counts() == second.counts());
    }
}

}  // namespace
}  // namespace reeld::test
