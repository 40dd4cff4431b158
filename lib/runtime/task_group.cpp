#include "runtime/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <list>
#include <optional>
#include <vector>

#include "base/log.hpp"

namespace reeld::runtime {
namespace {

struct Task {
    std::string name;
    asio::cancellation_signal signal;
    bool ended = false;
};

// The exception's words; nothing for a cancellation, which is a normal end.
std::optional<std::string> words_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) return std::nullopt;
        return error.what();
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace

struct TaskGroup::State {
    State(asio::any_io_executor on,
          std::function<void(const std::string&, std::exception_ptr)> report)
        : executor(std::move(on)), on_failure(std::move(report)), emptied(executor) {}

    void ended(std::list<Task>::iterator task, const std::exception_ptr& failure) {
        const std::string name = task->name;
        task->ended = true;
        // stop() walks over these nodes and may be inside this one's signal: they live until it
        // ends.
        if (stopping) {
            over.splice(over.end(), tasks, task);
        } else {
            tasks.erase(task);
        }
        if (tasks.empty()) emptied.ring();
        if (!failure) return;
        const auto words = words_of(failure);
        if (!words) return;
        log::error("runtime", "a task ended by an exception", {{"task", name}, {"error", *words}});
        if (!std::exchange(failed, true) && on_failure) on_failure(name, failure);
    }

    asio::any_io_executor executor;
    std::function<void(const std::string&, std::exception_ptr)> on_failure;
    std::list<Task> tasks;
    std::list<Task> over;
    Bell emptied;
    bool stopping = false;
    bool stopped = false;
    bool failed = false;
};

namespace {

template <class State>
awaitable<bool> join_all(std::shared_ptr<State> state, Clock& clock, Millis deadline) {
    const Millis start = clock.monotonic();
    while (!state->tasks.empty()) {
        const Millis left = deadline - (clock.monotonic() - start);
        if (left <= Millis{0}) co_return false;
        co_await state->emptied.wait_for(clock, left);
    }
    co_return true;
}

}  // namespace

namespace {

template <class State>
void signal_all(State& state) {
    state.stopping = true;
    std::vector<Task*> running;
    for (auto& task : state.tasks)
        running.push_back(&task);
    for (Task* task : running) {
        if (!task->ended) task->signal.emit(asio::cancellation_type::terminal);
    }
    state.stopping = false;
    state.over.clear();
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor,
                     std::function<void(const std::string&, std::exception_ptr)> on_failure)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_failure))) {}
TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, awaitable<void> task) {
    if (state_->stopped) return;
    auto& entry = state_->tasks.emplace_back();
    entry.name = std::move(name);
    auto at = std::prev(state_->tasks.end());
    auto on_end = [state = state_, at](const std::exception_ptr& failure) {
        state->ended(at, failure);
    };
    asio::co_spawn(state_->executor, std::move(task),
                   asio::bind_cancellation_slot(entry.signal.slot(), std::move(on_end)));
}

void TaskGroup::stop() {
    state_->stopped = true;
    // On the loop: Asio hands a signal on by a bare pointer, and off the loop a task may end between
    // the signal and its delivery.
    asio::dispatch(state_->executor, [state = state_] { signal_all(*state); });
}

awaitable<bool> TaskGroup::join(Clock& clock, Millis deadline) {
    return join_all(state_, clock, deadline);
}

std::size_t TaskGroup::size() const {
    return state_->tasks.size();
}
asio::any_io_executor TaskGroup::executor() const {
    return state_->executor;
}

}  // namespace reeld::runtime
