#include "support/memory_vfs.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "support/memory_vfs_state.hpp"

namespace reeld::test {
namespace {

using State = MemoryVfs::State;

std::vector<std::shared_ptr<State>>& mounts() {
    static std::vector<std::shared_ptr<State>> all;
    return all;
}

sqlite3_vfs& disk() {
    static sqlite3_vfs* const unix_vfs = sqlite3_vfs_find("unix");
    return *unix_vfs;
}

// Whose file it is, and its name there.
struct Place {
    std::shared_ptr<State> state;
    std::string name;
};

Place place_of(const char* path) {
    if (path == nullptr) return {};
    const std::string_view text(path);
    for (const auto& state : mounts()) {
        if (text.size() > state->folder.size() + 1 && text.starts_with(state->folder) &&
            text[state->folder.size()] == '/') {
            return Place{state, std::string(text.substr(state->folder.size() + 1))};
        }
    }
    return {};
}

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    const Place place = place_of(path);
    if (!place.state) return disk().xOpen(&disk(), path, file, flags, out_flags);
    file->pMethods = nullptr;
    State& state = *place.state;
    if (const int failed = state.step(MemoryVfs::Op::open, place.name)) return failed;
    DiskImage::Handle found = state.image.find(place.name);
    const bool creates = !found;
    if (creates) {
        std::error_code ignored;
        const bool may =
            (flags & SQLITE_OPEN_CREATE) != 0 || std::filesystem::exists(path, ignored);
        if (!may) return SQLITE_CANTOPEN;
        found = state.image.create(place.name);
    }
    const bool is_journal =
        (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    place_memory_file(file, place.state, place.name, found, creates && is_journal);
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
}

int remove(sqlite3_vfs*, const char* path, int sync_folder) {
    const Place place = place_of(path);
    if (!place.state) return disk().xDelete(&disk(), path, sync_folder);
    State& state = *place.state;
    if (const int failed = state.step(MemoryVfs::Op::remove, place.name)) return failed;
    if (!state.image.remove(place.name)) return SQLITE_IOERR_DELETE_NOENT;
    return sync_folder != 0 ? state.sync_folder() : SQLITE_OK;
}

int access(sqlite3_vfs*, const char* path, int flags, int* result) {
    const Place place = place_of(path);
    if (!place.state) return disk().xAccess(&disk(), path, flags, result);
    const DiskImage::Handle file = place.state->image.find(place.name);
    // As on unix: an empty file does not exist when SQLite looks for a journal.
    *result = file && (flags != SQLITE_ACCESS_EXISTS || !file->bytes().empty()) ? 1 : 0;
    return SQLITE_OK;
}

int sleep(sqlite3_vfs*, int microseconds) {
    return microseconds;
}

void register_once() {
    static sqlite3_vfs shim = [] {
        sqlite3_vfs made = disk();
        made.zName = "reeld-memory";
        made.szOsFile = std::max(made.szOsFile, memory_file_bytes);
        made.xOpen = open;
        made.xDelete = remove;
        made.xAccess = access;
        made.xSleep = sleep;
        return made;
    }();
    static const int registered = sqlite3_vfs_register(&shim, 1);
    if (registered != SQLITE_OK) throw std::runtime_error("cannot register the VFS");
}

}  // namespace

std::shared_ptr<OpenFile> MemoryVfs::State::opened(const DiskImage::Handle& file) {
    std::weak_ptr<OpenFile>& known = open_files[file.get()];
    std::shared_ptr<OpenFile> open = known.lock();
    if (!open) {
        open = std::make_shared<OpenFile>();
        open->file = file;
        known = open;
    }
    return open;
}

int MemoryVfs::State::sync(const std::string& name, const DiskImage::Handle& file) {
    if (before_sync) before_sync(name);
    if (const int failed = step(Op::sync, name)) {
        file->fail_sync();
        return failed;
    }
    image.sync(file);
    if (after_sync) after_sync(name);
    return SQLITE_OK;
}

int MemoryVfs::State::sync_folder() {
    if (before_sync) before_sync("");
    if (step(Op::sync, "") != SQLITE_OK) return SQLITE_IOERR_DIR_FSYNC;
    image.sync_folder("");
    if (after_sync) after_sync("");
    return SQLITE_OK;
}

MemoryVfs::MemoryVfs(const std::string& folder) : state_(std::make_shared<State>()) {
    register_once();
    state_->folder = std::filesystem::canonical(folder).string();
    mounts().push_back(state_);
}

MemoryVfs::~MemoryVfs() {
    std::erase(mounts(), state_);
}

const DiskImage& MemoryVfs::image() const {
    return state_->image;
}

void MemoryVfs::restart_with(DiskImage image) {
    if (state_->handles > 0) throw std::logic_error("a connection of the old process is open");
    state_->image = std::move(image);
    state_->open_files.clear();
}

int MemoryVfs::count(Op op) const { return state_->failures.count(op); }

void MemoryVfs::fail(Op op, int nth, int result, int times, std::string name_end) {
    state_->failures.plan(op, nth, result, times, std::move(name_end));
}

void MemoryVfs::heal() { state_->failures.forget(); }
void MemoryVfs::before_sync(Hook hook) {
    state_->before_sync = std::move(hook);
}
void MemoryVfs::after_sync(Hook hook) {
    state_->after_sync = std::move(hook);
}

}  // namespace reeld::test
