#pragma once
// Every coroutine that is not awaited by its parent is started here: named, counted, joined.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "base/time.hpp"
#include "runtime/clock.hpp"

namespace reeld::runtime {

class TaskGroup {
  public:
    // `on_failure` hears the first exception that leaves a task (never operation_aborted).
    TaskGroup(asio::any_io_executor executor,
              std::function<void(const std::string& name, std::exception_ptr)> on_failure);
    ~TaskGroup();  // every task must have ended: join() first, or destroy the io_context's work
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // After stop() a new task is not started and its awaitable is dropped.
    void spawn(std::string name, awaitable<void> task);
    // Asks every task to end (terminal cancellation).
    void stop();
    // Returns when no task is left, or after `deadline` (false: some are left).
    awaitable<bool> join(Clock& clock, Millis deadline);
    std::size_t size() const;
    asio::any_io_executor executor() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

// Something that can be waited for and rung any number of times; a ring with nobody waiting is
// remembered once.
class Bell {
  public:
    explicit Bell(asio::any_io_executor executor);
    ~Bell();
    void ring();
    awaitable<void> wait();                                   // until the next ring
    awaitable<bool> wait_for(Clock& clock, Millis duration);  // false: the time ran out first

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace reeld::runtime
