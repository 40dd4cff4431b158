#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "runtime/clock.hpp"

namespace reeld::runtime {
namespace {

class SystemClock final : public Clock {
  public:
    explicit SystemClock(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    Instant now() const override {
        return std::chrono::floor<Millis>(std::chrono::system_clock::now());
    }

    Millis monotonic() const override {
        return std::chrono::floor<Millis>(std::chrono::steady_clock::now().time_since_epoch());
    }

    awaitable<void> sleep_for(Millis duration) override { return sleep_on(executor_, duration); }

  private:
    static awaitable<void> sleep_on(asio::any_io_executor executor, Millis duration) {
        // A wait of centuries would overflow the timer's arithmetic.
        constexpr Millis longest = std::chrono::hours{24 * 365};
        asio::steady_timer timer(executor, std::min(duration, longest));
        co_await timer.async_wait(asio::use_awaitable);
    }

    asio::any_io_executor executor_;
};

}  // namespace

std::unique_ptr<Clock> make_system_clock(asio::any_io_executor executor) {
    return std::make_unique<SystemClock>(std::move(executor));
}

}  // namespace reeld::runtime
