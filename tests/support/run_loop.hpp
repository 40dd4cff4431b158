#pragma once
// Turning the loop by hand.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "support/fake_clock.hpp"

namespace reeld::test {

// Runs all that is ready, and what that makes ready.
inline void settle(boost::asio::io_context& context) {
    do {
        context.restart();
    } while (context.poll() > 0);
}

// Jumps from wake-up to wake-up until `done()`; false when nothing is left to wait for, or the next
// wake-up lies more than `limit` after the start.
template <class Predicate>
bool run_until(boost::asio::io_context& context, FakeClock& clock, Predicate done,
               Millis limit = std::chrono::hours{24}) {
    const Millis last = clock.monotonic() + limit;
    while (true) {
        settle(context);
        if (done()) return true;
        const auto next = clock.next_wakeup();
        if (!next || *next > last) return false;
        clock.advance(*next - clock.monotonic());
    }
}

// Starts `task` and gives the place where its result will be; an exception is thrown by get().
template <class T>
class Started {
  public:
    Started(boost::asio::io_context& context, runtime::awaitable<T> task)
        : state_(std::make_shared<State>()) {
        auto keep = [state = state_](std::exception_ptr failure, T value) {
            state->failure = failure;
            state->value.emplace(std::move(value));
        };
        boost::asio::co_spawn(context, std::move(task), std::move(keep));
    }
    bool done() const { return state_->value.has_value(); }
    T get() const {
        if (!done()) throw std::logic_error("the task has not ended");
        if (state_->failure) std::rethrow_exception(state_->failure);
        return std::move(*state_->value);
    }

  private:
    struct State {
        std::exception_ptr failure;
        std::optional<T> value;
    };
    std::shared_ptr<State> state_;
};

// Runs the loop in real time until `task` has ended; for tests with real sockets and threads.
template <class T>
T run_for_real(boost::asio::io_context& context, runtime::awaitable<T> task) {
    const Started<T> started(context, std::move(task));
    context.restart();
    while (!started.done() && context.run_one() > 0) {
    }
    return started.get();
}

}  // namespace reeld::test
