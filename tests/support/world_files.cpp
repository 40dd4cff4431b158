#include "support/world_files.hpp"

#include "support/memory_vfs_state.hpp"

namespace reeld::test {

class WorldFiles::Steps final : public runtime::PublishDisk {
  public:
    explicit Steps(MemoryVfs::State& state) : state_(state) {}

    void begin_writing(const std::string&) override {}
    Status sync_file(const std::string& part) override {
        const DiskImage::Handle file = state_.image.find(part);
        if (!file) return Error(ErrorCode::not_found, part);
        return status_of(state_.sync(part, file), part);
    }
    Status rename_new(const std::string& part, const std::string& target) override {
        if (state_.image.find(target)) return Error(ErrorCode::conflict, target);
        state_.image.rename(part, target);
        return ok();
    }
    Status link_new(const std::string& part, const std::string& target) override {
        if (state_.image.find(target)) return Error(ErrorCode::conflict, target);
        state_.image.link(part, target);
        return ok();
    }
    Status unlink(const std::string& part) override {
        state_.image.remove(part);
        return ok();
    }
    Status sync_folder(const std::string& folder) override {
        return status_of(state_.sync_folder(), folder);
    }

  private:
    static Status status_of(int result, const std::string& name) {
        return result == SQLITE_OK ? ok() : Status(Error(ErrorCode::io, name + ": by the script"));
    }

    MemoryVfs::State& state_;
};

bool WorldFiles::exists(const std::string& path) {
    if (!is_database(path)) return disk_.exists(path);
    return databases_.image().find(name_of(path)) != nullptr;
}

Status WorldFiles::remove(const std::string& path) {
    if (!is_database(path)) return disk_.remove(path);
    // The empty file that stands for it on the real disk stays: other forks of the test share it.
    databases_.state().image.remove(name_of(path));
    return ok();
}

runtime::awaitable<Status> WorldFiles::publish(std::string part, std::string target,
                                               std::string note) {
    if (!is_database(part)) {
        co_return co_await disk_.publish(std::move(part), std::move(target), std::move(note));
    }
    Steps steps(databases_.state());
    std::vector<runtime::Publication> batch;
    batch.push_back({name_of(part), name_of(target), {}});
    const std::set<std::string> owed;
    co_return runtime::publish_batch(steps, batch, owed).results.front();
}

}  // namespace reeld::test
