#include "support/fake_file_system.hpp"

#include <algorithm>
#include <sstream>

namespace reeld::test {
namespace {

struct Content {
    std::string bytes;
};
using Files = std::map<std::string, std::shared_ptr<Content>>;

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

}  // namespace

struct FakeFileSystem::Disk {
    Files files;
    std::map<std::string, std::string> durable;
    std::set<std::string> folders;
    std::uint64_t free = std::uint64_t{1} << 40;
    int calls = 0;
    std::map<int, ErrorCode> failures;

    Status step(const std::string& what) {
        const auto planned = failures.find(++calls);
        if (planned == failures.end()) return ok();
        return Error(planned->second, what + ": failed by the script");
    }
};

namespace {

class FakeFile final : public runtime::File {
  public:
    FakeFile(std::shared_ptr<FakeFileSystem::Disk> disk, std::shared_ptr<Content> content,
             bool writable)
        : disk_(std::move(disk)), content_(std::move(content)), writable_(writable) {}

    Status append(std::string_view bytes) override {
        if (!writable_) return Error(ErrorCode::io, "append: opened for reading");
        if (auto status = disk_->step("append"); !status) return status;
        if (bytes.size() > disk_->free) return Error(ErrorCode::disk_full, "append");
        disk_->free -= bytes.size();
        content_->bytes.append(bytes);
        return ok();
    }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
        const auto& bytes = content_->bytes;
        if (offset >= bytes.size()) return std::size_t{0};
        return bytes.copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    }

    Result<std::uint64_t> size() const override {
        return static_cast<std::uint64_t>(content_->bytes.size());
    }

    Status truncate(std::uint64_t size) override {
        content_->bytes.resize(static_cast<std::size_t>(size));
        return ok();
    }

  private:
    std::shared_ptr<FakeFileSystem::Disk> disk_;
    std::shared_ptr<Content> content_;
    bool writable_;
};

}  // namespace

FakeFileSystem::FakeFileSystem(std::set<std::string> roots) : disk_(std::make_shared<Disk>()) {
    disk_->folders = std::move(roots);
}

Result<std::unique_ptr<runtime::File>> FakeFileSystem::open_append(const std::string& path) {
    if (auto status = disk_->step("open " + path); !status) return status.error();
    if (!disk_->folders.contains(folder_of(path))) {
        return Error(ErrorCode::not_found, "open " + path + ": no such folder");
    }
    auto& content = disk_->files[path];
    if (!content) content = std::make_shared<Content>();
    return std::unique_ptr<runtime::File>(std::make_unique<FakeFile>(disk_, content, true));
}

Result<std::unique_ptr<runtime::File>> FakeFileSystem::open_read(const std::string& path) {
    if (auto status = disk_->step("open " + path); !status) return status.error();
    const auto found = disk_->files.find(path);
    if (found == disk_->files.end()) return Error(ErrorCode::not_found, "open " + path);
    return std::unique_ptr<runtime::File>(std::make_unique<FakeFile>(disk_, found->second, false));
}

bool FakeFileSystem::exists(const std::string& path) {
    return disk_->files.contains(path) || disk_->folders.contains(path);
}

Status FakeFileSystem::remove(const std::string& path) {
    const auto found = disk_->files.find(path);
    if (found == disk_->files.end()) return ok();
    disk_->free += found->second->bytes.size();
    disk_->files.erase(found);
    return ok();
}

Status FakeFileSystem::make_folders(const std::string& root, const std::string& relative) {
    if (auto status = disk_->step("make folders " + relative); !status) return status;
    if (!disk_->folders.contains(root)) return Error(ErrorCode::not_found, "no folder " + root);
    std::istringstream parts(relative);
    std::string path = root;
    for (std::string part; std::getline(parts, part, '/');) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return Error(ErrorCode::refused, "folder " + relative);
        path += "/" + part;
        if (disk_->files.contains(path)) return Error(ErrorCode::refused, path + " is a file");
        disk_->folders.insert(path);
    }
    return ok();
}

Result<std::vector<std::string>> FakeFileSystem::list(const std::string& folder) {
    if (!disk_->folders.contains(folder)) return Error(ErrorCode::not_found, "list " + folder);
    std::vector<std::string> names;
    const auto take = [&](const std::string& path) {
        if (folder_of(path) == folder) names.push_back(path.substr(folder.size() + 1));
    };
    for (const auto& [path, content] : disk_->files)
        take(path);
    for (const auto& path : disk_->folders)
        take(path);
    return names;
}

Result<std::uint64_t> FakeFileSystem::free_bytes(const std::string&) {
    return disk_->free;
}

runtime::awaitable<Status> FakeFileSystem::publish(std::string part, std::string target) {
    if (auto status = disk_->step("publish " + target); !status) co_return status.error();
    const auto found = disk_->files.find(part);
    if (found == disk_->files.end()) co_return Error(ErrorCode::not_found, "publish " + part);
    if (exists(target)) co_return Error(ErrorCode::conflict, "publish " + target);
    if (!disk_->folders.contains(folder_of(target))) {
        co_return Error(ErrorCode::not_found, "publish " + target + ": no such folder");
    }
    disk_->files[target] = found->second;
    disk_->durable[target] = found->second->bytes;
    disk_->durable.erase(part);
    disk_->files.erase(part);
    co_return ok();
}

void FakeFileSystem::fail_call(int n, ErrorCode code) {
    disk_->failures[disk_->calls + n] = code;
}
void FakeFileSystem::set_free_bytes(std::uint64_t bytes) {
    disk_->free = bytes;
}

void FakeFileSystem::power_loss() {
    disk_->files.clear();
    for (const auto& [path, bytes] : disk_->durable)
        put(path, bytes);
}

std::optional<std::string> FakeFileSystem::content(const std::string& path) const {
    const auto found = disk_->files.find(path);
    if (found == disk_->files.end()) return std::nullopt;
    return found->second->bytes;
}

void FakeFileSystem::put(const std::string& path, std::string content) {
    disk_->durable[path] = content;
    auto file = std::make_shared<Content>();
    file->bytes = std::move(content);
    disk_->files[path] = std::move(file);
}

int FakeFileSystem::calls() const {
    return disk_->calls;
}

}  // namespace reeld::test
