#include <doctest/doctest.h>

#include "support/fake_client.hpp"
#include "support/fake_file_system.hpp"
#include "support/run_loop.hpp"

using namespace std::chrono_literals;

namespace reeld::test {
namespace {

struct World {
    boost::asio::io_context context;
    FakeClock clock{context.get_executor()};
    FakeClient client{clock};
    FakeFileSystem files;

    Started<Exchange> send(const std::string& method, const std::string& url) {
        HttpRequest request;
        request.method = method;
        request.url = url;
        http::RequestOptions options;
        return Started<Exchange>(context, client.send(std::move(request), std::move(options)));
    }
    Status publish(const std::string& part, const std::string& target) {
        Started<Status> call(context, files.publish(part, target));
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

TEST_CASE_FIXTURE(World, "a power loss keeps what was published and nothing else") {
    CHECK(files.make_folders("/out", "night").has_value());
    CHECK(files.open_append("/out/night/a.part").value()->append("aaa").has_value());
    CHECK(files.open_append("/out/night/b.part").value()->append("bbb").has_value());
    CHECK(publish("/out/night/a.part", "/out/night/a.mp4").has_value());
    files.power_loss();
    CHECK(files.content("/out/night/a.mp4") == "aaa");
    CHECK(!files.exists("/out/night/a.part"));
    CHECK(!files.exists("/out/night/b.part"));
}

TEST_CASE_FIXTURE(World, "the fake disk fills up, and fails the call it was told to") {
    auto file = files.open_append("/out/a.part").value();
    files.set_free_bytes(4);
    CHECK(file->append("12345").error().code() == ErrorCode::disk_full);
    CHECK(file->append("1234").has_value());
    CHECK(files.remove("/out/a.part").has_value());
    CHECK(files.free_bytes("/out").value() == 4);
    files.fail_call(2);
    CHECK(files.open_append("/out/b.part").has_value());
    CHECK(files.open_append("/out/c.part").error().code() == ErrorCode::io);
    CHECK(files.open_append("/out/c.part").has_value());
    CHECK(files.open_append("/none/c.part").error().code() == ErrorCode::not_found);
    files.put("/out/there.mp4", "x");
    CHECK(publish("/out/b.part", "/out/there.mp4").error().code() == ErrorCode::conflict);
}

}  // namespace reeld::test
