#pragma once
// A disk in memory: it fills up, refuses when told to, and can be copied at any moment.
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/file_system.hpp"

namespace reeld::test {

class SimulatedDisk final : public runtime::FileSystem {
  public:
    using Content = std::shared_ptr<std::string>;

    std::uint64_t capacity = std::uint64_t{1} << 40;
    std::uint64_t claimed_free = UINT64_MAX;  // what the system says, when not the truth
    std::function<Status()> before_publish;   // may refuse, or change the disk

    // What a process that starts now would find; later writes of the old process do not reach it.
    std::unique_ptr<SimulatedDisk> copy() const;
    const std::map<std::string, Content>& files() const { return files_; }
    std::uint64_t used() const;
    void put(const std::string& path, std::string bytes);
    std::string at(const std::string& path) const;  // "(absent)" when it is not there

    Result<std::unique_ptr<runtime::File>> open_append(const std::string& path) override;
    Result<std::unique_ptr<runtime::File>> open_read(const std::string& path) override;
    bool exists(const std::string& path) override { return files_.contains(path); }
    Status remove(const std::string& path) override;
    Status make_folders(const std::string& root, const std::string& relative) override;
    Result<std::vector<std::string>> list(const std::string& folder) override;
    Result<std::uint64_t> free_bytes(const std::string& folder) override;
    runtime::awaitable<Status> publish(std::string part, std::string target) override;

  private:
    class Steps;  // of a publication

    std::map<std::string, Content> files_;
};

}  // namespace reeld::test
