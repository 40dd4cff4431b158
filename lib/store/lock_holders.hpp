#pragma once
// Who holds locks on a file, as the kernel tells. For messages only: in a sandbox of systemd, or from
// another machine, nobody may be seen.
#include <cstdint>
#include <string>

namespace reeld::store {

enum class LockKind { whole_file, bytes };  // flock(), fcntl()

// "sqlite3 (pid 4711), python3 (pid 4712)", without this process; empty when nobody is seen. `first`
// and `last` are the bytes that matter.
std::string lock_holders(const std::string& path, LockKind kind, std::int64_t first = 0,
                         std::int64_t last = INT64_MAX);

}  // namespace reeld::store
