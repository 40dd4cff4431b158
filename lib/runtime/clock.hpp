#pragma once
// Time as a service. Nobody else reads a clock or sleeps.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "base/time.hpp"

namespace reeld::runtime {

namespace asio = boost::asio;
template <class T>
using awaitable = boost::asio::awaitable<T>;

class Clock {
  public:
    virtual ~Clock() = default;
    // Wall-clock time; may jump in both directions.
    virtual Instant now() const = 0;
    // The day of this moment by the machine's own calendar: 2026-11-21.
    virtual std::string day_of(Instant at) const { return utc_day(at); }
    // Never jumps; only differences mean something. Stands still while the machine sleeps.
    virtual Millis monotonic() const = 0;
    // As monotonic(), and goes on while the machine sleeps.
    virtual Millis elapsed() const = 0;
    // Returns when the wall clock was set or the machine woke up. A hint only: where the system does
    // not tell, it never returns.
    virtual awaitable<void> changed() = 0;
    // Ends early by cancellation: by throwing operation_aborted, as every awaited call does.
    virtual awaitable<void> sleep_for(Millis duration) = 0;
};

std::unique_ptr<Clock> make_system_clock(asio::any_io_executor executor);

}  // namespace reeld::runtime
