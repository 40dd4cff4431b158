#include "runtime/file_system.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/run_loop.hpp"

namespace reeld::runtime {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "reeld-test-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    std::string operator/(const std::string& name) const { return path + "/" + name; }
    std::string path;
};

void put(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

std::string content(const std::string& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

struct World {
    Folder folder;
    boost::asio::io_context context;
    std::unique_ptr<FileSystem> files = make_system_file_system(context.get_executor());
};

}  // namespace

TEST_CASE_FIXTURE(World, "appended bytes can be read back, cut and continued") {
    const auto path = folder / "a.part";
    {
        auto file = files->open_append(path).value();
        CHECK(file->append("hello ").has_value());
        CHECK(file->append("world").has_value());
        CHECK(file->truncate(6).has_value());
        CHECK(file->append("reel").has_value());
        CHECK(file->size().value() == 10);
        std::array<char, 4> four{};
        CHECK(file->read_at(6, four).value() == 4);
        CHECK(std::string(four.data(), 4) == "reel");
    }
    CHECK(content(path) == "hello reel");
    struct stat info {};
    ::stat(path.c_str(), &info);
    CHECK((info.st_mode & 0777 & ~0640u) == 0);
    CHECK(files->list(folder.path).value() == std::vector<std::string>{"a.part"});
    CHECK(files->free_bytes(folder.path).value() > 0);
    CHECK(files->remove(path).has_value());
    CHECK(files->remove(path).has_value());
    CHECK(!files->exists(path));
}

TEST_CASE_FIXTURE(World, "what was written last shows in a file's facts") {
    put(folder / "a", "four");
    const auto file = files->open_below(folder.path, folder / "a").value();
    const FileFacts before = file->facts().value();
    CHECK(before.bytes == 4);
    struct stat info {};
    ::stat((folder / "a").c_str(), &info);
    CHECK(before.modified_ns == info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
    const timespec times[2] = {{}, {info.st_mtim.tv_sec, info.st_mtim.tv_nsec + 1}};
    ::utimensat(AT_FDCWD, (folder / "a").c_str(), times, 0);
    CHECK(file->facts().value().modified_ns != before.modified_ns);
}

TEST_CASE_FIXTURE(World, "a file is opened below a folder through no link and not outside it") {
    fs::create_directories(folder / "shots/deep");
    put(folder / "secret", "x");
    put(folder / "shots/a", "x");
    put(folder / "shots/deep/b", "x");
    fs::create_directory_symlink(folder / "shots", folder / "way");
    fs::create_symlink("../secret", folder / "shots/link");
    fs::create_directory_symlink("..", folder / "shots/up");
    ::mkfifo((folder / "shots/pipe").c_str(), 0600);
    const auto code = [&](const std::string& root, const std::string& path) {
        const auto opened = files->open_below(folder / root, folder / path);
        return opened ? ErrorCode::internal : opened.error().code();
    };
    CHECK(code("shots", "shots/a") == ErrorCode::internal);
    CHECK(code("shots", "shots//./deep/b") == ErrorCode::internal);
    // The root itself may be a link: it was named by whoever configures.
    CHECK(code("way", "way/deep/b") == ErrorCode::internal);
    CHECK(code("shots", "shots/none") == ErrorCode::not_found);
    CHECK(code("shots", "shots/none/a") == ErrorCode::not_found);
    for (const std::string path : {"shots/link", "shots/up/secret", "shots/../secret", "secret",
                                   "shots/deep", "shots/deep/", "shots/pipe", "shots/deep/..",
                                   "shots", "shotsier/a", "shots/a/b"}) {
        CAPTURE(path);
        CHECK(code("shots", path) == ErrorCode::refused);
    }
}

TEST_CASE_FIXTURE(World, "a symbolic link, a folder and a pipe are not opened as files") {
    put(folder / "real", "x");
    fs::create_symlink("real", folder / "link");
    fs::create_symlink("nowhere", folder / "dangling");
    ::mkfifo((folder / "pipe").c_str(), 0600);
    CHECK(files->open_append(folder / "link").error().code() == ErrorCode::refused);
    CHECK(files->open_read(folder / "link").error().code() == ErrorCode::refused);
    CHECK(files->open_append(folder / "dangling").error().code() == ErrorCode::refused);
    CHECK(files->exists(folder / "dangling"));
    CHECK(files->open_read(folder / "pipe").error().code() == ErrorCode::refused);
    CHECK(files->open_read(folder.path).error().code() == ErrorCode::refused);
    CHECK(files->open_read(folder / "none").error().code() == ErrorCode::not_found);
}

TEST_CASE_FIXTURE(World, "folders are made below the root only, through no link") {
    CHECK(files->make_folders(folder.path, "a/./b//c").has_value());
    CHECK(files->make_folders(folder.path, "a/b/c").has_value());
    CHECK(fs::is_directory(folder / "a/b/c"));
    CHECK(files->make_folders(folder.path, "").has_value());
    CHECK(files->make_folders(folder.path, "a/../../x").error().code() == ErrorCode::refused);
    CHECK(files->make_folders(folder.path, "/x").error().code() == ErrorCode::refused);
    const Folder outside;
    fs::create_directory_symlink(outside.path, folder / "trap");
    CHECK(files->make_folders(folder.path, "trap/in").error().code() == ErrorCode::refused);
    CHECK(fs::is_empty(outside.path));
    put(folder / "file", "x");
    CHECK(files->make_folders(folder.path, "file/in").error().code() == ErrorCode::refused);
}

// A folder of the outputs, and a place outside of them that somebody would like to be written to.
struct Trap : World {
    Trap() {
        CHECK(files->make_folders(folder.path, "night").has_value());
        put(outside / "precious", "precious");
    }
    // What somebody does who may write in the outputs folder, between our check and our use.
    void swap() {
        fs::rename(folder / "night", folder / "aside");
        fs::create_directory_symlink(outside.path, folder / "night");
    }
    Folder outside;
};

TEST_CASE_FIXTURE(Trap, "a folder that becomes a link after its check leads nowhere") {
    put(folder / "night/a.part", "video");
    swap();
    put(outside / "a.part", "planted");
    CHECK(files->open_append(folder / "night/b.part").error().code() == ErrorCode::refused);
    CHECK(files->open_read(folder / "night/precious").error().code() == ErrorCode::refused);
    CHECK(files->remove(folder / "night/precious").error().code() == ErrorCode::refused);
    CHECK(!files->exists(folder / "night/precious"));
    auto published = files->publish(folder / "night/a.part", folder / "night/a.mp4");
    CHECK(test::run_for_real(context, std::move(published)).error().code() == ErrorCode::refused);
    CHECK(content(outside / "precious") == "precious");
    CHECK(!fs::exists(outside / "b.part"));
    CHECK(!fs::exists(outside / "a.mp4"));
}

TEST_CASE_FIXTURE(Trap, "the target's folder may be swapped as late as for the publication") {
    CHECK(files->make_folders(folder.path, "parts").has_value());
    put(folder / "parts/a.part", "video");
    swap();
    auto published = files->publish(folder / "parts/a.part", folder / "night/a.mp4");
    CHECK(test::run_for_real(context, std::move(published)).error().code() == ErrorCode::refused);
    CHECK(!fs::exists(outside / "a.mp4"));
    CHECK(content(folder / "parts/a.part") == "video");
}

TEST_CASE_FIXTURE(Trap, "a part that is a link or has another name is not written to") {
    fs::create_symlink(outside / "precious", folder / "night/link.part");
    CHECK(files->open_append(folder / "night/link.part").error().code() == ErrorCode::refused);
    fs::create_hard_link(outside / "precious", folder / "night/hard.part");
    CHECK(files->open_append(folder / "night/hard.part").error().code() == ErrorCode::refused);
    CHECK(files->open_read(folder / "night/hard.part").has_value());
    CHECK(content(outside / "precious") == "precious");
    fs::create_symlink(outside / "precious", folder / "night/target.mp4");
    put(folder / "night/b.part", "video");
    auto published = files->publish(folder / "night/b.part", folder / "night/target.mp4");
    CHECK(test::run_for_real(context, std::move(published)).error().code() == ErrorCode::conflict);
    CHECK(content(outside / "precious") == "precious");
}

TEST_CASE_FIXTURE(World, "a root that is a link itself is the user's choice") {
    const Folder real;
    fs::create_directory_symlink(real.path, folder / "outputs");
    CHECK(files->make_folders(folder / "outputs", "night").has_value());
    CHECK(files->open_append(folder / "outputs/night/a.part").has_value());
    auto published =
        files->publish(folder / "outputs/night/a.part", folder / "outputs/night/a.mp4");
    CHECK(test::run_for_real(context, std::move(published)).has_value());
    CHECK(fs::exists(real / "night/a.mp4"));
}

TEST_CASE_FIXTURE(World, "publishing moves the file and never replaces one") {
    put(folder / "1.part", "one");
    put(folder / "2.part", "two");
    auto first = files->publish(folder / "1.part", folder / "out.mp4");
    CHECK(test::run_for_real(context, std::move(first)).has_value());
    CHECK(content(folder / "out.mp4") == "one");
    CHECK(!files->exists(folder / "1.part"));
    auto second = files->publish(folder / "2.part", folder / "out.mp4");
    const auto refused = test::run_for_real(context, std::move(second));
    CHECK(refused.error().code() == ErrorCode::conflict);
    CHECK(content(folder / "out.mp4") == "one");
    CHECK(content(folder / "2.part") == "two");
    auto third = files->publish(folder / "3.part", folder / "other.mp4");
    CHECK(test::run_for_real(context, std::move(third)).error().code() == ErrorCode::not_found);
}

TEST_CASE_FIXTURE(World, "publishing a file in its place keeps it") {
    put(folder / "out.mp4", "video");
    auto call = files->publish(folder / "out.mp4", folder / "out.mp4");
    CHECK(test::run_for_real(context, std::move(call)).has_value());
    CHECK(content(folder / "out.mp4") == "video");
}

TEST_CASE_FIXTURE(World, "many files published at one moment all arrive in their new folders") {
    CHECK(files->make_folders(folder.path, "night/one").has_value());
    std::vector<test::Started<Status>> calls;
    for (int i = 0; i < 20; ++i) {
        const auto part = folder / (std::to_string(i) + ".part");
        put(part, std::to_string(i));
        calls.emplace_back(context,
                           files->publish(part, folder / ("night/one/" + std::to_string(i))));
    }
    context.run();
    CHECK(
        std::all_of(calls.begin(), calls.end(), [](auto& call) { return call.get().has_value(); }));
    CHECK(files->list(folder / "night/one").value().size() == 20);
}

TEST_CASE_FIXTURE(World, "calls that are pending when the file system ends get an answer") {
    std::vector<test::Started<Status>> calls;
    for (int i = 0; i < 50; ++i) {
        const auto part = folder / (std::to_string(i) + ".part");
        put(part, "x");
        calls.emplace_back(context, files->publish(part, part + ".done"));
    }
    files.reset();
    context.run();
    for (int i = 0; i < 50; ++i) {
        REQUIRE(calls[static_cast<std::size_t>(i)].done());
        const bool moved = fs::exists(folder / (std::to_string(i) + ".part.done"));
        const auto status = calls[static_cast<std::size_t>(i)].get();
        CHECK(status.has_value() == moved);
        if (!moved) CHECK(status.error().code() == ErrorCode::cancelled);
    }
}

TEST_CASE_FIXTURE(World, "an append that hits a limit is an error and leaves no half of itself") {
    auto file = files->open_append(folder / "big").value();
    CHECK(file->append("12345678").has_value());
    struct rlimit before {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 16;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto status = file->append("more than eight bytes");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, ignored);
    CHECK(status.error().code() == ErrorCode::too_large);
    CHECK(file->size().value() == 8);
}

}  // namespace reeld::runtime
