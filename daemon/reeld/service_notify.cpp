#include "reeld/service_notify.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace reeld::daemon {
namespace {

// systemd compares it with its own CLOCK_MONOTONIC, so this one must be the kernel's, not the
// injected clock.
std::uint64_t monotonic_usec() {
    std::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000u;
}

// A line break would begin another assignment.
std::string status_line(std::string_view text) {
    std::string line = "STATUS=" + std::string(text);
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return line;
}

}  // namespace

ServiceNotify::ServiceNotify() : ServiceNotify([](const std::string& state) {
    sd_notify(0, state.c_str());
}) {}

ServiceNotify::ServiceNotify(Sender sender) : sender_(std::move(sender)) {}

void ServiceNotify::ready(std::string_view status) { sender_("READY=1\n" + status_line(status)); }

void ServiceNotify::status(std::string_view text) { sender_(status_line(text)); }

void ServiceNotify::reloading() {
    sender_(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n{}", monotonic_usec(),
                        status_line("reading the configuration again")));
}

void ServiceNotify::stopping(std::string_view status) {
    sender_("STOPPING=1\n" + status_line(status));
}

void ServiceNotify::watchdog() { sender_("WATCHDOG=1"); }

std::optional<Millis> ServiceNotify::watchdog_period() {
    std::uint64_t usec = 0;
    if (sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
    return Millis{std::max<std::int64_t>(1, static_cast<std::int64_t>(usec / 2000))};
}

}  // namespace reeld::daemon
