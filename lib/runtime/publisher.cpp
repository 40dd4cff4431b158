#include "runtime/publisher.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "runtime/beneath.hpp"
#include "runtime/posix.hpp"

namespace reeld::runtime {
namespace {

class SystemPublishDisk final : public PublishDisk {
  public:
    explicit SystemPublishDisk(const Roots& roots) : roots_(roots) {}

    void begin_writing(const std::string& part) override {
        const Descriptor fd(::open(part.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        // Failures show in the flush.
        if (fd.valid()) ::sync_file_range(fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    Status sync_file(const std::string& part) override {
        const auto place = roots_.place_of(part);
        if (!place) return place.error();
        return flush(*place, part, O_NOFOLLOW | O_NONBLOCK);
    }
    Status rename_new(const std::string& part, const std::string& target) override {
        const auto from = roots_.place_of(part);
        const auto to = roots_.place_of(target);
        if (!from || !to) return from ? to.error() : from.error();
        if (::renameat2(from->folder.get(), from->name.c_str(), to->folder.get(), to->name.c_str(),
                        RENAME_NOREPLACE) == 0) {
            return ok();
        }
        if (errno == EINVAL || errno == ENOSYS) {
            return Error(ErrorCode::unsupported, "rename to " + target);
        }
        return errno_error("rename to " + target);
    }
    Status link_new(const std::string& part, const std::string& target) override {
        const auto from = roots_.place_of(part);
        const auto to = roots_.place_of(target);
        if (!from || !to) return from ? to.error() : from.error();
        if (::linkat(from->folder.get(), from->name.c_str(), to->folder.get(), to->name.c_str(),
                     0) == 0) {
            return ok();
        }
        return errno_error("link " + target);
    }
    Status unlink(const std::string& part) override {
        const auto place = roots_.place_of(part);
        if (!place) return place.error();
        if (::unlinkat(place->folder.get(), place->name.c_str(), 0) == 0) return ok();
        return errno_error("remove " + part);
    }
    Status sync_folder(const std::string& folder) override {
        const auto place = roots_.place_of(folder + "/.");
        // A link in its place: the folder is gone from here, and must not hold up the others.
        if (!place && place.error().code() == ErrorCode::refused) {
            return Error(ErrorCode::not_found, place.error().context());
        }
        if (!place) return place.error();
        return flush(*place, folder, O_DIRECTORY);
    }

  private:
    static Status flush(const Place& place, const std::string& path, int flags) {
        const Descriptor fd(
            ::openat(place.folder.get(), place.name.c_str(), O_RDONLY | O_CLOEXEC | flags));
        if (!fd.valid()) return errno_error("open " + path);
        if (::fsync(fd.get()) != 0) return errno_error("flush " + path);
        return ok();
    }

    const Roots& roots_;
};

}  // namespace

struct Publisher::Request {
    Request(const asio::any_io_executor& executor, Publication wanted)
        : publication(std::move(wanted)),
          answered(executor, asio::steady_timer::time_point::max()) {}
    Publication publication;
    std::optional<Status> status;
    asio::steady_timer answered;  // never expires; cancelled when `status` is there
};

Publisher::Publisher(asio::any_io_executor executor, const Roots& roots)
    : executor_(std::move(executor)), roots_(roots), thread_([this] { run(); }) {}

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

awaitable<Status> Publisher::publish(Publication publication) {
    auto request = std::make_shared<Request>(executor_, std::move(publication));
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
                complete(request, Error(ErrorCode::cancelled,
                                        "publish " + request->publication.target));
            }
            return;
        }
        const auto owed = std::exchange(owed_, {});
        lock.unlock();
        work_on(batch, owed);
        lock.lock();
    }
}

void Publisher::work_on(const Batch& batch, const std::set<std::string>& owed) {
    std::vector<Publication> parts;
    for (const auto& request : batch) parts.push_back(request->publication);
    SystemPublishDisk disk(roots_);
    const Published published = publish_batch(disk, parts, owed);
    for (const std::string& folder : published.owed) owe_flush(folder);
    for (std::size_t i = 0; i < batch.size(); ++i) complete(batch[i], published.results[i]);
}

void Publisher::complete(const std::shared_ptr<Request>& request, Status status) {
    auto deliver = [request, status = std::move(status)] {
        request->status = status;
        request->answered.cancel();
    };
    asio::post(executor_, std::move(deliver));
}

}  // namespace reeld::runtime
