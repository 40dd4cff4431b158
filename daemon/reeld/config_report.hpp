#pragma once
// What a configuration says, for people: the check's summary and what a reload changes.
#include <string>
#include <vector>

#include "reeld/config.hpp"

namespace reeld::daemon {

struct Setting {
    std::string key;    // "paths.state", "providers.fal.concurrency"
    std::string value;  // as it may stand in the file; "-" for none
};

// Every value in force, in a fixed order, without secrets.
std::vector<Setting> settings_of(const Config& config);

// The text of --check-config: one "key = value" line each, then the warnings.
std::string summary(const Config& config);

struct ReloadDiff {
    std::vector<std::string> live;     // "log.level: info -> debug": in force with the reload
    std::vector<std::string> restart;  // in force after the next start only
    bool empty() const { return live.empty() && restart.empty(); }
};

// Restart: paths, the address that webhooks are heard on, and whether there is a webhook at all.
// Everything else is live.
ReloadDiff diff_reload(const Config& before, const Config& after);

}  // namespace reeld::daemon
