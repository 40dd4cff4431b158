#pragma once
// The command line of reeld.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace reeld::daemon {

struct SandboxOptions {
    std::string folder;       // all state lies under it
    std::uint64_t seed = 1;
    std::string faults_file;  // empty: none
    double speed = 1.0;       // how much faster than life the simulated provider works
};

struct Options {
    std::string config_file = "/etc/reeld/reeld.toml";
    std::optional<SandboxOptions> sandbox;  // instead of a configuration
    bool check_config = false;
};

// Nothing to run: a text and the exit code, 0 for --help and --version, 2 for a usage error.
struct UsageExit {
    std::string text;
    int code = 0;
    bool to_stderr() const { return code != 0; }
};

std::variant<Options, UsageExit> parse_options(int argc, const char* const* argv,
                                               const std::string& version);

}  // namespace reeld::daemon
