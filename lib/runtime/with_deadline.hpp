#pragma once
// The one way to bound a wait: the operation is cancelled when its time is over.
#include <utility>

#include "base/result.hpp"
#include "runtime/clock.hpp"
#include "runtime/race.hpp"

namespace reeld::runtime {

// ErrorCode::timeout after `duration`. The call returns only when `task` has really ended, so a
// task that does not listen to cancellation stretches the wait.
template <class T>
awaitable<Result<T>> with_deadline(Clock& clock, Millis duration, awaitable<Result<T>> task) {
    auto sleep = clock.sleep_for(duration);
    auto result = co_await until(std::move(task), std::move(sleep));
    if (!result) {
        Error late(ErrorCode::timeout, "no answer within " + format_duration(duration));
        co_return late;
    }
    co_return std::move(*result);
}

}  // namespace reeld::runtime
