#include "support/simulated_disk.hpp"

#include <algorithm>

namespace reeld::test {
namespace {

class MemoryFile final : public runtime::File {
  public:
    MemoryFile(SimulatedDisk& disk, SimulatedDisk::Content content)
        : disk_(disk), content_(std::move(content)) {}

    Status append(std::string_view bytes) override {
        if (disk_.used() + bytes.size() > disk_.capacity) {
            return Error(ErrorCode::disk_full, "the simulated disk is full");
        }
        content_->append(bytes);
        return ok();
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
        if (offset >= content_->size()) return std::size_t{0};
        return content_->copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    }
    Result<std::uint64_t> size() const override {
        return static_cast<std::uint64_t>(content_->size());
    }
    Status truncate(std::uint64_t size) override {
        content_->resize(static_cast<std::size_t>(size));
        return ok();
    }

  private:
    SimulatedDisk& disk_;
    SimulatedDisk::Content content_;
};

}  // namespace

std::unique_ptr<SimulatedDisk> SimulatedDisk::copy() const {
    auto fresh = std::make_unique<SimulatedDisk>();
    fresh->capacity = capacity;
    fresh->claimed_free = claimed_free;
    for (const auto& [path, content] : files_) {
        fresh->files_[path] = std::make_shared<std::string>(*content);
    }
    return fresh;
}

std::uint64_t SimulatedDisk::used() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, content] : files_) bytes += content->size();
    return bytes;
}

void SimulatedDisk::put(const std::string& path, std::string bytes) {
    files_[path] = std::make_shared<std::string>(std::move(bytes));
}

std::string SimulatedDisk::at(const std::string& path) const {
    const auto found = files_.find(path);
    return found == files_.end() ? "(absent)" : *found->second;
}

Result<std::unique_ptr<runtime::File>> SimulatedDisk::open_append(const std::string& path) {
    Content& content = files_[path];
    if (!content) content = std::make_shared<std::string>();
    return std::unique_ptr<runtime::File>(std::make_unique<MemoryFile>(*this, content));
}

Result<std::unique_ptr<runtime::File>> SimulatedDisk::open_read(const std::string& path) {
    const auto at = files_.find(path);
    if (at == files_.end()) return Error(ErrorCode::not_found, path);
    return std::unique_ptr<runtime::File>(std::make_unique<MemoryFile>(*this, at->second));
}

Status SimulatedDisk::remove(const std::string& path) {
    files_.erase(path);
    return ok();
}

Status SimulatedDisk::make_folders(const std::string&, const std::string& relative) {
    if (relative.find("..") == std::string::npos) return ok();
    return Error(ErrorCode::refused, "leaves the folder");
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& [path, content] : files_) {
        const auto slash = path.rfind('/');
        if (path.substr(0, slash) == folder) names.push_back(path.substr(slash + 1));
    }
    return names;
}

Result<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) {
    return std::min(claimed_free, capacity - std::min(used(), capacity));
}

runtime::awaitable<Status> SimulatedDisk::publish(std::string part, std::string target) {
    if (before_publish) {
        const Status allowed = before_publish();
        if (!allowed) co_return allowed;
    }
    const auto from = files_.find(part);
    if (from == files_.end()) co_return Error(ErrorCode::not_found, part);
    if (files_.contains(target)) co_return Error(ErrorCode::conflict, target);
    files_[target] = from->second;
    files_.erase(part);
    co_return ok();
}

}  // namespace reeld::test
