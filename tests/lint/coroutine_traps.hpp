#pragma once
// Shapes around co_await that g++ 12 compiles into memory corruption.
#include <vector>

#include "lint/source.hpp"

namespace reeld::lint {

// A capturing lambda, or an aggregate built with {.member = …}, as a temporary in one statement
// with co_await. Captures by reference only are safe. Rule: "trap".
std::vector<Finding> check_coroutine_traps(const File& file);

// A lambda that captures and is itself a coroutine: its captures die with the closure, not with
// the frame. In lib/ and daemon/. Rule: "lambda_coroutine".
std::vector<Finding> check_lambda_coroutines(const File& file);

}  // namespace reeld::lint
