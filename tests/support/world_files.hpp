#pragma once
// All files of an installation behind one seam: the databases' folder is the memory under SQLite,
// everything else the simulated disk.
#include <memory>
#include <string>
#include <vector>

#include "support/memory_vfs.hpp"
#include "support/simulated_disk.hpp"

namespace reeld::test {

class WorldFiles final : public runtime::FileSystem {
  public:
    WorldFiles(SimulatedDisk& disk, MemoryVfs& databases, std::string folder)
        : disk_(disk), databases_(databases), folder_(std::move(folder)) {}

    bool exists(const std::string& path) override;
    Status remove(const std::string& path) override;
    runtime::awaitable<Status> publish(std::string part, std::string target,
                                       std::string note) override;

    Result<std::unique_ptr<runtime::File>> open_append(const std::string& path) override {
        return disk_.open_append(path);
    }
    Result<std::unique_ptr<runtime::File>> open_read(const std::string& path) override {
        return disk_.open_read(path);
    }
    Result<std::unique_ptr<runtime::File>> open_below(const std::string& root,
                                                      const std::string& path) override {
        return disk_.open_below(root, path);
    }
    Status remove_folder(const std::string& path) override { return disk_.remove_folder(path); }
    Status make_folders(const std::string& root, const std::string& relative) override {
        return disk_.make_folders(root, relative);
    }
    Result<std::vector<std::string>> list(const std::string& folder) override {
        return disk_.list(folder);
    }
    Result<std::uint64_t> free_bytes(const std::string& folder) override {
        return disk_.free_bytes(folder);
    }

  private:
    class Steps;  // of a publication in the databases' folder

    bool is_database(const std::string& path) const { return path.starts_with(folder_ + "/"); }
    std::string name_of(const std::string& path) const { return path.substr(folder_.size() + 1); }

    SimulatedDisk& disk_;
    MemoryVfs& databases_;
    std::string folder_;
};

}  // namespace reeld::test
