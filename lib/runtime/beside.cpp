#include "runtime/beside.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <thread>

namespace reeld::runtime {
namespace {

struct Finish {
    explicit Finish(const asio::any_io_executor& executor)
        : told(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer told;  // never expires; cancelled at the end
    bool done = false;
};

// Lives in the caller's frame, so that the thread never outlives it.
class Worker {
  public:
    Worker(std::function<void()> work, std::function<void()> stop)
        : stop_(std::move(stop)), thread_(std::move(work)) {}
    ~Worker() {
        stop_();
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

  private:
    std::function<void()> stop_;
    std::thread thread_;
};

}  // namespace

awaitable<void> run_beside(asio::any_io_executor executor, std::function<void()> work,
                           std::function<void()> stop, Beside where) {
    if (where == Beside::loop) {
        co_await asio::post(executor, asio::use_awaitable);
        work();
        co_return;
    }
    const auto finish = std::make_shared<Finish>(executor);
    std::function<void()> run = [executor, finish, work = std::move(work)] {
        work();
        asio::post(executor, [finish] {
            finish->done = true;
            finish->told.cancel();
        });
    };
    const Worker worker(std::move(run), std::move(stop));
    if (!finish->done) {
        co_await finish->told.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    // Without the end it was the caller who was cancelled.
    if (!finish->done) throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace reeld::runtime
