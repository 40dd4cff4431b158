#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "sandbox/h264.hpp"
#include "sandbox/mp4.hpp"

using namespace reeld::sandbox;

namespace {

std::uint32_t be32(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

std::vector<std::string> top_boxes(std::string_view bytes) {
    std::vector<std::string> types;
    std::size_t at = 0;
    while (at + 8 <= bytes.size()) {
        types.emplace_back(bytes.substr(at + 4, 4));
        at += be32(bytes, at);
    }
    REQUIRE(at == bytes.size());
    return types;
}

Mp4Spec spec(std::string_view seed) {
    Mp4Spec out;
    out.seed = seed;
    return out;
}

bool has_program(const char* name) {
    return std::system((std::string("command -v ") + name + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

TEST_CASE("three zero-ish bytes inside a NAL unit are broken up by an escape byte") {
    using namespace std::string_literals;
    CHECK(h264_escape("\0\0\0"s) == "\0\0\3\0"s);
    CHECK(h264_escape("\0\0\1"s) == "\0\0\3\1"s);
    CHECK(h264_escape("\0\0\3\0\0\2"s) == "\0\0\3\3\0\0\3\2"s);
    CHECK(h264_escape("\0\0\4\0\1"s) == "\0\0\4\0\1"s);
}

TEST_CASE("a film is a chain of whole boxes, its index before or after the data as asked") {
    Mp4Spec film = spec("one");
    CHECK(top_boxes(make_mp4(film)) == std::vector<std::string>{"ftyp", "free", "moov", "mdat"});
    film.faststart = false;
    CHECK(top_boxes(make_mp4(film)) == std::vector<std::string>{"ftyp", "free", "mdat", "moov"});
}

TEST_CASE("the chunk offset points at the first sample, which is an IDR picture") {
    for (const bool faststart : {true, false}) {
        Mp4Spec film = spec("offset");
        film.faststart = faststart;
        const std::string bytes = make_mp4(film);
        const auto stco = bytes.find("stco");
        REQUIRE(stco != bytes.npos);
        const std::uint32_t offset = be32(bytes, stco + 12);
        CHECK(bytes.substr(offset - 4, 4) == "mdat");
        CHECK((static_cast<unsigned char>(bytes.at(offset + 4)) & 0x1F) == 5);
    }
}

TEST_CASE("equal seeds give equal bytes, a hundred seeds a hundred films, all of them small") {
    CHECK(make_mp4(spec("a")) == make_mp4(spec("a")));
    std::set<std::string> films;
    for (int i = 0; i < 100; ++i) {
        films.insert(make_mp4(spec("request " + std::to_string(i))));
    }
    CHECK(films.size() == 100);
    Mp4Spec longest = spec("long");
    longest.seconds = 6;
    longest.columns = 6;
    CHECK(make_mp4(longest).size() < 60'000);
}

TEST_CASE("ffmpeg decodes every picture without a complaint") {
    if (!has_program("ffmpeg") || !has_program("ffprobe")) {
        MESSAGE("skipped: no ffmpeg on this machine");
        return;
    }
    const auto folder = std::filesystem::temp_directory_path() / "reeld-mp4-test";
    std::filesystem::create_directories(folder);
    for (const bool faststart : {true, false}) {
        Mp4Spec film = spec("play me");
        film.seconds = 3;
        film.columns = 6;
        film.faststart = faststart;
        const std::string path = (folder / (faststart ? "fast.mp4" : "slow.mp4")).string();
        std::ofstream(path, std::ios::binary) << make_mp4(film);
        const std::string decode =
            "ffmpeg -v error -i " + path + " -f null - > " + path + ".log 2>&1";
        CHECK(std::system(decode.c_str()) == 0);
        CHECK(std::filesystem::file_size(path + ".log") == 0);
        const std::string probe =
            "ffprobe -v error -count_frames -show_entries stream=codec_name,width,height,"
            "nb_read_frames -of csv=p=0 " +
            path + " > " + path + ".txt";
        CHECK(std::system(probe.c_str()) == 0);
        std::string line;
        std::ifstream report(path + ".txt");
        std::getline(report, line);
        CHECK(line == "h264,96,64,72");
    }
    std::filesystem::remove_all(folder);
}
