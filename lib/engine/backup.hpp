#pragma once
// Copies of the databases while the daemon works: one at a time, verified, never over another file.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/core.hpp"

namespace reeld::store {
struct CopyWatch;
}

namespace reeld::engine {

class Backup {
  public:
    explicit Backup(Core& core) : core_(core) {}

    // See Control::backup.
    awaitable<Result<BackupDone>> make(std::string path, std::function<bool()> abandoned);
    BackupStatus status() const;

  private:
    awaitable<Result<BackupDone>> copy_all(BackupDone done, std::shared_ptr<store::CopyWatch> watch);
    awaitable<Result<BackupDone>> publish(BackupDone done);
    // Clears away what a killed backup has left there; an error when there is no place for it.
    Status clear_target(const BackupDone& wanted) const;

    Core& core_;
    std::shared_ptr<store::CopyWatch> running_;  // null: none
    std::string running_path_;
    std::optional<Instant> last_at_;
    std::string last_path_;
};

}  // namespace reeld::engine
