#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <ctime>
#include <limits>

#include "runtime/clock.hpp"

namespace reeld::runtime {
namespace {

// A wait of centuries would overflow the timer's arithmetic.
constexpr Millis longest_wait = std::chrono::hours{24 * 365};

// A timer that never expires, and that the kernel cancels when the wall clock is set: by a person, by
// the time service, and at the end of a machine's sleep.
int open_change_alarm() {
    const int descriptor = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (descriptor < 0) return -1;
    itimerspec never{};
    never.it_value.tv_sec = std::numeric_limits<time_t>::max();
    if (::timerfd_settime(descriptor, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                          nullptr) == 0) {
        return descriptor;
    }
    ::close(descriptor);
    return -1;
}

class SystemClock final : public Clock {
  public:
    explicit SystemClock(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    Instant now() const override {
        return std::chrono::floor<Millis>(std::chrono::system_clock::now());
    }

    std::string day_of(Instant at) const override {
        const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
        std::tm parts{};
        std::array<char, 16> text{};
        if (::localtime_r(&seconds, &parts) == nullptr ||
            std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts) == 0) {
            return utc_day(at);
        }
        return text.data();
    }

    Millis monotonic() const override {
        return std::chrono::floor<Millis>(std::chrono::steady_clock::now().time_since_epoch());
    }

    Millis elapsed() const override {
        timespec since_boot{};
        ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
        return std::chrono::floor<Millis>(std::chrono::seconds{since_boot.tv_sec} +
                                          std::chrono::nanoseconds{since_boot.tv_nsec});
    }

    awaitable<void> sleep_for(Millis duration) override { return sleep_on(executor_, duration); }

    awaitable<void> changed() override { return wait_for_change(executor_); }

  private:
    static awaitable<void> sleep_on(asio::any_io_executor executor, Millis duration) {
        asio::steady_timer timer(executor, std::min(duration, longest_wait));
        co_await timer.async_wait(asio::use_awaitable);
    }

    static awaitable<void> wait_for_change(asio::any_io_executor executor) {
        const int descriptor = open_change_alarm();
        while (descriptor < 0) co_await sleep_on(executor, longest_wait);
        asio::posix::stream_descriptor alarm(executor, descriptor);
        co_await alarm.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
    }

    asio::any_io_executor executor_;
};

}  // namespace

std::unique_ptr<Clock> make_system_clock(asio::any_io_executor executor) {
    return std::make_unique<SystemClock>(std::move(executor));
}

}  // namespace reeld::runtime
