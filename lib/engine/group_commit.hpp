#pragma once
// Many state changes, one flush: whoever must not act before its change is durable waits here.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "runtime/clock.hpp"
#include "store/store.hpp"

namespace reeld::engine {

template <class T>
using awaitable = runtime::awaitable<T>;

class GroupCommit {
  public:
    GroupCommit(boost::asio::any_io_executor executor, store::Store& store);
    ~GroupCommit();

    // Returns when all that was written so far is durable, at once when there is nothing. An error
    // means that the whole group was rolled back: what the caller wrote is not there.
    awaitable<Status> durable();
    // Called within each flush: whether its group was kept. For what is known in memory about it.
    void after_flush(std::function<void(bool kept)> hear);
    // Does nothing while the write-ahead log is small. Also made now and then by the flushes
    // themselves, or a busy hour would grow the log without bound. A failure is said and no more.
    void checkpoint();
    std::uint64_t commits() const;
    bool failing() const;  // the last commit did not succeed

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace reeld::engine
