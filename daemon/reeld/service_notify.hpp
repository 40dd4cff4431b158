#pragma once
// What systemd hears from the daemon. Outside a notify service every call does nothing.
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace reeld::daemon {

class ServiceNotify {
  public:
    using Sender = std::function<void(const std::string& state)>;

    ServiceNotify();                       // to the socket that systemd named
    explicit ServiceNotify(Sender sender);  // for tests

    void ready(std::string_view status);
    void status(std::string_view text);  // shown by `systemctl status`
    // Before reading the configuration again; ready() ends it.
    void reloading();
    void stopping(std::string_view status);
    void watchdog();

    // How often watchdog() is to be called: half of the unit's WatchdogSec; nothing when none is
    // set for this process.
    static std::optional<Millis> watchdog_period();

  private:
    Sender sender_;
};

}  // namespace reeld::daemon
