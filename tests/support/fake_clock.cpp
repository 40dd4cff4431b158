#include "support/fake_clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "runtime/task_group.hpp"

namespace reeld::test {

namespace asio = boost::asio;
using Key = std::pair<Millis, std::uint64_t>;  // due, then age

struct Sleeper {
    explicit Sleeper(const asio::any_io_executor& executor)
        : parked(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer parked;
    bool woken = false;
};

struct FakeClock::State {
    explicit State(const asio::any_io_executor& e) : executor(e), change(e) {}
    asio::any_io_executor executor;
    runtime::Bell change;
    bool tells = true;
    Millis slept{0};
    Instant start;
    Millis monotonic{1'000'000};
    Millis jumped{0};
    std::uint64_t count = 0;
    std::map<Key, std::shared_ptr<Sleeper>> sleepers;
};

namespace {

template <class State>
struct Entry {
    Entry(std::shared_ptr<State> owner, Key at) : state(std::move(owner)), key(at) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { state->sleepers.erase(key); }
    std::shared_ptr<State> state;
    Key key;
};

template <class State>
runtime::awaitable<void> sleep_until(std::shared_ptr<State> state, Millis due) {
    auto sleeper = std::make_shared<Sleeper>(state->executor);
    const Key key{due, state->count++};
    state->sleepers.emplace(key, sleeper);
    const Entry<State> entry(state, key);
    // A sleep without length still goes through the loop, as a real timer does.
    if (due <= state->monotonic) {
        sleeper->woken = true;
        sleeper->parked.expires_at(asio::steady_timer::time_point::min());
    }
    co_await sleeper->parked.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!sleeper->woken) throw boost::system::system_error(asio::error::operation_aborted);
}

constexpr Millis start_of_monotonic{1'000'000};

}  // namespace

FakeClock::FakeClock(asio::any_io_executor executor, Instant start)
    : state_(std::make_shared<State>(executor)) {
    state_->start = start;
    state_->monotonic = start_of_monotonic;
}

Instant FakeClock::now() const {
    return true_now() + state_->jumped;
}

Instant FakeClock::true_now() const {
    return state_->start + (elapsed() - start_of_monotonic);
}

Millis FakeClock::monotonic() const {
    return state_->monotonic;
}

Millis FakeClock::elapsed() const {
    return state_->monotonic + state_->slept;
}

runtime::awaitable<void> FakeClock::changed() {
    return state_->change.wait();
}

runtime::awaitable<void> FakeClock::sleep_for(Millis duration) {
    return sleep_until(state_, state_->monotonic + duration);
}

void FakeClock::advance(Millis duration) {
    if (duration < Millis{0}) throw std::logic_error("time does not go back; use jump()");
    state_->monotonic += duration;
    for (auto& [key, sleeper] : state_->sleepers) {
        if (key.first > state_->monotonic) break;
        sleeper->woken = true;
        sleeper->parked.cancel();
    }
}

void FakeClock::jump(Millis duration) {
    state_->jumped += duration;
    if (state_->tells) state_->change.ring();
}

void FakeClock::suspend(Millis duration) {
    state_->slept += duration;
    if (state_->tells) state_->change.ring();
}

void FakeClock::tell_changes(bool tells) {
    state_->tells = tells;
}

std::optional<Millis> FakeClock::next_wakeup() const {
    for (const auto& [key, sleeper] : state_->sleepers) {
        if (!sleeper->woken) return key.first;
    }
    return std::nullopt;
}

std::size_t FakeClock::sleepers() const {
    return state_->sleepers.size();
}

}  // namespace reeld::test
