#include "runtime/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "runtime/beneath.hpp"
#include "runtime/posix.hpp"
#include "runtime/publisher.hpp"

namespace reeld::runtime {
namespace {

class SystemFile final : public File {
  public:
    SystemFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    Status append(std::string_view bytes) override {
        std::size_t written = 0;
        while (written < bytes.size()) {
            const auto step = ::write(fd_.get(), bytes.data() + written, bytes.size() - written);
            if (step < 0 && errno == EINTR) continue;
            if (step <= 0) {
                Error failure = errno_error("write " + path_, step == 0 ? EIO : errno);
                take_back(written);
                return failure;
            }
            written += static_cast<std::size_t>(step);
        }
        return ok();
    }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
        while (true) {
            const auto got = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) return errno_error("read " + path_);
        }
    }

    Result<std::uint64_t> size() const override {
        struct stat info {};
        if (::fstat(fd_.get(), &info) != 0) return errno_error("stat " + path_);
        return static_cast<std::uint64_t>(info.st_size);
    }

    Result<FileFacts> facts() const override {
        struct stat info {};
        if (::fstat(fd_.get(), &info) != 0) return errno_error("stat " + path_);
        constexpr std::int64_t second = 1'000'000'000;
        return FileFacts{static_cast<std::uint64_t>(info.st_size),
                         info.st_mtim.tv_sec * second + info.st_mtim.tv_nsec};
    }

    Status truncate(std::uint64_t size) override {
        if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
            return errno_error("truncate " + path_);
        }
        return ok();
    }

  private:
    // A failed append leaves the file as it was, so that its length stays what the caller counted.
    void take_back(std::size_t written) {
        if (const auto now = size(); written > 0 && now && *now >= written) {
            static_cast<void>(truncate(*now - written));
        }
    }

    Descriptor fd_;
    std::string path_;
};

class SystemFileSystem final : public FileSystem {
  public:
    explicit SystemFileSystem(asio::any_io_executor executor)
        : publisher_(std::move(executor), roots_) {}

    Result<std::unique_ptr<File>> open_append(const std::string& path) override {
        return open(path, O_RDWR | O_CREAT | O_APPEND);
    }

    Result<std::unique_ptr<File>> open_read(const std::string& path) override {
        return open(path, O_RDONLY);
    }

    Result<std::unique_ptr<File>> open_below(const std::string& root,
                                             const std::string& path) override {
        if (path.ends_with('/')) return Error(ErrorCode::refused, path + " is no regular file");
        const auto place = place_below(root, path);
        if (!place) return place.error();
        return open_at(*place, path, O_RDONLY);
    }

    bool exists(const std::string& path) override {
        const auto place = roots_.place_of(path);
        struct stat info {};
        return place && ::fstatat(place->folder.get(), place->name.c_str(), &info,
                                  AT_SYMLINK_NOFOLLOW) == 0;
    }

    Status remove(const std::string& path) override {
        const auto place = roots_.place_of(path);
        if (!place && place.error().code() == ErrorCode::not_found) return ok();
        if (!place) return place.error();
        if (::unlinkat(place->folder.get(), place->name.c_str(), 0) == 0 || errno == ENOENT) {
            return ok();
        }
        return errno_error("remove " + path);
    }

    Status remove_folder(const std::string& path) override {
        const auto place = roots_.place_of(path);
        if (!place && place.error().code() == ErrorCode::not_found) return ok();
        if (!place) return place.error();
        const int gone = ::unlinkat(place->folder.get(), place->name.c_str(), AT_REMOVEDIR);
        if (gone == 0 || errno == ENOENT) return ok();
        return errno_error("remove folder " + path);
    }

    Status make_folders(const std::string& root, const std::string& relative) override {
        if (relative.starts_with('/')) {
            return Error(ErrorCode::refused, "folder " + relative + " is not relative");
        }
        roots_.add(root);
        Descriptor at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!at.valid()) return errno_error("open folder " + root);
        std::string walked = root;
        for (const auto& part : std::filesystem::path(relative)) {
            const std::string name = part.string();
            if (name.empty() || name == ".") continue;
            if (name == "..")
                return Error(ErrorCode::refused, "folder " + relative + " leaves " + root);
            auto next = step_into(at, walked, name);
            if (!next) return next.error();
            at = std::move(*next);
            walked += "/" + name;
        }
        return ok();
    }

    Result<std::vector<std::string>> list(const std::string& folder) override {
        std::error_code failure;
        std::vector<std::string> names;
        std::filesystem::directory_iterator at(folder, failure);
        for (; !failure && at != std::filesystem::directory_iterator(); at.increment(failure)) {
            names.push_back(at->path().filename().string());
        }
        if (failure) return errno_error("list " + folder, failure.value());
        return names;
    }

    Result<std::uint64_t> free_bytes(const std::string& folder) override {
        struct statvfs info {};
        if (::statvfs(folder.c_str(), &info) != 0) return errno_error("free space of " + folder);
        return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    }

    awaitable<Status> publish(std::string part, std::string target, std::string note) override {
        return publisher_.publish({std::move(part), std::move(target), std::move(note)});
    }

  private:
    Result<std::unique_ptr<File>> open(const std::string& path, int flags) {
        const auto place = roots_.place_of(path);
        if (!place) return place.error();
        return open_at(*place, path, flags);
    }

    static Result<std::unique_ptr<File>> open_at(const Place& place, const std::string& path,
                                                 int flags) {
        // O_NONBLOCK: a pipe put in a file's place must not hang the open.
        Descriptor fd(::openat(place.folder.get(), place.name.c_str(),
                               flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640));
        if (!fd.valid()) return errno_error("open " + path);
        struct stat info {};
        if (::fstat(fd.get(), &info) != 0) return errno_error("stat " + path);
        if (!S_ISREG(info.st_mode)) return Error(ErrorCode::refused, path + " is no regular file");
        // What is written here would change a file that somebody else has a name for.
        if ((flags & O_RDWR) != 0 && info.st_nlink > 1) {
            return Error(ErrorCode::refused, path + " has other names");
        }
        return std::unique_ptr<File>(std::make_unique<SystemFile>(std::move(fd), path));
    }

    Result<Descriptor> step_into(const Descriptor& at, const std::string& walked,
                                 const std::string& name) {
        const bool made = ::mkdirat(at.get(), name.c_str(), 0750) == 0;
        if (!made && errno != EEXIST) return errno_error("make folder " + walked + "/" + name);
        // An earlier process may have made it and not lived to flush it.
        publisher_.owe_flush(walked);
        return step_down(at, walked, name);
    }

    Roots roots_;
    Publisher publisher_;
};

}  // namespace

std::unique_ptr<FileSystem> make_system_file_system(asio::any_io_executor executor) {
    return std::make_unique<SystemFileSystem>(std::move(executor));
}

}  // namespace reeld::runtime
