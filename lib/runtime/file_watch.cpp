#include "runtime/file_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace reeld::runtime {
namespace {

Error last_error(std::string context) {
    return Error(ErrorCode::io, std::move(context),
                 boost::system::error_code(errno, boost::system::system_category()));
}

class InotifyWatch : public FileWatch {
  public:
    InotifyWatch(asio::any_io_executor executor, int descriptor, std::string path,
                 std::string name)
        : stream_(executor, descriptor), path_(std::move(path)), name_(std::move(name)) {
        watch_file_itself();
    }

    awaitable<Status> changed() override {
        for (;;) {
            const auto token = asio::as_tuple(asio::use_awaitable);
            const auto [error, count] =
                co_await stream_.async_read_some(asio::buffer(buffer_), token);
            if (error) {
                co_return Error(ErrorCode::io, "the file notification ended", error);
            }
            if (concerns_us(count)) co_return ok();
        }
    }

  private:
    // A file that was replaced needs its watch anew.
    void watch_file_itself() {
        file_watch_ = inotify_add_watch(stream_.native_handle(), path_.c_str(),
                                        IN_MODIFY | IN_CLOSE_WRITE);
    }

    bool concerns_us(std::size_t count) {
        bool ours = false;
        std::size_t at = 0;
        while (at + sizeof(inotify_event) <= count) {
            inotify_event event;
            std::memcpy(&event, buffer_.data() + at, sizeof event);
            const char* text = buffer_.data() + at + sizeof event;
            at += sizeof event + event.len;
            const std::string_view name = event.len > 0 ? std::string_view(text) : "";
            const bool file = event.wd == file_watch_;
            if (file || name.starts_with(name_) || (event.mask & IN_Q_OVERFLOW) != 0) ours = true;
            if (name == name_) watch_file_itself();
        }
        return ours;
    }

    asio::posix::stream_descriptor stream_;
    std::string path_;
    std::string name_;
    int file_watch_ = -1;
    alignas(inotify_event) std::array<char, 4096> buffer_{};
};

}  // namespace

Result<std::unique_ptr<FileWatch>> watch_file(asio::any_io_executor executor,
                                              const std::string& folder, const std::string& name) {
    const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) return last_error("inotify");
    // Only rare events of the folder: the daemon's own database lies in it and is written all the
    // time.
    const int folder_watch = inotify_add_watch(descriptor, folder.c_str(),
                                               IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ONLYDIR);
    if (folder_watch < 0) {
        const Error error = last_error("watching " + folder);
        close(descriptor);
        return error;
    }
    return std::unique_ptr<FileWatch>(std::make_unique<InotifyWatch>(
        std::move(executor), descriptor, folder + "/" + name, name));
}

}  // namespace reeld::runtime
