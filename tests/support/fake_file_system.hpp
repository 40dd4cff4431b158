#pragma once
// A disk in memory that fills up, fails when told to, and forgets at a power loss what nobody
// made durable.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "runtime/file_system.hpp"

namespace reeld::test {

class FakeFileSystem final : public runtime::FileSystem {
  public:
    // Folders `roots` exist from the start; every other one must be made.
    explicit FakeFileSystem(std::set<std::string> roots = {"/out"});

    Result<std::unique_ptr<runtime::File>> open_append(const std::string& path) override;
    Result<std::unique_ptr<runtime::File>> open_read(const std::string& path) override;
    bool exists(const std::string& path) override;
    Status remove(const std::string& path) override;
    Status make_folders(const std::string& root, const std::string& relative) override;
    Result<std::vector<std::string>> list(const std::string& folder) override;
    Result<std::uint64_t> free_bytes(const std::string& folder) override;
    runtime::awaitable<Status> publish(std::string part, std::string target) override;

    // The n-th call from now on (1: the next) of open, append, make_folders or publish fails.
    void fail_call(int n, ErrorCode code = ErrorCode::io);
    // What is left on the disk; an append that needs more fails whole with disk_full.
    void set_free_bytes(std::uint64_t bytes);
    // Drops what publish has not made durable: appended bytes, new files, removals.
    void power_loss();

    std::optional<std::string> content(const std::string& path) const;
    void put(const std::string& path, std::string content);  // durable at once
    int calls() const;                                       // of those that fail_call() counts

    struct Disk;

  private:
    std::shared_ptr<Disk> disk_;
};

}  // namespace reeld::test
