#include "runtime/beside.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <thread>

#include "runtime/task_group.hpp"
#include "support/run_loop.hpp"

namespace reeld::runtime {
namespace {

awaitable<std::thread::id> where_it_runs(asio::any_io_executor executor) {
    std::thread::id seen;
    std::function<void()> work = [&seen] { seen = std::thread::id(pthread_self()); };
    std::function<void()> stop = [] {};
    co_await run_beside(std::move(executor), std::move(work), std::move(stop));
    co_return seen;
}

struct Endless {
    std::atomic<bool> begun{false};
    std::atomic<bool> stop{false};
    std::atomic<bool> ended{false};
};

awaitable<void> work_until_stopped(asio::any_io_executor executor, Endless& endless) {
    std::function<void()> work = [&endless] {
        endless.begun = true;
        endless.begun.notify_one();
        endless.stop.wait(false);
        endless.ended = true;
    };
    std::function<void()> stop = [&endless] {
        endless.stop = true;
        endless.stop.notify_one();
    };
    co_await run_beside(std::move(executor), std::move(work), std::move(stop));
}

}  // namespace

TEST_CASE("work beside the loop runs on another thread and its end is awaited") {
    asio::io_context context;
    const auto where = test::run_for_real(context, where_it_runs(context.get_executor()));
    CHECK((where != std::thread::id()));
    CHECK((where != std::thread::id(pthread_self())));
}

TEST_CASE("a cancelled caller stops the work and waits for its end") {
    asio::io_context context;
    Endless endless;
    TaskGroup tasks(context.get_executor(), [](const std::string&, std::exception_ptr) {});
    tasks.spawn("work", work_until_stopped(context.get_executor(), endless));
    test::settle(context);
    endless.begun.wait(false);
    CHECK_FALSE(endless.ended);
    tasks.stop();
    test::settle(context);
    CHECK(tasks.size() == 0);
    CHECK(endless.ended);
}

}  // namespace reeld::runtime
