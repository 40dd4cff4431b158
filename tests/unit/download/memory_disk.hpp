#pragma once
// A disk in memory that can be full, refuse, and be looked at and changed by a test.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/file_system.hpp"

namespace reeld::test {

class MemoryDisk final : public runtime::FileSystem {
  public:
    using Bytes = std::shared_ptr<std::string>;

    std::map<std::string, Bytes> files;
    std::uint64_t capacity = 1ull << 40;
    std::uint64_t claimed_free = UINT64_MAX;  // what the system says, when not the truth
    std::function<Status()> before_publish;   // may refuse, or change the disk

    std::uint64_t used() const {
        std::uint64_t sum = 0;
        for (const auto& [path, bytes] : files)
            sum += bytes->size();
        return sum;
    }
    void put(const std::string& path, std::string bytes) {
        files[path] = std::make_shared<std::string>(std::move(bytes));
    }
    std::string at(const std::string& path) const {
        const auto found = files.find(path);
        return found == files.end() ? "(absent)" : *found->second;
    }

    Result<std::unique_ptr<runtime::File>> open_append(const std::string& path) override {
        if (!files.contains(path)) put(path, "");
        return std::unique_ptr<runtime::File>(std::make_unique<MemoryFile>(*this, files[path]));
    }
    Result<std::unique_ptr<runtime::File>> open_read(const std::string& path) override {
        if (!files.contains(path)) return Error(ErrorCode::not_found, path);
        return std::unique_ptr<runtime::File>(std::make_unique<MemoryFile>(*this, files[path]));
    }
    bool exists(const std::string& path) override { return files.contains(path); }
    Status remove(const std::string& path) override {
        files.erase(path);
        return ok();
    }
    Status make_folders(const std::string&, const std::string& relative) override {
        if (relative.find("..") == std::string::npos) return ok();
        return Error(ErrorCode::refused, "leaves the folder");
    }
    Result<std::vector<std::string>> list(const std::string& folder) override {
        std::vector<std::string> names;
        for (const auto& [path, bytes] : files) {
            if (path.starts_with(folder + "/")) names.push_back(path.substr(folder.size() + 1));
        }
        return names;
    }
    Result<std::uint64_t> free_bytes(const std::string&) override {
        return std::min(claimed_free, capacity - std::min(used(), capacity));
    }
    runtime::awaitable<Status> publish(std::string part, std::string target) override {
        if (before_publish) {
            auto allowed = before_publish();
            if (!allowed) co_return allowed;
        }
        if (files.contains(target)) co_return Error(ErrorCode::conflict, "exists: " + target);
        files[target] = files[part];
        files.erase(part);
        co_return ok();
    }

  private:
    class MemoryFile final : public runtime::File {
      public:
        MemoryFile(const MemoryDisk& disk, Bytes bytes) : disk_(disk), bytes_(std::move(bytes)) {}
        Status append(std::string_view bytes) override {
            if (disk_.used() + bytes.size() > disk_.capacity) {
                return Error(ErrorCode::disk_full, "write");
            }
            bytes_->append(bytes);
            return ok();
        }
        Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
            if (offset >= bytes_->size()) return std::size_t{0};
            return bytes_->copy(out.data(), out.size(), static_cast<std::size_t>(offset));
        }
        Result<std::uint64_t> size() const override { return std::uint64_t{bytes_->size()}; }
        Status truncate(std::uint64_t size) override {
            bytes_->resize(static_cast<std::size_t>(size));
            return ok();
        }

      private:
        const MemoryDisk& disk_;
        Bytes bytes_;
    };
};

}  // namespace reeld::test
