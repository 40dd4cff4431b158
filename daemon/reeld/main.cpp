#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <variant>

#include "reeld/app.hpp"
#include "reeld/options.hpp"

int main(int argc, char** argv) {
    const auto parsed = reeld::daemon::parse_options(argc, argv, REELD_VERSION);
    if (const auto* usage = std::get_if<reeld::daemon::UsageExit>(&parsed)) {
        fmt::print(usage->to_stderr() ? stderr : stdout, "{}", usage->text);
        return usage->code;
    }
    try {
        return reeld::daemon::run_app(std::get<reeld::daemon::Options>(parsed), REELD_VERSION);
    } catch (const std::exception& failure) {
        fmt::print(stderr, "reeld: stopped by an internal failure: {}\n", failure.what());
        return 1;
    }
}
