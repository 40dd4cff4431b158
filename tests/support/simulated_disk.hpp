#pragma once
// The disk of the outputs, in memory: it fills up, refuses when told to, can be copied at any
// moment as the end of a process or a power cut leaves it. Durable is what was synced: the steps of
// a publication are those of the real disk.
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/file_system.hpp"
#include "runtime/publish_steps.hpp"
#include "support/disk_image.hpp"
#include "support/planned_failures.hpp"

namespace reeld::test {

class SimulatedDisk final : public runtime::FileSystem {
  public:
    // `read` counts files of open_below() alone.
    enum class Op { open, append, truncate, remove, make_folders, sync, rename, read };

    // The roots exist from the start; every folder below them must be made.
    explicit SimulatedDisk(std::set<std::string> roots = {"/outputs"});
    ~SimulatedDisk() override;

    std::uint64_t capacity = std::uint64_t{1} << 40;
    std::uint64_t claimed_free = UINT64_MAX;  // what the system says, when not the truth
    bool exclusive_rename = true;          // else hard links must serve
    std::function<Status()> before_publish;   // may refuse, or change the disk
    // Called with the file, or the folder, whose bytes or names are about to become durable; and
    // when they are.
    std::function<void(const std::string& path)> before_sync;
    std::function<void(const std::string& path)> after_sync;

    // Called before a piece of a file of open_below() is read: may change it.
    std::function<void(const std::string& path, std::uint64_t offset)> before_read;
    std::function<Instant()> now;  // when files were written last; none: always in 1970

    // What a process that starts now would find; later writes of the old process do not reach it.
    std::unique_ptr<SimulatedDisk> copy() const;
    std::unique_ptr<SimulatedDisk> after_power_cut(const PowerCut& cut) const;

    // Fails the n-th call of that kind from now on (1: the next), and the ones behind it up to
    // `times`. A failed sync of a file gives its bytes up, see DiskImage.
    void fail(Op op, int nth, ErrorCode code = ErrorCode::io, int times = 1,
              std::string name_end = {});
    void heal() { failures_.forget(); }
    int count(Op op) const { return failures_.count(op); }

    const std::map<std::string, DiskImage::Handle>& files() const { return image_.files(); }
    std::uint64_t used() const;
    void put(const std::string& path, std::string bytes);  // durable at once, with its folders
    // Other bytes in the same file: whoever has it open sees them.
    void overwrite(const std::string& path, const std::string& bytes);
    // A name that open_below() goes through to nowhere, as the real disk does.
    void put_link(const std::string& path) { links_.insert(path); }
    std::string at(const std::string& path) const;         // "(absent)" when it is not there

    Result<std::unique_ptr<runtime::File>> open_append(const std::string& path) override;
    Result<std::unique_ptr<runtime::File>> open_read(const std::string& path) override;
    Result<std::unique_ptr<runtime::File>> open_below(const std::string& root,
                                                      const std::string& path) override;
    bool exists(const std::string& path) override;
    Status remove(const std::string& path) override;
    Status remove_folder(const std::string& path) override;
    Status make_folders(const std::string& root, const std::string& relative) override;
    Result<std::vector<std::string>> list(const std::string& folder) override;
    Result<std::uint64_t> free_bytes(const std::string& folder) override;
    runtime::awaitable<Status> publish(std::string part, std::string target,
                                       std::string note) override;

  private:
    class Steps;  // of a publication
    class OpenFile;

    Status step(Op op, const std::string& path);
    std::int64_t now_ns() const;

    DiskImage image_;
    std::map<std::string, bool> folders_;  // true: its own name is durable
    std::set<std::string> links_;
    std::set<std::string> owed_;           // folders that got a folder; known to the process only
    PlannedFailures<Op, ErrorCode> failures_;
};

}  // namespace reeld::test
