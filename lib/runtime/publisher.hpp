#pragma once
// Private to this room: the one helper thread that makes finished files durable.
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "runtime/beneath.hpp"
#include "runtime/clock.hpp"
#include "runtime/publish_steps.hpp"

namespace reeld::runtime {

class Publisher {
  public:
    // `roots` must outlive the publisher.
    Publisher(asio::any_io_executor executor, const Roots& roots);
    ~Publisher();  // calls that have not begun end with ErrorCode::cancelled
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    awaitable<Status> publish(Publication publication);
    // A folder that got a new entry outside of publish; flushed with the next batch.
    void owe_flush(std::string folder);

  private:
    struct Request;
    using Batch = std::vector<std::shared_ptr<Request>>;

    static awaitable<Status> answered(std::shared_ptr<Request> request);
    void run();
    void work_on(const Batch& batch, const std::set<std::string>& owed);
    void complete(const std::shared_ptr<Request>& request, Status status);

    asio::any_io_executor executor_;
    const Roots& roots_;
    std::mutex mutex_;
    std::condition_variable wake_;
    Batch queue_;
    std::set<std::string> owed_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace reeld::runtime
