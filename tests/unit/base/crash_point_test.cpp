#include <doctest/doctest.h>

#include <vector>

#include "base/crash_point.hpp"

using reeld::CrashPoint;
namespace crash_point = reeld::crash_point;

namespace {

class Listener final : public crash_point::Observer {
  public:
    void passed(CrashPoint point) override { heard.push_back(point); }
    std::vector<CrashPoint> heard;
};

}  // namespace

TEST_CASE("an observer hears each passage in its order, until it is taken away") {
    Listener listener;
    crash_point::pass(CrashPoint::submit_intent_durable);
    crash_point::set_observer(&listener);
    crash_point::pass(CrashPoint::publish_renamed);
    crash_point::pass(CrashPoint::publish_folder_synced);
    crash_point::set_observer(nullptr);
    crash_point::pass(CrashPoint::store_committed);
    const std::vector<CrashPoint> expected{CrashPoint::publish_renamed,
                                           CrashPoint::publish_folder_synced};
    CHECK(listener.heard == expected);
}

TEST_CASE("a point is named by its room and its step") {
    CHECK(crash_point::name_of(CrashPoint::submit_intent_durable) == "submit.intent_durable");
    CHECK(crash_point::name_of(CrashPoint::stop_committed) == "stop.committed");
}
