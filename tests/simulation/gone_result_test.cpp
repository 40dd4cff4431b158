// Goal: a cancel that came too late never follows a result that is gone for ever. Method: the
// provider keeps results for a moment only, and the deadline passes after the end, unseen till then.
#include <doctest/doctest.h>

#include "support/world.hpp"

namespace reeld::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("a job that ended before its deadline's cancel and whose result is gone comes to an end") {
    WorldOptions options;
    options.webhooks = false;
    options.provider.run_min = options.provider.run_max = seconds{20};
    options.provider.retention = options.provider.retention_large = Millis{1};
    World world(options);
    world.start();
    json::object job = world.job_json("one");
    job["deadline"] = to_rfc3339(world.clock().now() + seconds{25});
    std::vector<json::object> jobs;
    jobs.push_back(std::move(job));
    const ReplyPtr reply = world.submit(std::move(jobs));
    // No poll sees the end before the deadline.
    world.pass(seconds{15});
    world.net().down = true;
    world.pass(seconds{12});
    world.net().down = false;
    CHECK(world.pass_until([&] { return world.quiet(); }, minutes{30}));
    REQUIRE(world.jobs().size() == 1);
    CHECK(world.jobs().front().reason == domain::Reason::deadline);
    const std::vector<std::string> wrong = world.check();
    CHECK_MESSAGE(wrong.empty(), (wrong.empty() ? "" : wrong.front()), "\n", world.trace());
}

}  // namespace
}  // namespace reeld::test
