#pragma once
// SQLite's files below one folder, in memory: they can be photographed, lose power and fail.
//
//   MemoryVfs vfs(folder);                         // a real, existing folder; mounted until
//   destroyed auto store = store::Store::open({folder + "/reel.db"});        // durable: else
//   nothing is synced DiskImage left = vfs.after_power_cut({PowerCut::Keeps::nothing});     // or
//   vfs.after_crash() store = {};                                    // every connection, before
//   the next line vfs.restart_with(std::move(left));
//
// The shim is SQLite's default VFS from the first mount on, for every connection of the process;
// files outside of mounted folders, and temporary ones without a name, go to the real disk. So do
// files that are not SQLite's: the instance lock, and the empty file that the store makes before it
// opens its database (an empty file on the real disk is an empty database here; its size stays 0,
// which is what StoreFacts then say). Names are those below the folder: "reel.db",
// "inbox.db-journal".
//
// WAL and rollback mode work, with any number of connections of one thread; their locks clash as
// between processes. SQLite's busy waits cost no real time. Every write is pending until the file
// is synced; see disk_image.hpp for what a cut does. `fail(Op::sync, 3, SQLITE_IOERR_FSYNC)` fails
// the third sync from now on, `fail(Op::write, 1, SQLITE_FULL, 10, "-wal")` ten writes to the WAL
// from now on; a failed write leaves its first half. count() counts calls, failed ones included.
//
// before_sync is called with the name of the file whose bytes, or of the folder ("") whose names
// are about to become durable; after_sync when they are. A hook may photograph the world, and must
// not use SQLite.
#include <functional>
#include <memory>
#include <string>

#include "support/disk_image.hpp"

namespace reeld::test {

class MemoryVfs {
  public:
    enum class Op { open, read, write, truncate, sync, remove, lock, shm };

    explicit MemoryVfs(const std::string& folder);
    ~MemoryVfs();
    MemoryVfs(const MemoryVfs&) = delete;
    MemoryVfs& operator=(const MemoryVfs&) = delete;

    const DiskImage& image() const;
    DiskImage after_crash() const { return image().copy(); }  // kill -9: what is pending stays so
    DiskImage after_power_cut(const PowerCut& cut) const { return image().after(cut); }
    void restart_with(DiskImage image);

    int count(Op op) const;
    void fail(Op op, int nth, int result, int times = 1, std::string name_end = {});
    void heal();  // no planned failure any more

    using Hook = std::function<void(const std::string& name)>;
    void before_sync(Hook hook);
    void after_sync(Hook hook);

    struct State;
    // For who includes memory_vfs_state.hpp: what other code than SQLite does to the files.
    State& state() { return *state_; }

  private:
    std::shared_ptr<State> state_;
};

}  // namespace reeld::test
