#pragma once
// Long work that only waits and computes, beside the loop.
#include <boost/asio/any_io_executor.hpp>
#include <functional>

#include "runtime/clock.hpp"

namespace reeld::runtime {

// Where long work runs. A simulation has one thread only, and is the same from run to run.
enum class Beside { thread, loop };

// Runs `work` on a thread of its own and returns when it has ended. When the caller is cancelled,
// `stop` is called, which must make `work` end soon: its end is waited for. Neither may touch what
// the loop's thread uses, nor throw. With Beside::loop it runs between two turns of the loop.
awaitable<void> run_beside(asio::any_io_executor executor, std::function<void()> work,
                           std::function<void()> stop, Beside where = Beside::thread);

}  // namespace reeld::runtime
