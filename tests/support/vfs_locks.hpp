#pragma once
// SQLite's locks and shared memory among the connections of one process.
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace reeld::test {

// The rollback journal's levels: many SHARED; one RESERVED beside them; PENDING lets no new SHARED
// in; EXCLUSIVE is alone.
class FileLocks {
  public:
    int lock(const void* who, int level);  // SQLITE_OK or SQLITE_BUSY
    void unlock(const void* who, int level);
    bool is_reserved() const;

  private:
    int highest_of_others(const void* who) const;
    std::map<const void*, int> held_;
};

// The WAL's index, which on a disk would be the file -shm.
class SharedMemory {
  public:
    void* region(const void* who, int index, int bytes, bool extend);  // null: not there yet
    int lock(const void* who, int first, int count, int flags);
    void leave(const void* who);  // the last one to leave forgets the content

  private:
    struct Held {
        std::uint32_t shared = 0;  // a bit for each slot
        std::uint32_t exclusive = 0;
    };
    std::map<const void*, Held> held_;
    std::vector<std::unique_ptr<char[]>> regions_;
};

}  // namespace reeld::test
