#include "support/vfs_locks.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace reeld::test {

int FileLocks::highest_of_others(const void* who) const {
    int highest = SQLITE_LOCK_NONE;
    for (const auto& [holder, level] : held_) {
        if (holder != who) highest = std::max(highest, level);
    }
    return highest;
}

int FileLocks::lock(const void* who, int level) {
    const int others = highest_of_others(who);
    int& mine = held_[who];
    if (mine >= level) return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    } else {
        if (others >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
            mine = SQLITE_LOCK_PENDING;  // kept, so that the readers run out
            return SQLITE_BUSY;
        }
    }
    mine = level;
    return SQLITE_OK;
}

void FileLocks::unlock(const void* who, int level) {
    if (level == SQLITE_LOCK_NONE) {
        held_.erase(who);
    } else if (const auto mine = held_.find(who); mine != held_.end()) {
        mine->second = std::min(mine->second, level);
    }
}

bool FileLocks::is_reserved() const {
    return highest_of_others(nullptr) >= SQLITE_LOCK_RESERVED;
}

void* SharedMemory::region(const void* who, int index, int bytes, bool extend) {
    held_[who];
    const auto at = static_cast<std::size_t>(index);
    if (at >= regions_.size()) {
        if (!extend) return nullptr;
        regions_.resize(at + 1);
    }
    if (!regions_[at]) regions_[at] = std::make_unique<char[]>(static_cast<std::size_t>(bytes));
    return regions_[at].get();
}

int SharedMemory::lock(const void* who, int first, int count, int flags) {
    const std::uint32_t slots = ((1U << count) - 1U) << first;
    Held& mine = held_[who];
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        mine.shared &= ~slots;
        mine.exclusive &= ~slots;
        return SQLITE_OK;
    }
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (const auto& [holder, held] : held_) {
        if (holder == who) continue;
        if ((held.exclusive & slots) != 0) return SQLITE_BUSY;
        if (exclusive && (held.shared & slots) != 0) return SQLITE_BUSY;
    }
    (exclusive ? mine.exclusive : mine.shared) |= slots;
    return SQLITE_OK;
}

void SharedMemory::leave(const void* who) {
    held_.erase(who);
    if (held_.empty()) regions_.clear();
}

}  // namespace reeld::test
