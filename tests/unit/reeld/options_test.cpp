// Goal: the command line says what to run, or why not, with exit code 2.
#include "reeld/options.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace reeld::daemon;

namespace {

std::variant<Options, UsageExit> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "reeld");
    return parse_options(static_cast<int>(words.size()), words.data(), "1.2.3");
}

}  // namespace

TEST_CASE("without arguments the system's configuration is run") {
    const auto parsed = parse({});
    const auto* options = std::get_if<Options>(&parsed);
    REQUIRE(options != nullptr);
    CHECK(options->config_file == "/etc/reeld/reeld.toml");
    CHECK_FALSE(options->sandbox.has_value());
    CHECK_FALSE(options->check_config);
}

TEST_CASE("a configuration can be named and checked") {
    const auto parsed = parse({"--config", "my.toml", "--check-config"});
    const auto* options = std::get_if<Options>(&parsed);
    REQUIRE(options != nullptr);
    CHECK(options->config_file == "my.toml");
    CHECK(options->check_config);
}

TEST_CASE("the sandbox takes its folder, seed, faults and speed") {
    const auto parsed = parse({"--sandbox", "dir", "--seed", "7", "--faults",
                               REELD_SOURCE_DIR "/README.md", "--speed", "50"});
    const auto* options = std::get_if<Options>(&parsed);
    REQUIRE(options != nullptr);
    REQUIRE(options->sandbox.has_value());
    CHECK(options->sandbox->folder == "dir");
    CHECK(options->sandbox->seed == 7);
    CHECK(options->sandbox->faults_file == REELD_SOURCE_DIR "/README.md");
    CHECK(options->sandbox->speed == 50.0);
}

TEST_CASE("the version and the help are asked for, not wrong") {
    const auto version = parse({"--version"});
    const auto* exit = std::get_if<UsageExit>(&version);
    REQUIRE(exit != nullptr);
    CHECK(exit->text == "reeld 1.2.3\n");
    CHECK(exit->code == 0);
    const auto help = parse({"--help"});
    exit = std::get_if<UsageExit>(&help);
    REQUIRE(exit != nullptr);
    CHECK(exit->code == 0);
    CHECK(exit->text.find("--check-config") != std::string::npos);
}

TEST_CASE("what makes no sense is a usage error with exit code 2 and a reason") {
    const std::vector<std::vector<const char*>> wrong{
        {"--konfig", "x"},
        {"stray"},
        {"--config"},
        {"--seed", "7"},
        {"--speed", "2"},
        {"--sandbox", "d", "--speed", "0"},
        {"--sandbox", "d", "--seed", "-1"},
        {"--sandbox", "d", "--seed", "many"},
        {"--sandbox", "d", "--faults", "no such file"},
        {"--sandbox", "d", "--config", "c.toml"},
        {"--sandbox", "d", "--check-config"},
        {"--sandbox", ""},
    };
    for (const auto& words : wrong) {
        CAPTURE(std::string(words.back()));
        const auto parsed = parse(words);
        const auto* exit = std::get_if<UsageExit>(&parsed);
        REQUIRE(exit != nullptr);
        CHECK(exit->code == 2);
        CHECK(exit->to_stderr());
        CHECK_FALSE(exit->text.empty());
    }
}
