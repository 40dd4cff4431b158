#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "runtime/race.hpp"
#include "runtime/task_group.hpp"

namespace reeld::runtime {

struct Bell::State {
    explicit State(asio::any_io_executor executor)
        : parked(std::move(executor), asio::steady_timer::time_point::max()) {}

    asio::steady_timer parked;  // never expires: cancelling it wakes the waiters
    std::uint64_t rings = 0;
    std::size_t waiting = 0;
    bool remembered = false;
};

namespace {

struct Counted {
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::size_t& count_;
};

template <class State>
awaitable<void> wait_on(std::shared_ptr<State> state) {
    if (std::exchange(state->remembered, false)) co_return;
    const auto heard = state->rings;
    const Counted counted(state->waiting);
    co_await state->parked.async_wait(asio::as_tuple(asio::use_awaitable));
    // Both a ring and a cancellation end the wait with operation_aborted.
    if (state->rings == heard) throw boost::system::system_error(asio::error::operation_aborted);
}

template <class State>
awaitable<bool> wait_on_for(std::shared_ptr<State> state, Clock& clock, Millis duration) {
    const auto heard = state->rings;
    auto ring = wait_on(state);
    auto sleep = clock.sleep_for(duration);
    const bool rung = co_await until(std::move(ring), std::move(sleep));
    // A ring in the very moment the time ran out must not get lost.
    co_return rung || state->rings != heard;
}

}  // namespace

Bell::Bell(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}
Bell::~Bell() = default;

void Bell::ring() {
    if (state_->waiting == 0) {
        state_->remembered = true;
        return;
    }
    ++state_->rings;
    state_->parked.cancel();
}

awaitable<void> Bell::wait() {
    return wait_on(state_);
}

awaitable<bool> Bell::wait_for(Clock& clock, Millis duration) {
    return wait_on_for(state_, clock, duration);
}

}  // namespace reeld::runtime
