// Goal: a file goes to the provider once for all jobs that name it, as long as its URL lives, and
// again when that is over. Method: jobs that share files, days apart, and the provider's own list of
// what it was given.
#include <doctest/doctest.h>

#include <set>

#include "support/world.hpp"

namespace reeld::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// One job per letter; the paths of the files that they name.
std::set<std::string> submit_all(World& world, const std::string& name) {
    std::set<std::string> files;
    std::vector<json::object> jobs;
    for (char letter = 'a'; letter <= 'l'; ++letter) {
        json::object job = world.job_json(name + letter);
        if (const json::value* file = job.at("input").as_object().if_contains("first_frame_image")) {
            files.emplace(file->as_string());
        }
        jobs.push_back(std::move(job));
    }
    world.submit(std::move(jobs));
    return files;
}

std::size_t uploads(World& world) {
    return world.provider().uploads().at("uploads").as_array().size();
}

TEST_CASE("a file is uploaded once while its URL lives") {
    WorldOptions options;
    options.local_files = true;
    options.part_bytes = 2'048;
    World world(options);
    world.put_shots();
    world.start();
    const Instant begin = world.clock().now();
    const std::set<std::string> files = submit_all(world, "first-");
    REQUIRE(files.size() > 1);
    CHECK(world.pass_until([&] { return world.quiet(); }, hours{2}));
    CHECK(uploads(world) == files.size());

    world.pass(hours{24});
    CHECK(submit_all(world, "again-") == files);
    CHECK(world.pass_until([&] { return world.quiet(); }, hours{2}));
    CHECK(uploads(world) == files.size());

    // fal was asked to keep them for a week. What has minutes left may be gone when it is read.
    world.pass(begin + hours{7 * 24} - minutes{5} - world.clock().now());
    CHECK(submit_all(world, "later-") == files);
    CHECK(world.pass_until([&] { return world.quiet(); }, hours{2}));
    CHECK(uploads(world) == 2 * files.size());

    for (const domain::Job& job : world.jobs()) CHECK(job.state == domain::State::completed);
    const std::vector<std::string> wrong = world.check();
    CHECK_MESSAGE(wrong.empty(), (wrong.empty() ? "" : wrong.front()), "\n", world.trace());
}

}  // namespace
}  // namespace reeld::test
