#pragma once
// Private to this room: the way down from a root folder, which takes no symbolic link. Whoever may
// write somewhere below the root can swap a folder for a link at any moment, so a path is never
// checked first and used afterwards: every step is taken from the folder that was opened before.
#include <mutex>
#include <set>
#include <string>

#include "runtime/posix.hpp"

namespace reeld::runtime {

// An open folder and a name in it.
struct Place {
    Descriptor folder;
    std::string name;
};

// Where `path` is below `root`, which may itself be reached through links: whoever named the root
// chose them. Errors: not_found, refused (outside the root; a link or ".." on the way).
Result<Place> place_below(const std::string& root, const std::string& path);

// The roots are learned while the program runs; both threads of the file system ask.
class Roots {
  public:
    void add(const std::string& root);
    // Where `path` is: below a known root through no link, anywhere else as the system finds it.
    // `refused` for a link or a file in the place of a folder.
    Result<Place> place_of(const std::string& path) const;

  private:
    std::string root_of(const std::string& folder) const;

    mutable std::mutex mutex_;
    std::set<std::string> roots_;
};

// One step down; `walked` is the way so far, for the error's words.
Result<Descriptor> step_down(const Descriptor& at, const std::string& walked,
                             const std::string& name);

}  // namespace reeld::runtime
