#pragma once
// Two things at once, and the first one wins; the loser is cancelled and its end awaited.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "runtime/clock.hpp"

namespace reeld::runtime {
namespace detail {

template <class T>
struct Outcome {
    std::optional<T> value;
    std::exception_ptr failure;
};

struct Nothing {};

// `a || b` drops an exception of the one while the other is still running, so both sides carry
// theirs as a value.
template <class T>
awaitable<Outcome<T>> captured(awaitable<T> task) {
    Outcome<T> outcome;
    try {
        outcome.value.emplace(co_await std::move(task));
    } catch (...) {
        outcome.failure = std::current_exception();
    }
    co_return outcome;
}

inline awaitable<Outcome<Nothing>> captured(awaitable<void> task) {
    Outcome<Nothing> outcome;
    try {
        co_await std::move(task);
        outcome.value.emplace();
    } catch (...) {
        outcome.failure = std::current_exception();
    }
    co_return outcome;
}

}  // namespace detail

// What `task` gives, or nothing when `end` came first. An exception of the first to end leaves
// here.
template <class T>
awaitable<std::optional<T>> until(awaitable<T> task, awaitable<void> end) {
    using namespace boost::asio::experimental::awaitable_operators;
    auto first = co_await (detail::captured(std::move(task)) || detail::captured(std::move(end)));
    if (first.index() == 0) {
        auto& outcome = std::get<0>(first);
        if (outcome.failure) std::rethrow_exception(outcome.failure);
        co_return std::move(outcome.value);
    }
    if (std::get<1>(first).failure) std::rethrow_exception(std::get<1>(first).failure);
    co_return std::nullopt;
}

// False when `end` came first.
inline awaitable<bool> until(awaitable<void> task, awaitable<void> end) {
    using namespace boost::asio::experimental::awaitable_operators;
    auto first = co_await (detail::captured(std::move(task)) || detail::captured(std::move(end)));
    const bool finished = first.index() == 0;
    const auto failure = finished ? std::get<0>(first).failure : std::get<1>(first).failure;
    if (failure) std::rethrow_exception(failure);
    co_return finished;
}

}  // namespace reeld::runtime
