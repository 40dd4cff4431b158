#pragma once
// One reeld per database: a lock on a file beside it, held until the process ends. The database
// file itself is never opened for this: closing any descriptor of it would drop SQLite's locks.
#include <memory>
#include <string>

#include "base/result.hpp"

namespace reeld::store {

class InstanceLock {
  public:
    // `busy` when another process, or another store of this one, holds it; names its pid.
    static Result<std::unique_ptr<InstanceLock>> acquire(const std::string& path);
    ~InstanceLock();
    InstanceLock(const InstanceLock&) = delete;
    InstanceLock& operator=(const InstanceLock&) = delete;

  private:
    explicit InstanceLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

// Creates an empty file with exactly this mode unless there is one. Call it before SQLite opens the
// file, never after.
Status create_database_file(const std::string& path, unsigned mode);

}  // namespace reeld::store
