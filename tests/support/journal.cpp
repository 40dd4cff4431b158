#include "support/journal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::test {

void Journal::say(Millis at, std::string_view who, std::string what) {
    if (writes) lines_.push_back({at, fmt::format("{:<8} {}", who, what)});
}

void Journal::clock_set(Millis at, Millis offset) { settings_.push_back({at, offset}); }

// An entry belongs to the earliest setting of the clock, not before its predecessor's, under which
// its time is possible.
std::vector<Journal::Line> Journal::placed(const std::vector<Entry>& trail) const {
    std::vector<Line> lines;
    std::size_t setting = 0;
    Millis last{0};
    for (const Entry& entry : trail) {
        Millis at = last;
        for (std::size_t i = setting; i < settings_.size(); ++i) {
            const Millis begin = std::max(last, settings_[i].at);
            const Millis time = entry.at.time_since_epoch() - settings_[i].offset;
            const bool is_last = i + 1 == settings_.size();
            if (time < begin || (!is_last && time > settings_[i + 1].at)) continue;
            setting = i;
            at = time;
            break;
        }
        last = at;
        lines.push_back({at, fmt::format("{:<8} {}", "daemon", entry.what)});
    }
    return lines;
}

std::string Journal::merged(const std::vector<Entry>& trail) const {
    std::vector<Line> all = lines_;
    for (Line& line : placed(trail)) all.push_back(std::move(line));
    std::stable_sort(all.begin(), all.end(),
                     [](const Line& a, const Line& b) { return a.at < b.at; });
    const Millis begin = settings_.empty() ? Millis{0} : settings_.front().at;
    std::string text;
    for (const Line& line : all) {
        const auto ms = (line.at - begin).count();
        text += fmt::format("{:3}:{:02}:{:02}.{:03}  {}\n", ms / 3'600'000, ms / 60'000 % 60,
                            ms / 1000 % 60, ms % 1000, line.text);
    }
    return text;
}

}  // namespace reeld::test
