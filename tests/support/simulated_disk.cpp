#include "support/simulated_disk.hpp"

#include <algorithm>

#include "runtime/publish_steps.hpp"

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

class SimulatedDisk::Steps final : public runtime::PublishDisk {
  public:
    explicit Steps(SimulatedDisk& disk) : files_(disk.files_) {}

    void begin_writing(const std::string&) override {}
    Status sync_file(const std::string& part) override { return known(part); }
    Status rename_new(const std::string& part, const std::string& target) override {
        const Status linked = link_new(part, target);
        if (linked) files_.erase(part);
        return linked;
    }
    Status link_new(const std::string& part, const std::string& target) override {
        if (const Status there = known(part); !there) return there;
        if (files_.contains(target)) return Error(ErrorCode::conflict, target);
        files_[target] = files_.at(part);
        return ok();
    }
    Status unlink(const std::string& part) override {
        files_.erase(part);
        return ok();
    }
    Status sync_folder(const std::string&) override { return ok(); }

  private:
    Status known(const std::string& part) const {
        if (files_.contains(part)) return ok();
        return Error(ErrorCode::not_found, part);
    }

    std::map<std::string, Content>& files_;
};

runtime::awaitable<Status> SimulatedDisk::publish(std::string part, std::string target) {
    if (before_publish) {
        const Status allowed = before_publish();
        if (!allowed) co_return allowed;
    }
    Steps steps(*this);
    const std::vector<runtime::Publication> batch{{std::move(part), std::move(target)}};
    const runtime::Published published = runtime::publish_batch(steps, batch, {});
    co_return published.results.front();
}

}  // namespace reeld::test
