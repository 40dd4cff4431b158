#include "runtime/beneath.hpp"

#include <fcntl.h>

#include <filesystem>

#include "runtime/publish_steps.hpp"

namespace reeld::runtime {

void Roots::add(const std::string& root) {
    const std::lock_guard lock(mutex_);
    roots_.insert(root);
}

// The longest one; "" when the folder lies below none.
std::string Roots::root_of(const std::string& folder) const {
    const std::lock_guard lock(mutex_);
    std::string best;
    for (const std::string& root : roots_) {
        const bool below = folder == root || folder.starts_with(root + "/");
        if (below && root.size() > best.size()) best = root;
    }
    return best;
}

Result<Descriptor> step_down(const Descriptor& at, const std::string& walked,
                             const std::string& name) {
    if (name == "..") return Error(ErrorCode::refused, walked + "/.. leads up again");
    Descriptor next(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (next.valid()) return next;
    if (errno == ENOTDIR || errno == ELOOP) {
        return Error(ErrorCode::refused, walked + "/" + name + " is a link or a file");
    }
    return errno_error("open folder " + walked + "/" + name);
}

Result<Place> place_below(const std::string& root, const std::string& path) {
    if (!path.starts_with(root == "/" ? root : root + "/")) {
        return Error(ErrorCode::refused, path + " is not below " + root);
    }
    Place place;
    place.name = path.substr(path.rfind('/') + 1);
    place.folder = Descriptor(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.folder.valid()) return errno_error("open folder " + root);
    std::string walked = root;
    const std::string folder = folder_of(path);
    const std::filesystem::path rest = folder.size() > root.size() ? folder.substr(root.size()) : "";
    for (const auto& part : rest.relative_path()) {
        if (part.empty() || part == ".") continue;
        auto next = step_down(place.folder, walked, part.string());
        if (!next) return next.error();
        place.folder = std::move(*next);
        walked += "/" + part.string();
    }
    return place;
}

Result<Place> Roots::place_of(const std::string& path) const {
    const std::string folder = folder_of(path);
    const std::string root = root_of(folder);
    if (!root.empty()) return place_below(root, path);
    Place place;
    place.name = path.substr(path.rfind('/') + 1);
    place.folder = Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.folder.valid()) return errno_error("open folder " + folder);
    return place;
}

}  // namespace reeld::runtime
