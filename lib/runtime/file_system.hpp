#pragma once
// Disk as a service: what the downloader and the programs need, behind a seam that tests can break.
// Below a folder that was a `root` of make_folders() no call goes through a symbolic link, also not
// through one that was put there a moment ago.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtime/clock.hpp"

namespace reeld::runtime {

// What tells two states of a file apart without reading it.
struct FileFacts {
    std::uint64_t bytes = 0;
    std::int64_t modified_ns = 0;  // of its last write, since 1970
    friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

class File {
  public:
    virtual ~File() = default;
    virtual Status append(std::string_view bytes) = 0;  // all of it, or an error: disk_full, io
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const = 0;
    virtual Result<std::uint64_t> size() const = 0;
    virtual Result<FileFacts> facts() const = 0;  // as they are now
    virtual Status truncate(std::uint64_t size) = 0;
};

class FileSystem {
  public:
    virtual ~FileSystem() = default;
    // Creates when absent; never follows a symbolic link in the last component.
    virtual Result<std::unique_ptr<File>> open_append(const std::string& path) = 0;
    virtual Result<std::unique_ptr<File>> open_read(const std::string& path) = 0;
    // For files of other people: `path` lies below the absolute folder `root`, through no symbolic
    // link and no "..", and is a regular file; never blocks. Errors: not_found, refused (a link, a
    // folder or a pipe in its place, outside the root, no permission), io.
    virtual Result<std::unique_ptr<File>> open_below(const std::string& root,
                                                     const std::string& path) = 0;
    virtual bool exists(const std::string& path) = 0;  // a dangling link exists too
    virtual Status remove(const std::string& path) = 0;  // not_found is no error
    // An empty folder; not_found is no error.
    virtual Status remove_folder(const std::string& path) = 0;
    // Makes missing folders below `root`, refusing links on the way: nothing lands outside it.
    virtual Status make_folders(const std::string& root, const std::string& relative) = 0;
    virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  // names
    virtual Result<std::uint64_t> free_bytes(const std::string& folder) = 0;
    // Makes `part` durable as `target`: fsync of the file, rename that replaces nothing (error
    // `conflict` when `target` exists), fsync of the folder. With both the same it makes durable
    // what stands there. A part whose fsync failed is removed: the kernel may have dropped its
    // bytes, and the next fsync would succeed all the same. The file `note`, if there is one, ends
    // with the rename. Calls of one moment share the flushes and never stall the loop.
    virtual awaitable<Status> publish(std::string part, std::string target,
                                      std::string note = {}) = 0;
};

std::unique_ptr<FileSystem> make_system_file_system(asio::any_io_executor executor);

}  // namespace reeld::runtime
