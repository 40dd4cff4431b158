#pragma once
// Private to this room: file descriptors and the words of errno.
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace reeld::runtime {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

inline ErrorCode code_of_errno(int number) {
    switch (number) {
        case ENOENT:
            return ErrorCode::not_found;
        case EEXIST:
            return ErrorCode::conflict;
        case ENOSPC:
        case EDQUOT:
            return ErrorCode::disk_full;
        case EFBIG:
            return ErrorCode::too_large;
        case ELOOP:  // a symbolic link where none is followed
        case EACCES:
        case EPERM:
            return ErrorCode::refused;
        default:
            return ErrorCode::io;
    }
}

inline Error errno_error(const std::string& what, int number = errno) {
    return Error(code_of_errno(number), what, {number, boost::system::system_category()});
}

}  // namespace reeld::runtime
