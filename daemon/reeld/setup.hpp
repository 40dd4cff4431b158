#pragma once
// From the configuration and the keys to what the engine is told.
#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine/config.hpp"
#include "reeld/config.hpp"
#include "reeld/credentials.hpp"

namespace reeld::daemon {

struct Setup {
    engine::EngineConfig engine;
    std::vector<std::string> notes;  // for the log: where each key came from, what is missing
    std::vector<std::string> warnings;  // what could not be used: models of the catalogue's folder
};

// A provider is in use when the file names it or a key for it is found. The catalogue's folder is
// read; what is wrong with a file in it is a warning. Errors: an unusable key.
Result<Setup> make_setup(const Config& config, const KeySources& sources);

}  // namespace reeld::daemon
