#include <doctest/doctest.h>

#include "support/fake_client.hpp"
#include "support/run_loop.hpp"
#include "support/simulated_disk.hpp"

using namespace std::chrono_literals;

namespace reeld::test {
namespace {

struct World {
    boost::asio::io_context context;
    FakeClock clock{context.get_executor()};
    FakeClient client{clock};
    SimulatedDisk files{{"/out"}};

    Started<Exchange> send(const std::string& method, const std::string& url) {
        HttpRequest request;
        request.method = method;
        request.url = url;
        http::RequestOptions options;
        return Started<Exchange>(context, client.send(std::move(request), std::move(options)));
    }
    Status publish(const std::string& part, const std::string& target) {
        Started<Status> call(context, files.publish(part, target, {}));
        settle(context);
        return call.get();
    }
};

}  // namespace

TEST_CASE_FIXTURE(World, "a scripted answer comes after its time, once") {
    client.expect("GET", "/a").reply(201, "[]").after(5s);
    const auto call = send("GET", "https://x/a");
    settle(context);
    CHECK(!call.done());
    CHECK(client.all_met());
    clock.advance(5s);
    settle(context);
    CHECK(call.get().response.status == 201);
    const auto again = send("GET", "https://x/a");
    settle(context);
    CHECK_THROWS_AS(again.get(), std::logic_error);
    CHECK(client.unexpected == std::vector<std::string>{"GET https://x/a"});
}

TEST_CASE_FIXTURE(World, "a scripted failure tells how far the request came") {
    client.expect("POST", "/a").fail(Delivery::maybe_sent, ErrorCode::timeout);
    CHECK(!client.all_met());
    const auto call = send("POST", "https://x/a");
    settle(context);
    CHECK(call.get().delivery == Delivery::maybe_sent);
    CHECK(call.get().error.code() == ErrorCode::timeout);
}

TEST_CASE_FIXTURE(World, "a power cut keeps what was published and nothing else") {
    CHECK(files.make_folders("/out", "night").has_value());
    CHECK(files.open_append("/out/night/a.part").value()->append("aaa").has_value());
    CHECK(files.open_append("/out/night/b.part").value()->append("bbb").has_value());
    CHECK(publish("/out/night/a.part", "/out/night/a.mp4").has_value());
    const auto left = files.after_power_cut({});
    CHECK(left->at("/out/night/a.mp4") == "aaa");
    CHECK(!left->exists("/out/night/a.part"));
    CHECK(left->at("/out/night/b.part").empty());  // its name, by the sync of the folder
    CHECK(files.copy()->exists("/out/night/b.part"));
}

TEST_CASE_FIXTURE(World, "every sync of a publication matters to what a power cut leaves") {
    std::vector<std::string> synced;
    std::vector<std::unique_ptr<SimulatedDisk>> nothing;
    std::vector<std::unique_ptr<SimulatedDisk>> everything;
    files.before_sync = [&](const std::string& path) {
        synced.push_back(path);
        nothing.push_back(files.after_power_cut({}));
        everything.push_back(files.after_power_cut({PowerCut::Keeps::everything}));
    };
    CHECK(files.make_folders("/out", "night").has_value());
    CHECK(files.open_append("/out/night/a.part").value()->append("aaa").has_value());
    CHECK(publish("/out/night/a.part", "/out/night/a.mp4").has_value());
    REQUIRE(synced == std::vector<std::string>{"/out/night/a.part", "/out", "/out/night"});
    // Until the folder's own name is durable, it and all in it can vanish.
    CHECK(!nothing[0]->exists("/out/night"));
    CHECK(everything[0]->at("/out/night/a.part") == "aaa");
    CHECK(!nothing[1]->exists("/out/night"));
    CHECK(everything[1]->at("/out/night/a.mp4") == "aaa");
    CHECK(nothing[2]->at("/out/night/a.part") == "aaa");
    CHECK(nothing[2]->at("/out/night/a.mp4") == "(absent)");
    CHECK(everything[2]->at("/out/night/a.part") == "(absent)");
    files.before_sync = nullptr;
}

TEST_CASE_FIXTURE(World, "a publication by hard link leaves one name in the end") {
    files.exclusive_rename = false;
    CHECK(files.open_append("/out/a.part").value()->append("aaa").has_value());
    CHECK(publish("/out/a.part", "/out/a.mp4").has_value());
    const auto left = files.after_power_cut({});
    CHECK(left->at("/out/a.mp4") == "aaa");
    CHECK(!left->exists("/out/a.part"));
}

TEST_CASE_FIXTURE(World, "the simulated disk fills up, and fails the call it was told to") {
    using Op = SimulatedDisk::Op;
    auto file = files.open_append("/out/a.part").value();
    files.capacity = 4;
    CHECK(file->append("12345").error().code() == ErrorCode::disk_full);
    CHECK(file->append("1234").has_value());
    CHECK(files.free_bytes("/out").value() == 0);
    CHECK(files.remove("/out/a.part").has_value());
    CHECK(files.free_bytes("/out").value() == 4);
    files.fail(Op::open, 2);
    CHECK(files.open_append("/out/b.part").has_value());
    CHECK(files.open_append("/out/c.part").error().code() == ErrorCode::io);
    CHECK(files.open_append("/out/c.part").has_value());
    CHECK(files.open_append("/none/c.part").error().code() == ErrorCode::not_found);
    CHECK(files.count(Op::open) == 5);
    files.put("/out/there.mp4", "x");
    CHECK(publish("/out/b.part", "/out/there.mp4").error().code() == ErrorCode::conflict);
    files.fail(Op::sync, 1, ErrorCode::io, 1, ".part");
    CHECK(publish("/out/b.part", "/out/b.mp4").error().code() == ErrorCode::io);
    CHECK(!files.exists("/out/b.part"));  // no later sync could be believed
}

}  // namespace reeld::test
