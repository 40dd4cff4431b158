#pragma once
// The composition root: chooses the parts, starts them, stops them in order.
#include "reeld/options.hpp"

namespace reeld::daemon {

// Runs until a signal or a failure; the process's exit code.
int run_app(const Options& options, const char* version);

}  // namespace reeld::daemon
