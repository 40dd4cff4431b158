#pragma once
// Private to memory_vfs*.cpp: what the handles of one mounted folder share.
#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>

#include "support/memory_vfs.hpp"
#include "support/planned_failures.hpp"
#include "support/vfs_locks.hpp"

namespace reeld::test {

// One file with those who have it open.
struct OpenFile {
    DiskImage::Handle file;
    FileLocks locks;
    SharedMemory memory;
};

struct MemoryVfs::State {
    std::string folder;
    DiskImage image;
    int handles = 0;
    std::map<DiskImage::File*, std::weak_ptr<OpenFile>> open_files;
    PlannedFailures<Op, int> failures;
    Hook before_sync;
    Hook after_sync;

    // Counts the call; what it shall answer, SQLITE_OK for nothing special.
    int step(Op op, const std::string& name) {
        return failures.step(op, name).value_or(SQLITE_OK);
    }
    std::shared_ptr<OpenFile> opened(const DiskImage::Handle& file);
    int sync(const std::string& name, const DiskImage::Handle& file);
    int sync_folder();
};

// Places a handle into SQLite's memory for it.
void place_memory_file(sqlite3_file* where, std::shared_ptr<MemoryVfs::State> state,
                       std::string name, const DiskImage::Handle& file, bool names_are_new);
extern const int memory_file_bytes;

}  // namespace reeld::test
