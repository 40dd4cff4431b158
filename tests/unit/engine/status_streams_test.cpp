// A stream tells what polls would have told, only sooner, and may fail in every way.
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

bool is_stream(const HttpRequest& request) {
    return request.url.find("/status/stream") != std::string::npos;
}

Exchange events(const std::string& text) {
    Exchange exchange = answered(200, text);
    exchange.response.headers.set("Content-Type", "text/event-stream; charset=utf-8");
    return exchange;
}

std::string running(int step) {
    return fmt::format(R"(data: {{"status":"IN_PROGRESS","logs":[{{"message":"step {}"}}]}})"
                       "\n\n",
                       step);
}
const std::string over = "data: {\"status\":\"COMPLETED\",\"logs\":[]}\n\n";

// A provider that polls learn little from: a request runs until a stream has told its end.
struct Line {
    explicit Line(Room& in, int places = 8) : room(in) {
        room.config.providers.at("fal").status_streams = places;
        room.policy().poll_interval = room.policy().poll_interval_max = std::chrono::hours{1};
        room.client.answer["status"] = [this](const HttpRequest& request) {
            if (!is_stream(request)) {
                ++polls;
                return answered(200, polled);
            }
            ++streams;
            return streamed;
        };
    }
    Room& room;
    std::string polled = R"({"status":"IN_PROGRESS"})";
    Exchange streamed = events(running(1));
    int polls = 0;
    int streams = 0;
};

std::vector<std::string> logs(Room& room, const std::string& id) {
    std::vector<std::string> messages;
    for (const auto& log : room.read([&](store::Tx& tx) { return tx.logs(JobId(id)); })) {
        messages.push_back(log.line.message);
    }
    return messages;
}
using Messages = std::vector<std::string>;

constexpr Millis soon = std::chrono::minutes{1};

}  // namespace

TEST_CASE("a job is followed to its end by a stream, without a poll") {
    Room room;
    Line line(room);
    line.streamed = events(running(1) + ": keepalive\n\n" + running(2) + over);
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }, soon));
    CHECK(line.polls == 0);
    CHECK(line.streams == 1);
    CHECK(logs(room, "a") == Messages{"step 1", "step 2"});
    CHECK(room.client.count["submit"] == 1);
}

TEST_CASE("the first lines of a log leave one note in the trail") {
    Room room;
    Line line(room);
    line.streamed = events(running(1) + running(2) + running(3) + over);
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::completed); }, soon));
    CHECK(room.count_events("a", "log_begins") == 1);
    CHECK(room.last_note("a", "log_begins") == "the provider's log begins: step 1");
}

TEST_CASE("a stream that ends early means: poll at once, and listen again later") {
    Room room;
    Line line(room);
    line.streamed = events(running(1));
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return line.polls == 1; }, soon));
    CHECK(room.is("a", State::running));
    CHECK(line.streams == 1);
    line.streamed = events(running(1) + running(2) + over);
    REQUIRE(room.until([&] { return room.is("a", State::completed); }, soon));
    CHECK(line.streams == 2);
    CHECK(logs(room, "a") == Messages{"step 1", "step 2"});
}

TEST_CASE("refused, garbled and broken streams leave the job to its polls, and become rarer") {
    Room room;
    Line line(room);
    SUBCASE("refused") { line.streamed = answered(503, "<html>"); }
    SUBCASE("no stream") { line.streamed = answered(200, R"({"status":"COMPLETED"})"); }
    SUBCASE("garbled") { line.streamed = events("data: {\"status\":\n\ndata: 7\n\n\xff\n"); }
    SUBCASE("unreachable") { line.streamed = broken(Delivery::not_sent, ErrorCode::unreachable); }
    SUBCASE("without an end") { line.streamed = events("data: " + std::string(2 << 20, 'x')); }
    room.start();
    REQUIRE(room.submit("a"));
    room.pass(std::chrono::hours{1});
    CHECK(room.is("a", State::running));
    CHECK(line.streams >= 5);
    CHECK(line.streams <= 20);
    CHECK(room.failure.empty());
    line.polled = R"({"status":"COMPLETED"})";
    REQUIRE(room.until([&] { return room.is("a", State::completed); }));
}

TEST_CASE("a queue position is told as it changes") {
    Room room;
    Line line(room);
    line.polled = R"({"status":"IN_QUEUE","queue_position":7})";
    line.streamed = events("data: {\"status\":\"IN_QUEUE\",\"queue_position\":7}\n\n");
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.job("a").queue_position == 7; }, soon));
    CHECK(room.is("a", State::submitted));
}

TEST_CASE("no more streams are open than the configuration allows, and none with 0") {
    Room room;
    int most = 0;
    int wanted = 0;
    SUBCASE("two") { wanted = 2; }
    SUBCASE("none") {}
    Line line(room, wanted);
    room.client.delay["status"] = Millis{30'000};
    int open = 0;
    room.client.answer["status"] = [&](const HttpRequest& request) {
        if (is_stream(request)) ++open;
        most = std::max(most, open);
        return is_stream(request) ? events(over) : answered(200, line.polled);
    };
    room.start();
    room.submit_many("j", 4);
    room.pass(Millis{20'000});
    CHECK(most == wanted);
}

TEST_CASE("open streams do not hold up a stop") {
    Room room;
    Line line(room);
    room.client.delay["status"] = std::chrono::hours{1};
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return line.streams == 1; }, soon));
    const Millis before = room.clock.monotonic();
    room.stop();
    CHECK(room.clock.monotonic() - before < Millis{5'000});
    CHECK(room.failure.empty());
}

TEST_CASE("polls bring the log where no stream is open, each line once") {
    Room room;
    Line line(room, 0);
    room.policy().poll_interval = room.policy().poll_interval_max = Millis{1'000};
    line.polled = R"({"status":"IN_PROGRESS","logs":[{"message":"a"},{"message":"b"}]})";
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return line.polls == 5; }));
    room.pass(Millis{100});
    CHECK(logs(room, "a") == Messages{"a", "b"});
    line.polled = R"({"status":"IN_PROGRESS","logs":[{"message":"b"},{"message":"c"}]})";
    REQUIRE(room.until([&] { return logs(room, "a").size() == 3; }));
    CHECK(logs(room, "a") == Messages{"a", "b", "c"});
}
