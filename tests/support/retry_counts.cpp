#include "support/retry_counts.hpp"

#include <fmt/format.h>

#include <atomic>

namespace reeld::test {
namespace {

class Counter final : public retry_branch::Observer {
  public:
    void took(RetryBranch branch) override { ++counts.at(static_cast<std::size_t>(branch)); }
    std::array<std::atomic<std::uint64_t>, retry_branch::all.size()> counts{};
};

Counter& counter() {
    static Counter one;
    return one;
}

}  // namespace

void count_retries() { retry_branch::set_observer(&counter()); }

RetryCounts retries_so_far() {
    RetryCounts counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) counts.at(i) = counter().counts.at(i);
    return counts;
}

std::vector<std::string> report_retries(retry_branch::Shown shown, const RetryCounts& before) {
    const RetryCounts now = retries_so_far();
    std::vector<std::string> missing;
    fmt::print("\nretry branches, how often taken\n");
    for (std::size_t i = 0; i < now.size(); ++i) {
        const retry_branch::Description& one = retry_branch::all.at(i);
        const std::uint64_t times = now.at(i) - before.at(i);
        if (one.shown != shown) continue;
        fmt::print("{:>8} {:<24} {}\n", times, one.name, one.meaning);
        if (times == 0) missing.emplace_back(one.name);
    }
    return missing;
}

bool shows_retries(const std::string& program, retry_branch::Shown shown) {
    using enum retry_branch::Shown;
    switch (shown) {
        case engine: return program.ends_with("/unit_engine");
        case download: return program.ends_with("/unit_download");
        case store: return program.ends_with("/unit_store");
        case http: return program.ends_with("/unit_http");
        case nights:
        case failures: break;  // test cases of the simulation, which report themselves
    }
    return false;
}

}  // namespace reeld::test
