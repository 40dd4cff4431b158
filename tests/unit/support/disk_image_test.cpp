#include "support/disk_image.hpp"

#include <doctest/doctest.h>

namespace reeld::test {
namespace {

using Keeps = PowerCut::Keeps;

std::string left_of(const DiskImage& image, const std::string& path, const PowerCut& cut) {
    const DiskImage left = image.after(cut);
    const DiskImage::Handle file = left.find(path);
    return file ? file->bytes() : "(absent)";
}

// A durable file of three sectors of 'a', the first two since then overwritten: with 'b', then 'c'.
struct Overwritten {
    DiskImage image;
    DiskImage::Handle file = image.create("out/f");
    Overwritten() {
        file->write(0, std::string(1536, 'a'));
        image.sync(file);
        file->write(0, std::string(512, 'b'));
        file->write(0, std::string(1024, 'c'));
    }
    std::string left(const PowerCut& cut) const { return left_of(image, "out/f", cut); }
};

std::string blocks(const std::string& letters) {
    std::string text;
    for (const char letter : letters)
        text += std::string(512, letter);
    return text;
}

}  // namespace

TEST_CASE_FIXTURE(Overwritten, "a power cut keeps of the unsynced writes what was chosen") {
    CHECK(file->bytes() == blocks("cca"));
    CHECK(left({Keeps::nothing}) == blocks("aaa"));
    CHECK(left({Keeps::everything}) == blocks("cca"));
    CHECK(left({Keeps::last_torn}) == blocks("caa"));
    CHECK(left({Keeps::only_last}) == blocks("cca"));
    bool only_first = false;
    bool second_half = false;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        const PowerCut cut{Keeps::mixed, seed};
        CHECK(left(cut) == left(cut));
        only_first = only_first || left(cut) == blocks("baa");
        second_half = second_half || left(cut) == blocks("aca");
    }
    CHECK(only_first);
    CHECK(second_half);
}

TEST_CASE_FIXTURE(Overwritten, "a write beyond a lost one leaves zeros where nothing was written") {
    file->truncate(0);
    file->write(0, "early");
    file->write(512, "late");
    CHECK(left({Keeps::only_last}) == blocks("a") + "late" + blocks("aa").substr(4));
    image.sync(file);
    CHECK(left({Keeps::nothing}) == "early" + std::string(507, '\0') + "late");
}

TEST_CASE_FIXTURE(Overwritten, "what a failed sync gave up no later sync brings to the disk") {
    file->fail_sync();
    file->write(1024, std::string(512, 'd'));
    image.sync(file);
    CHECK(file->bytes() == blocks("ccd"));
    CHECK(left({Keeps::nothing}) == blocks("aad"));
}

TEST_CASE("a new name is durable with its file, a rename and a removal with their folder") {
    DiskImage image;
    const auto file = image.create("out/new");
    file->write(0, "x");
    CHECK(left_of(image, "out/new", {Keeps::nothing}) == "(absent)");
    image.sync(file);
    CHECK(left_of(image, "out/new", {Keeps::nothing}) == "x");
    image.rename("out/new", "out/done");
    CHECK(image.find("out/new") == nullptr);
    CHECK(left_of(image, "out/new", {Keeps::nothing}) == "x");
    CHECK(left_of(image, "out/done", {Keeps::nothing}) == "(absent)");
    CHECK(left_of(image, "out/done", {Keeps::everything}) == "x");
    image.sync_folder("elsewhere");
    CHECK(left_of(image, "out/done", {Keeps::nothing}) == "(absent)");
    image.sync_folder("out");
    CHECK(left_of(image, "out/done", {Keeps::nothing}) == "x");
    image.remove("out/done");
    CHECK(left_of(image, "out/done", {Keeps::nothing}) == "x");
    CHECK(left_of(image, "out/done", {Keeps::everything}) == "(absent)");
    const auto again = image.create("out/done");
    again->write(0, "y");
    image.sync(again);
    CHECK(left_of(image, "out/done", {Keeps::nothing}) == "y");
    image.sync_folder("out");
    CHECK(left_of(image, "out/done", {Keeps::nothing}) == "y");
}

TEST_CASE("a file that took over a name keeps it, whatever the one before was up to") {
    DiskImage image;
    image.create("out/f")->write(0, "old");
    const auto file = image.create("out/f");
    file->write(0, "new");
    image.sync(file);
    CHECK(left_of(image, "out/f", {Keeps::everything}) == "new");
    image.remove("out/f");
    image.sync_folder("out");
    CHECK(left_of(image, "out/f", {Keeps::nothing}) == "(absent)");
}

TEST_CASE("the end of a process loses nothing, and makes nothing durable") {
    DiskImage image;
    const auto file = image.create("f");
    file->write(0, "x");
    const DiskImage copy = image.copy();
    file->write(1, "y");
    CHECK(copy.find("f")->bytes() == "x");
    CHECK(left_of(copy, "f", {Keeps::nothing}) == "(absent)");
    CHECK(left_of(copy, "f", {Keeps::everything}) == "x");
}

}  // namespace reeld::test
