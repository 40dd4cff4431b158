// Goal: systemd hears exactly the assignments that its protocol knows.
#include "reeld/service_notify.hpp"

#include <doctest/doctest.h>

#include <vector>

using reeld::daemon::ServiceNotify;

TEST_CASE("ready, status, stopping and the watchdog are said in systemd's words") {
    std::vector<std::string> said;
    ServiceNotify notify([&](const std::string& state) { said.push_back(state); });
    notify.ready("3 jobs pending");
    notify.status("2 running");
    notify.watchdog();
    notify.stopping("ending 2 tasks");
    CHECK(said == std::vector<std::string>{"READY=1\nSTATUS=3 jobs pending", "STATUS=2 running",
                                           "WATCHDOG=1", "STOPPING=1\nSTATUS=ending 2 tasks"});
}

TEST_CASE("a reload carries the kernel's monotonic time in microseconds") {
    std::string said;
    ServiceNotify notify([&](const std::string& state) { said = state; });
    notify.reloading();
    REQUIRE(said.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(std::stoull(said.substr(said.find("USEC=") + 5)) > 0);
}

TEST_CASE("a line break in a status cannot smuggle in an assignment") {
    std::string said;
    ServiceNotify notify([&](const std::string& state) { said = state; });
    notify.status("a\nMAINPID=1");
    CHECK(said == "STATUS=a MAINPID=1");
}

TEST_CASE("without a watchdog there is no period, and without systemd nothing is sent") {
    CHECK_FALSE(ServiceNotify::watchdog_period().has_value());
    ServiceNotify().ready("nobody listens");
}
