#pragma once
// Time that moves only when a test says so.
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "runtime/clock.hpp"

namespace reeld::test {

class FakeClock final : public runtime::Clock {
  public:
    explicit FakeClock(runtime::asio::any_io_executor executor,
                       Instant start = from_unix_ms(1'795'000'000'000));

    Instant now() const override;
    Millis monotonic() const override;
    Millis elapsed() const override;
    runtime::awaitable<void> changed() override;
    runtime::awaitable<void> sleep_for(Millis duration) override;

    // Moves both times and wakes who is due, by time, then by age. The woken run at the next poll.
    void advance(Millis duration);
    // Moves the wall clock only.
    void jump(Millis duration);
    // The machine sleeps: the wall clock goes on, no timer does.
    void suspend(Millis duration);
    // What a clock shows that nobody sets.
    Instant true_now() const;
    // Whether changed() tells of the two above.
    void tell_changes(bool tells);
    // The monotonic time at which the next sleeper is due.
    std::optional<Millis> next_wakeup() const;
    std::size_t sleepers() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace reeld::test
