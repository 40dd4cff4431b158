// Goal: whatever the provider, the network, the disk, people and crashes do to a night, no job is
// lost, nothing is paid twice, and what completed is whole. Method: the real engine and database on
// a virtual clock against the simulated provider, everything drawn from one seed per night.
//
// REELD_NIGHTS=10000 for a long run, REELD_SEED=n for one night with its trace.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "support/night.hpp"

namespace reeld::test {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

TEST_CASE("no seeded night loses a job, pays twice or keeps a broken file") {
    const std::uint64_t only = number_from("REELD_SEED", 0);
    const std::uint64_t first = only != 0 ? only : number_from("REELD_FIRST_SEED", 1);
    const std::uint64_t count = only != 0 ? 1 : number_from("REELD_NIGHTS", 300);
    int bad = 0;
    for (std::uint64_t seed = first; seed < first + count && bad < 5; ++seed) {
        Night night(plan_of(seed));
        const std::vector<std::string> wrong = night.run();
        if (only != 0) fmt::print("{}{}\n", night.trace(), night.summary());
        if (wrong.empty()) continue;
        ++bad;
        std::string text;
        for (const std::string& line : wrong) text += "  " + line + "\n";
        if (only == 0) text += night.summary();
        FAIL_CHECK("night ", seed, " went wrong (replay with REELD_SEED=", seed, "):\n", text);
    }
}

}  // namespace
}  // namespace reeld::test
