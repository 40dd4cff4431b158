// Goal: the shipped example is true: it parses, it knows every key, and what it shows is the default.
#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

#include "reeld/config.hpp"
#include "reeld/config_report.hpp"

using namespace reeld;
using namespace reeld::daemon;

namespace {

constexpr std::array<std::string_view, 2> providers{"eachlabs", "fal"};

std::string example() {
    std::ifstream in(REELD_SOURCE_DIR "/systemd/reeld.example.toml");
    REQUIRE(in.is_open());
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// With the unset keys set: "#key = …" and "#[section]" lose their mark, prose ("# …") keeps it.
std::string with_everything_set() {
    std::istringstream in(example());
    std::string all;
    for (std::string line; std::getline(in, line);) {
        const bool unset = line.size() > 1 && line[0] == '#' && line[1] != ' ';
        all += (unset ? line.substr(1) : line) + "\n";
    }
    return all;
}

}  // namespace

TEST_CASE("the example as shipped means the defaults, with fal in use") {
    const auto config = parse_config(example(), "reeld.example.toml", providers);
    REQUIRE_MESSAGE(config.has_value(), config.error().context());
    Config expected = default_config(providers);
    expected.providers.at("fal").named = true;
    CHECK(summary(*config) == summary(expected));
}

TEST_CASE("the example names every key that the parser knows") {
    const auto config = parse_config(with_everything_set(), "reeld.example.toml", providers);
    REQUIRE_MESSAGE(config.has_value(), config.error().context());
    // The parser refuses a key twice in a section, so a key is there when removing it changes
    // the set of lines; looking for "key = " below its section says the same.
    const std::string text = with_everything_set();
    for (const std::string& key : known_keys(providers)) {
        CAPTURE(key);
        auto section = key.substr(0, key.rfind('.'));
        const auto name = key.substr(key.rfind('.') + 1);
        // Tables within one line: retry, and what is kept of each final state.
        const bool of_retry = section.ends_with(".retry") || section.starts_with("retention.");
        if (of_retry) section.resize(section.rfind('.'));
        const auto begin = text.find("[" + section + "]\n");
        REQUIRE(begin != std::string::npos);
        const auto end = text.find("\n[", begin);
        const auto body = text.substr(begin, end - begin);
        CHECK(body.find((of_retry ? " " : "\n") + name + " = ") != std::string::npos);
    }
}

TEST_CASE("what the example shows of unset keys is the default too, where there is one") {
    const auto config = parse_config(with_everything_set(), "reeld.example.toml", providers);
    REQUIRE(config.has_value());
    for (const std::string& line : [&] {
             const ReloadDiff diff = diff_reload(default_config(providers), *config);
             auto lines = diff.live;
             lines.insert(lines.end(), diff.restart.begin(), diff.restart.end());
             return lines;
         }()) {
        CAPTURE(line);
        const auto key = line.substr(0, line.find(':'));
        const bool without_default = key.starts_with("webhook.") || key.ends_with("_url") ||
                                     key.ends_with(".user_id") || key.ends_with(".key_file") ||
                                     key.ends_with(".auth") ||
                                     key.ends_with(".named") || key.starts_with("retention.") ||
                                     key == "catalogue.folder";
        CHECK(without_default);
    }
    CHECK(config->providers.at("fal").api.queue_url == "https://queue.fal.run");
    CHECK(config->providers.at("fal").api.rest_url == "https://rest.fal.ai");
    CHECK(config->providers.at("fal").api.platform_url == "https://api.fal.ai/v1");
    CHECK(config->providers.at("eachlabs").api.base_url == "https://api.eachlabs.ai");
    CHECK(config->providers.at("eachlabs").api.auth == "bearer");
}
