#include "store/lock_holders.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <set>
#include <sstream>

namespace reeld::store {
namespace {

// One line: "1: POSIX  ADVISORY  WRITE 4711 fd:01:1835 1073741825 1073742335". A waiter has "->".
struct Held {
    std::string kind;
    std::int64_t pid = 0;
    std::string file;
    std::int64_t first = 0;
    std::int64_t last = INT64_MAX;
};

std::optional<Held> read_line(const std::string& line) {
    std::istringstream words(line);
    std::string number;
    std::string mode;
    std::string access;
    std::string last;
    Held held;
    words >> number >> held.kind;
    if (held.kind == "->") return std::nullopt;
    words >> mode >> access >> held.pid >> held.file >> held.first >> last;
    if (!words) return std::nullopt;
    if (last != "EOF") std::istringstream(last) >> held.last;
    return held;
}

std::string name_of(std::int64_t pid) {
    std::ifstream file(fmt::format("/proc/{}/comm", pid));
    std::string name;
    std::getline(file, name);
    return name.empty() ? fmt::format("pid {}", pid) : fmt::format("{} (pid {})", name, pid);
}

}  // namespace

std::string lock_holders(const std::string& path, LockKind kind, std::int64_t first,
                         std::int64_t last) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {};
    const std::string file = fmt::format("{:02x}:{:02x}:{}", major(facts.st_dev),
                                         minor(facts.st_dev), facts.st_ino);
    // Some file systems show another device here than in stat(); the number of the file is enough for
    // a message.
    const std::string ending = fmt::format(":{}", facts.st_ino);
    std::set<std::int64_t> exact;
    std::set<std::int64_t> likely;
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        const auto held = read_line(line);
        if (!held || held->pid <= 0 || held->pid == ::getpid()) continue;
        if ((held->kind == "FLOCK") != (kind == LockKind::whole_file)) continue;
        if (held->last < first || held->first > last) continue;
        if (held->file == file) exact.insert(held->pid);
        if (held->file.ends_with(ending)) likely.insert(held->pid);
    }
    std::string words;
    for (const std::int64_t pid : exact.empty() ? likely : exact) {
        if (!words.empty()) words += ", ";
        words += name_of(pid);
    }
    return words;
}

}  // namespace reeld::store
