#include <doctest/doctest.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <string>
#include <vector>

#include "runtime/task_group.hpp"
#include "runtime/with_deadline.hpp"
#include "support/run_loop.hpp"

using namespace std::chrono_literals;

namespace reeld::runtime {
namespace {

awaitable<void> note_after(Clock& clock, Millis wait, std::vector<std::string>& log,
                           std::string name) {
    co_await clock.sleep_for(wait);
    log.push_back(name);
}

awaitable<void> note_both_ends(Clock& clock, std::vector<std::string>& log) {
    log.push_back("started");
    try {
        co_await clock.sleep_for(1h);
        log.push_back("slept");
    } catch (const boost::system::system_error& error) {
        log.push_back(error.code() == boost::asio::error::operation_aborted ? "aborted" : "other");
        throw;
    }
}

awaitable<void> fail_after(Clock& clock, Millis wait, std::string words) {
    co_await clock.sleep_for(wait);
    throw std::runtime_error(words);
}

awaitable<Result<int>> answer_after(Clock& clock, Millis wait, int value) {
    co_await clock.sleep_for(wait);
    co_return value;
}

awaitable<Result<int>> throw_after(Clock& clock, Millis wait) {
    co_await clock.sleep_for(wait);
    throw std::runtime_error("broken");
}

struct World {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    std::vector<std::string> failures;
    std::vector<std::string> log;
    TaskGroup tasks{context.get_executor(), [this](const std::string& name, std::exception_ptr) {
                        failures.push_back(name);
                    }};
};

}  // namespace

TEST_CASE_FIXTURE(World, "sleepers wake by time, then by age, and none before its time") {
    tasks.spawn("c", note_after(clock, 20ms, log, "c"));
    tasks.spawn("a", note_after(clock, 10ms, log, "a"));
    tasks.spawn("b", note_after(clock, 10ms, log, "b"));
    test::settle(context);
    CHECK(clock.next_wakeup() == clock.monotonic() + 10ms);
    clock.advance(9ms);
    test::settle(context);
    CHECK(log.empty());
    clock.advance(1h);
    test::settle(context);
    CHECK(log == std::vector<std::string>{"a", "b", "c"});
    CHECK(tasks.size() == 0);
}

TEST_CASE_FIXTURE(World, "a jump of the wall clock wakes nobody") {
    tasks.spawn("a", note_after(clock, 10ms, log, "a"));
    const auto before = clock.now();
    clock.jump(-1h);
    test::settle(context);
    CHECK(clock.now() == before - 1h);
    CHECK(log.empty());
}

TEST_CASE_FIXTURE(World, "only the first exception of a group is reported") {
    tasks.spawn("second", fail_after(clock, 20ms, "x"));
    tasks.spawn("first", fail_after(clock, 10ms, "y"));
    CHECK(test::run_until(context, clock, [&] { return tasks.size() == 0; }));
    CHECK(failures == std::vector<std::string>{"first"});
}

TEST_CASE_FIXTURE(World, "stop ends every task without a report, and starts no new one") {
    tasks.spawn("a", note_both_ends(clock, log));
    tasks.spawn("b", note_both_ends(clock, log));
    test::settle(context);
    tasks.stop();
    tasks.spawn("late", note_both_ends(clock, log));
    test::Started<bool> joined(context, tasks.join(clock, 5s));
    test::settle(context);
    REQUIRE(joined.done());
    CHECK(joined.get());
    CHECK(failures.empty());
    CHECK(log == std::vector<std::string>{"started", "started", "aborted", "aborted"});
}

TEST_CASE_FIXTURE(World, "a task stopped before its first step ends too") {
    tasks.spawn("a", note_both_ends(clock, log));
    tasks.stop();
    test::settle(context);
    CHECK(tasks.size() == 0);
    CHECK(failures.empty());
}

TEST_CASE_FIXTURE(World, "join gives up at its deadline") {
    tasks.spawn("slow", note_after(clock, 1h, log, "slow"));
    test::Started<bool> joined(context, tasks.join(clock, 5s));
    test::settle(context);
    clock.advance(4999ms);
    test::settle(context);
    CHECK(!joined.done());
    clock.advance(1ms);
    test::settle(context);
    REQUIRE(joined.done());
    CHECK(!joined.get());
    CHECK(tasks.size() == 1);
}

TEST_CASE_FIXTURE(World, "a deadline ends a late operation and passes on a timely one") {
    test::Started<Result<int>> late(context,
                                    with_deadline(clock, 10ms, answer_after(clock, 11ms, 1)));
    test::Started<Result<int>> timely(context,
                                      with_deadline(clock, 10ms, answer_after(clock, 9ms, 2)));
    CHECK(test::run_until(context, clock, [&] { return late.done() && timely.done(); }));
    CHECK(late.get().error().code() == ErrorCode::timeout);
    CHECK(timely.get().value() == 2);
    CHECK(clock.sleepers() == 0);
}

TEST_CASE_FIXTURE(World, "an exception under a deadline comes out at once, not as a timeout") {
    test::Started<Result<int>> broken(context, with_deadline(clock, 1h, throw_after(clock, 1ms)));
    CHECK(test::run_until(
        context, clock, [&] { return broken.done(); }, 1s));
    CHECK_THROWS_WITH(static_cast<void>(broken.get()), "broken");
}

namespace {
awaitable<bool> ring_within(Bell& bell, Clock& clock, Millis wait) {
    co_return co_await bell.wait_for(clock, wait);
}
awaitable<void> note_ring(Bell& bell, std::vector<std::string>& log) {
    co_await bell.wait();
    log.push_back("rung");
}
}  // namespace

TEST_CASE_FIXTURE(World, "a bell wakes all who wait and remembers one ring for nobody") {
    Bell bell(context.get_executor());
    tasks.spawn("a", note_ring(bell, log));
    tasks.spawn("b", note_ring(bell, log));
    test::settle(context);
    CHECK(log.empty());
    bell.ring();
    test::settle(context);
    CHECK(log.size() == 2);
    bell.ring();
    bell.ring();
    tasks.spawn("c", note_ring(bell, log));
    tasks.spawn("d", note_ring(bell, log));
    test::settle(context);
    CHECK(log.size() == 3);
    tasks.stop();
    test::settle(context);
    CHECK(failures.empty());
}

TEST_CASE_FIXTURE(World, "waiting for a bell ends by the ring or by the time, and loses no ring") {
    Bell bell(context.get_executor());
    test::Started<bool> late(context, ring_within(bell, clock, 10ms));
    CHECK(test::run_until(context, clock, [&] { return late.done(); }));
    CHECK(!late.get());
    test::Started<bool> both(context, ring_within(bell, clock, 10ms));
    test::settle(context);
    clock.advance(10ms);
    bell.ring();
    test::settle(context);
    CHECK(both.get());
}

TEST_CASE("the system clock sleeps, and its sleep can be cancelled") {
    boost::asio::io_context context;
    const auto clock = make_system_clock(context.get_executor());
    std::vector<std::string> log;
    TaskGroup tasks(context.get_executor(), nullptr);
    tasks.spawn("short", note_after(*clock, 1ms, log, "short"));
    context.run();
    CHECK(log == std::vector<std::string>{"short"});
    tasks.spawn("long", note_both_ends(*clock, log));
    test::settle(context);
    tasks.stop();
    context.restart();
    context.run();
    CHECK(log.back() == "aborted");
    CHECK(tasks.size() == 0);
}

}  // namespace reeld::runtime
