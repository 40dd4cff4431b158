#include "store/instance_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "store/lock_holders.hpp"

namespace reeld::store {
namespace {

Error system_error(const std::string& doing, int number) {
    return Error(number == ENOSPC ? ErrorCode::disk_full : ErrorCode::io, doing,
                 boost::system::error_code(number, boost::system::system_category()));
}

// By the kernel's word: what stands in the file may be of an earlier holder, or not written yet.
Error taken(const std::string& lock_file, const std::string& held, std::string holder) {
    const auto slash = lock_file.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : lock_file.substr(0, slash);
    const std::string seen = lock_holders(held, LockKind::whole_file);
    if (!seen.empty()) holder = seen;
    return Error(ErrorCode::busy,
                 fmt::format("another reeld works on this database: {} holds the state folder {}; "
                             "stop it first, or give this one another paths.state",
                             holder.empty() ? "it" : holder, folder));
}

// What the holder wrote into its lock file; "" when it is not a number.
std::string holder_of(int descriptor) {
    std::array<char, 32> text{};
    const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
    std::string digits;
    for (ssize_t i = 0; i < size; ++i) {
        const char c = text[static_cast<std::size_t>(i)];
        if (c < '0' || c > '9') break;
        digits.push_back(c);
    }
    return digits;
}

}  // namespace

Result<std::unique_ptr<InstanceLock>> InstanceLock::acquire(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (descriptor < 0) return system_error("cannot open the lock file " + path, errno);
    std::unique_ptr<InstanceLock> lock(new InstanceLock(descriptor));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_error("cannot lock " + path, errno);
        const std::string pid = holder_of(descriptor);
        return taken(path, path, pid.empty() ? "" : "pid " + pid);
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    // Only for that message: a full disk must not keep the daemon from starting here.
    if (::ftruncate(descriptor, 0) == 0) {
        [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, pid.data(), pid.size(), 0);
    }
    return lock;
}

InstanceLock::~InstanceLock() {
    if (database_ >= 0) ::close(database_);
    ::close(descriptor_);
}

Status InstanceLock::hold_database(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return ok();  // SQLite will say what is wrong with it
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ::close(descriptor);
        return taken(path, path, {});
    }
    // A file system without this lock still has the one beside it.
    database_ = descriptor;
    return ok();
}

bool InstanceLock::is_in_place(const std::string& path) const {
    struct stat held {};
    struct stat there {};
    if (database_ < 0 || ::fstat(database_, &held) != 0) return true;
    return ::stat(path.c_str(), &there) == 0 && there.st_dev == held.st_dev &&
           there.st_ino == held.st_ino;
}

Status create_database_file(const std::string& path, unsigned mode) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0) {
        if (errno == EEXIST) return ok();
        return system_error("cannot create " + path, errno);
    }
    const int changed = ::fchmod(descriptor, mode);  // past the umask
    const int number = errno;
    ::close(descriptor);
    if (changed != 0) return system_error("cannot set the mode of " + path, number);
    return ok();
}

}  // namespace reeld::store
