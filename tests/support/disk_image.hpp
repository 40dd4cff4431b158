#pragma once
// Files as running programs see them, and what of that a power cut would leave. Every change since
// a file's last sync is pending, and so is every entry (a new name, a rename, a removal) since the
// last sync of its folder; syncing a file makes its own new name durable too.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/rng.hpp"

namespace reeld::test {

// What the disk had written by itself when the power went.
struct PowerCut {
    enum class Keeps {
        nothing,  // only what was synced
        everything,
        last_torn,  // everything, but of each file's last write only some sectors of 512 bytes
        only_last,  // the disk wrote in another order: of each file the newest change alone
        mixed,      // drawn from the seed: each change is kept, lost or torn
    };
    Keeps keeps = Keeps::nothing;
    std::uint64_t seed = 0;

    // Of an unsynced name; it is there or not, it does not tear.
    bool loses_a_name(runtime::Rng& rng) const;
};
std::string to_string(const PowerCut& cut);

class DiskImage {
  public:
    class File {
      public:
        explicit File(std::string durable = {}) : durable_(durable), bytes_(std::move(durable)) {}
        const std::string& bytes() const { return bytes_; }
        void write(std::uint64_t offset, std::string_view bytes);
        void truncate(std::uint64_t size);
        void sync();
        // As Linux does it: what a failed sync did not write counts as clean, no later one tries
        // again, and reads go on to see it until the power goes.
        void fail_sync();
        bool synced() const { return pending_.empty(); }
        std::string after(const PowerCut& cut, runtime::Rng& rng) const;

        std::int64_t modified_ns = 0;  // kept by whoever writes

      private:
        struct Change {
            std::uint64_t offset = 0;  // of a truncation: the size
            std::string bytes;
            bool truncates = false;
            bool forsaken = false;  // by a failed sync
        };
        std::string durable_;
        std::string bytes_;
        std::vector<Change> pending_;

        static void apply(std::string& bytes, const Change& change);
    };
    using Handle = std::shared_ptr<File>;

    DiskImage() = default;
    DiskImage(DiskImage&&) = default;
    DiskImage& operator=(DiskImage&&) = default;
    DiskImage(const DiskImage&) = delete;  // see copy()
    DiskImage& operator=(const DiskImage&) = delete;

    const std::map<std::string, Handle>& files() const { return files_; }
    Handle find(const std::string& path) const;  // null when absent
    Handle create(const std::string& path);      // over whatever had the name
    bool remove(const std::string& path);
    void rename(const std::string& from, const std::string& to);
    void link(const std::string& from, const std::string& to);
    void sync(const Handle& file);
    void sync_folder(const std::string& folder);

    // What the end of a process leaves: all of it, and what is pending stays so.
    DiskImage copy() const;
    DiskImage after(const PowerCut& cut) const;

  private:
    struct Entry {
        std::string gone;  // the name that ends; empty: none
        std::string name;  // the name that begins; empty: none
        Handle file;
        bool creates = false;
    };
    static void apply(std::map<std::string, Handle>& files, const Entry& entry);
    void change(Entry entry);

    std::map<std::string, Handle> files_;
    std::map<std::string, Handle> durable_;
    std::vector<Entry> pending_;
};

std::string folder_of(const std::string& path);  // "" of a bare name

}  // namespace reeld::test
