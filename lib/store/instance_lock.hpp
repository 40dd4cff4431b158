#pragma once
// One reeld per database, until the process ends. Two locks make it so: one on a file beside the
// database, which any two programs can agree on before there is a database, and one on the database
// file itself, which holds whatever path leads to it and whoever deletes the file beside it.
#include <memory>
#include <string>

#include "base/result.hpp"

namespace reeld::store {

class InstanceLock {
  public:
    // `busy` when another process, or another store of this one, holds it; names the folder and
    // the holder's pid.
    static Result<std::unique_ptr<InstanceLock>> acquire(const std::string& path);
    ~InstanceLock();
    InstanceLock(const InstanceLock&) = delete;
    InstanceLock& operator=(const InstanceLock&) = delete;

    // The second lock. To be taken before SQLite opens the file, and kept until it has closed it:
    // closing any descriptor of a file drops SQLite's own locks.
    Status hold_database(const std::string& path);
    // False once the path leads to another file than the one that is held, or to none.
    bool is_in_place(const std::string& path) const;

  private:
    explicit InstanceLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
    int database_ = -1;
};

// Creates an empty file with exactly this mode unless there is one. Call it before SQLite opens the
// file, never after.
Status create_database_file(const std::string& path, unsigned mode);

}  // namespace reeld::store
