#pragma once
// The order in which finished parts become durable files, apart from any real disk: a simulated
// disk that goes these same steps dies in the same places.
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace reeld::runtime {

class PublishDisk {
  public:
    virtual ~PublishDisk() = default;
    // Starts writing without waiting; a hint.
    virtual void begin_writing(const std::string& part) = 0;
    virtual Status sync_file(const std::string& part) = 0;
    // Replaces nothing: `conflict` when `target` exists, `unsupported` on a file system that cannot
    // refuse to replace.
    virtual Status rename_new(const std::string& part, const std::string& target) = 0;
    virtual Status link_new(const std::string& part, const std::string& target) = 0;
    virtual Status unlink(const std::string& part) = 0;
    virtual Status sync_folder(const std::string& folder) = 0;
};

struct Publication {
    std::string part;
    std::string target;
    std::string note = {};  // a file that ends when the target has its name; empty: none
};

struct Published {
    std::vector<Status> results;  // in the order of the batch
    std::set<std::string> owed;   // folders that still need a flush
};

// Makes a whole batch durable; its members share the flushes of their folders. `owed` are folders
// that got a new entry some other way: nothing of the batch is durable before they are. A part that
// is its own target is only flushed. A part whose flush failed is removed: the kernel may have
// dropped its bytes, and the next flush would succeed all the same.
Published publish_batch(PublishDisk& disk, const std::vector<Publication>& batch,
                        const std::set<std::string>& owed);

std::string folder_of(const std::string& path);

}  // namespace reeld::runtime
