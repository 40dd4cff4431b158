#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "support/memory_vfs_state.hpp"

namespace reeld::test {
namespace {

using Op = MemoryVfs::Op;

// What an open handle knows; behind a pointer, because SQLite owns the memory of the handle.
struct Body {
    std::shared_ptr<MemoryVfs::State> state;
    std::string name;
    std::shared_ptr<OpenFile> open;
    bool syncs_folder = false;  // its first sync makes the folder's names durable too
    int level = SQLITE_LOCK_NONE;

    const std::string& bytes() const { return open->file->bytes(); }
};

struct MemoryFile {
    sqlite3_file base;
    Body* body;
};

Body& body_of(sqlite3_file* file) {
    return *reinterpret_cast<MemoryFile*>(file)->body;
}

int close(sqlite3_file* file) {
    Body* body = &body_of(file);
    body->open->locks.unlock(body, SQLITE_LOCK_NONE);
    body->open->memory.leave(body);
    --body->state->handles;
    delete body;
    file->pMethods = nullptr;
    return SQLITE_OK;
}

int read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
    Body& body = body_of(file);
    if (const int failed = body.state->step(Op::read, body.name)) return failed;
    const std::string& bytes = body.bytes();
    const auto wanted = static_cast<std::size_t>(amount);
    const auto begin = std::min(static_cast<std::size_t>(offset), bytes.size());
    const std::size_t got = bytes.copy(static_cast<char*>(to), wanted, begin);
    if (got == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + got, 0, wanted - got);
    return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    Body& body = body_of(file);
    const int failed = body.state->step(Op::write, body.name);
    auto count = static_cast<std::size_t>(amount);
    if (failed != SQLITE_OK) count /= 2;
    body.open->file->write(static_cast<std::uint64_t>(offset),
                           std::string_view(static_cast<const char*>(from), count));
    return failed;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    Body& body = body_of(file);
    if (const int failed = body.state->step(Op::truncate, body.name)) return failed;
    body.open->file->truncate(static_cast<std::uint64_t>(size));
    return SQLITE_OK;
}

int sync(sqlite3_file* file, int) {
    Body& body = body_of(file);
    if (const int failed = body.state->sync(body.name, body.open->file)) return failed;
    // As on unix: a new journal or WAL would be of no use if its name were lost, and a folder that
    // cannot be synced is no error here.
    if (std::exchange(body.syncs_folder, false)) body.state->sync_folder();
    return SQLITE_OK;
}

int size(sqlite3_file* file, sqlite3_int64* result) {
    *result = static_cast<sqlite3_int64>(body_of(file).bytes().size());
    return SQLITE_OK;
}

int lock(sqlite3_file* file, int level) {
    Body& body = body_of(file);
    if (body.level >= level) return SQLITE_OK;
    if (const int failed = body.state->step(Op::lock, body.name)) return failed;
    const int result = body.open->locks.lock(&body, level);
    if (result == SQLITE_OK) body.level = level;
    return result;
}

int unlock(sqlite3_file* file, int level) {
    Body& body = body_of(file);
    body.open->locks.unlock(&body, level);
    body.level = std::min(body.level, level);
    return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* result) {
    *result = body_of(file).open->locks.is_reserved() ? 1 : 0;
    return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}

// Both as the unix VFS answers, because SQLite lays out journals by them.
int sector_size(sqlite3_file*) {
    return 4096;
}
int characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int shm_map(sqlite3_file* file, int index, int bytes, int extend, void volatile** region) {
    Body& body = body_of(file);
    if (const int failed = body.state->step(Op::shm, body.name)) return failed;
    *region = body.open->memory.region(&body, index, bytes, extend != 0);
    return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int first, int count, int flags) {
    Body& body = body_of(file);
    const bool locks = (flags & SQLITE_SHM_LOCK) != 0;
    if (locks) {
        if (const int failed = body.state->step(Op::shm, body.name)) return failed;
    }
    return body.open->memory.lock(&body, first, count, flags);
}

void shm_barrier(sqlite3_file*) {}

int shm_unmap(sqlite3_file* file, int) {
    Body& body = body_of(file);
    body.open->memory.leave(&body);
    return SQLITE_OK;
}

// Version 2: with shared memory, without memory-mapped reads.
const sqlite3_io_methods methods{2,
                                 close,
                                 read,
                                 write,
                                 truncate,
                                 sync,
                                 size,
                                 lock,
                                 unlock,
                                 check_reserved,
                                 control,
                                 sector_size,
                                 characteristics,
                                 shm_map,
                                 shm_lock,
                                 shm_barrier,
                                 shm_unmap,
                                 nullptr,
                                 nullptr};

}  // namespace

const int memory_file_bytes = sizeof(MemoryFile);

void place_memory_file(sqlite3_file* where, std::shared_ptr<MemoryVfs::State> state,
                       std::string name, const DiskImage::Handle& file, bool names_are_new) {
    auto body = std::make_unique<Body>();
    body->open = state->opened(file);
    body->name = std::move(name);
    body->syncs_folder = names_are_new;
    ++state->handles;
    body->state = std::move(state);
    new (where) MemoryFile{{&methods}, body.release()};
}

}  // namespace reeld::test
