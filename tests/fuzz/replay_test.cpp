// Every kept input again: the seeds, and each input that once broke something.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.hpp"
#include "fuzz/target.hpp"

namespace reeld::fuzz {
namespace {

std::vector<std::filesystem::path> kept_inputs(std::string_view target) {
    const auto folder = std::filesystem::path(REELD_SOURCE_DIR) / "tests/fuzz/corpus" / target;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void replay(const Target& target, const std::string& input) {
    std::string broken;
    try {
        target.run(input);
    } catch (const std::exception& error) {
        broken = error.what();
    }
    CHECK(broken == "");
}

}  // namespace

TEST_CASE("every kept input of every fuzz target keeps its target's properties") {
    log::set_sink({});
    for (const Target& target : all_targets()) {
        CAPTURE(target.name);
        const auto paths = kept_inputs(target.name);
        CHECK(paths.size() >= 3);
        for (const auto& path : paths) {
            CAPTURE(path.filename().string());
            replay(target, bytes_of(path));
        }
    }
}

TEST_CASE("the beginnings of every kept input and its bytes turned over are handled as well") {
    log::set_sink({});
    for (const Target& target : all_targets()) {
        CAPTURE(target.name);
        for (const auto& path : kept_inputs(target.name)) {
            CAPTURE(path.filename().string());
            const std::string whole = bytes_of(path);
            const std::size_t step = std::max<std::size_t>(1, whole.size() / 16);
            for (std::size_t cut = 0; cut < whole.size(); cut += step) {
                CAPTURE(cut);
                replay(target, whole.substr(0, cut));
                std::string turned = whole;
                turned[cut] = static_cast<char>(turned[cut] ^ 0x5A);
                replay(target, turned);
            }
        }
    }
}

}  // namespace reeld::fuzz
