#pragma once
// What happened in a world and who did it: counted always, written down only when somebody will
// read it.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace reeld::test {

class Journal {
  public:
    bool writes = false;

    void count(const std::string& kind, std::uint64_t times = 1) { counts_[kind] += times; }
    const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

    // `at` is the world's monotonic time.
    void say(Millis at, std::string_view who, std::string what);
    // From here on the daemon's wall clock shows monotonic time plus `offset`.
    void clock_set(Millis at, Millis offset);

    // One line of the daemon's own trail, by its wall clock; in the order of the trail.
    struct Entry {
        Instant at{};
        std::string what;
    };
    // All lines by time. Where a clock was set back the trail's order tells which time is meant.
    std::string merged(const std::vector<Entry>& trail) const;

  private:
    struct Line {
        Millis at{0};
        std::string text;
    };
    struct Setting {
        Millis at{0};
        Millis offset{0};
    };
    std::vector<Line> placed(const std::vector<Entry>& trail) const;

    std::map<std::string, std::uint64_t> counts_;
    std::vector<Line> lines_;
    std::vector<Setting> settings_;
};

}  // namespace reeld::test
