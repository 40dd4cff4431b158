#include "reeld/options.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

namespace reeld::daemon {

std::variant<Options, UsageExit> parse_options(int argc, const char* const* argv,
                                               const std::string& version) {
    Options options;
    SandboxOptions sandbox;
    CLI::App app{"Turns a pile of video-generation jobs into files on disk.", "reeld"};
    app.set_version_flag("--version", "reeld " + version);
    auto* config = app.add_option("--config", options.config_file, "Configuration file")
                       ->type_name("FILE")
                       ->capture_default_str();
    auto* check = app.add_flag("--check-config", options.check_config,
                               "Read the configuration, print what is in force, and exit");
    auto* folder = app.add_option("--sandbox", sandbox.folder,
                                  "Run without a configuration against the built-in simulated "
                                  "provider, with all state under DIR")
                       ->type_name("DIR")
                       ->excludes(config)
                       ->excludes(check);
    app.add_option("--seed", sandbox.seed, "Sandbox: what latencies and faults are drawn from")
        ->check(CLI::NonNegativeNumber)
        ->needs(folder)
        ->capture_default_str();
    app.add_option("--faults", sandbox.faults_file, "Sandbox: which faults happen, and how often")
        ->type_name("FILE")
        ->check(CLI::ExistingFile)
        ->needs(folder);
    app.add_option("--speed", sandbox.speed, "Sandbox: how many times faster than life")
        ->check(CLI::Range(0.01, 100'000.0))
        ->needs(folder)
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        std::ostringstream err;
        const bool asked = app.exit(error, out, err) == 0;
        return UsageExit{asked ? out.str() : err.str(), asked ? 0 : 2};
    }
    if (folder->count() > 0) {
        if (sandbox.folder.empty()) return UsageExit{"--sandbox: DIR must not be empty\n", 2};
        options.sandbox = sandbox;
    }
    return options;
}

}  // namespace reeld::daemon
