#include "runtime/publisher.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <optional>

#include "runtime/posix.hpp"

namespace reeld::runtime {
namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Starts writing without waiting. The blocks of all files are chosen before the first flush commits
// the file system's journal, so that one commit serves them all. A hint: failures show in the flush.
void begin_writing(const std::string& path) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd.valid()) ::sync_file_range(fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

Status flush(const std::string& path, int flags) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
    if (!fd.valid()) return errno_error("open " + path);
    if (::fsync(fd.get()) != 0) return errno_error("flush " + path);
    return ok();
}

Status flush_file(const std::string& path) {
    return flush(path, O_NOFOLLOW | O_NONBLOCK);
}
Status flush_folder(const std::string& path) {
    return flush(path, O_DIRECTORY);
}

Status rename_new(const std::string& part, const std::string& target) {
    if (::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
        return ok();
    }
    if (errno != EINVAL && errno != ENOSYS) return errno_error("rename to " + target);
    // The file system cannot refuse to replace in a rename; a hard link can.
    if (::link(part.c_str(), target.c_str()) != 0) return errno_error("link " + target);
    if (::unlink(part.c_str()) != 0) return errno_error("remove " + part);
    return ok();
}

}  // namespace

struct Publisher::Request {
    Request(const asio::any_io_executor& executor, std::string from, std::string to)
        : part(std::move(from)),
          target(std::move(to)),
          answered(executor, asio::steady_timer::time_point::max()) {}
    std::string part;
    std::string target;
    std::optional<Status> status;
    asio::steady_timer answered;  // never expires; cancelled when `status` is there
};

Publisher::Publisher(asio::any_io_executor executor)
    : executor_(std::move(executor)), thread_([this] { run(); }) {}

Publisher::~Publisher() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

awaitable<Status> Publisher::answered(std::shared_ptr<Request> request) {
    if (!request->status) {
        co_await request->answered.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    // Without an answer it was the caller who was cancelled.
    if (!request->status) throw boost::system::system_error(asio::error::operation_aborted);
    co_return *request->status;
}

awaitable<Status> Publisher::publish(std::string part, std::string target) {
    auto request = std::make_shared<Request>(executor_, std::move(part), std::move(target));
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(request);
    }
    wake_.notify_one();
    return answered(std::move(request));
}

void Publisher::owe_flush(std::string folder) {
    const std::lock_guard lock(mutex_);
    owed_.insert(std::move(folder));
}

void Publisher::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        const Batch batch = std::exchange(queue_, {});
        if (stopping_) {
            for (const auto& request : batch) {
                complete(request, Error(ErrorCode::cancelled, "publish " + request->target));
            }
            return;
        }
        auto owed = std::exchange(owed_, {});
        lock.unlock();
        work_on(batch, std::move(owed));
        lock.lock();
    }
}

void Publisher::work_on(const Batch& batch, std::set<std::string> owed) {
    std::map<std::shared_ptr<Request>, Status> results;
    std::map<std::string, Status> folders;
    for (const auto& folder : owed)
        folders.emplace(folder, ok());
    if (batch.size() > 1) {
        for (const auto& request : batch) begin_writing(request->part);
    }
    for (const auto& request : batch) {
        Status status = flush_file(request->part);
        if (status) status = rename_new(request->part, request->target);
        if (status) {
            folders.emplace(folder_of(request->target), ok());
            folders.emplace(folder_of(request->part), ok());
        }
        results.emplace(request, std::move(status));
    }
    Status owed_status = ok();
    for (auto& [folder, status] : folders) {
        status = flush_folder(folder);
        // A folder that is gone has nothing left to lose.
        if (!owed.contains(folder) || status || status.error().code() == ErrorCode::not_found) {
            continue;
        }
        owed_status = status;
        owe_flush(folder);
    }
    for (const auto& request : batch) {
        Status& status = results.at(request);
        if (status) status = folders.at(folder_of(request->target));
        if (status) status = folders.at(folder_of(request->part));
        complete(request, status ? owed_status : status);
    }
}

void Publisher::complete(const std::shared_ptr<Request>& request, Status status) {
    auto deliver = [request, status = std::move(status)] {
        request->status = status;
        request->answered.cancel();
    };
    asio::post(executor_, std::move(deliver));
}

}  // namespace reeld::runtime
