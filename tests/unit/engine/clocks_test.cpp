// Goal: a wait keeps its length and a time that a person gave keeps its meaning, whatever is done to
// the wall clock and whatever the job waits for just then. Method: every kind of wait is begun, the
// clock is set in the middle, and the time that really passes is measured, with and without a system
// that tells of the change.
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Millis day = hours{24};
constexpr Millis ten_years = hours{24 * 3652};

struct Set {
    Millis by;
    bool is_told;
};

const std::vector<Set>& sets() {
    static const std::vector<Set> all{
        {Millis{0}, true}, {seconds{1}, true}, {-seconds{1}, true},  {day, true},
        {day, false},      {-day, true},       {-day, false},        {ten_years, true},
        {hours{1}, false}, {-hours{1}, true},  {-ten_years, false},  {seconds{-30}, true}};
    return all;
}

// One kind of wait: begun in a fresh room, it ends by itself after `at_least` and within `at_most`.
struct Wait {
    std::string name;
    std::function<void(Room&)> prepare;
    std::function<bool(Room&)> begun;
    std::function<bool(Room&)> ended;
    Millis at_least;
    Millis at_most;
};

Exchange refused(int status, int retry_after) {
    // A 503 of the front proxy proves that nothing was made.
    Exchange exchange = answered(status, status == 503 ? "<html>nginx</html>" : "{}");
    if (status == 503) exchange.response.headers.set("Content-Type", "text/html");
    exchange.response.headers.add("Retry-After", std::to_string(retry_after));
    return exchange;
}

// `first`, then what the provider says on a good day.
void once(Room& room, const std::string& call, Exchange first) {
    const auto usual = room.client.answer[call];
    auto left = std::make_shared<int>(1);
    room.client.answer[call] = [=](const HttpRequest& request) {
        return (*left)-- > 0 ? first : usual(request);
    };
}

bool asked_twice(Room& room) { return room.client.count["submit"] == 2; }

std::vector<Wait> waits() {
    std::vector<Wait> all;
    all.push_back({"queued behind the provider's Retry-After",
                   [](Room& room) { once(room, "submit", refused(429, 600)); },
                   [](Room& room) { return room.is("a", State::queued) &&
                                           room.client.count["submit"] == 1; },
                   asked_twice, seconds{595}, seconds{700}});
    all.push_back({"scheduled for another try",
                   [](Room& room) { once(room, "submit", refused(503, 600)); },
                   [](Room& room) { return room.is("a", State::scheduled); },
                   asked_twice, seconds{595}, seconds{700}});
    all.push_back({"unknown, to be submitted again",
                   [](Room& room) {
                       room.policy().resubmit_unknown = true;
                       once(room, "submit", broken(Delivery::maybe_sent, ErrorCode::timeout));
                   },
                   [](Room& room) { return room.is("a", State::submit_unknown); },
                   // A clock that was set since the submit leaves it to a person.
                   [](Room& room) { return asked_twice(room) || room.is("a", State::held); },
                   seconds{895}, seconds{1300}});
    all.push_back({"unknown, to be decided by a person",
                   [](Room& room) {
                       once(room, "submit", broken(Delivery::maybe_sent, ErrorCode::timeout));
                   },
                   [](Room& room) { return room.is("a", State::submit_unknown); },
                   [](Room& room) { return room.is("a", State::held); },
                   seconds{895}, seconds{1300}});
    all.push_back({"held undecided, and searched for",
                   [](Room& room) {
                       room.policy().submit_unknown_wait = minutes{1};
                       once(room, "submit", broken(Delivery::maybe_sent, ErrorCode::timeout));
                   },
                   [](Room& room) {
                       if (!room.is("a", State::held)) return false;
                       room.client.count["history"] = 0;
                       return true;
                   },
                   [](Room& room) { return room.client.count["history"] > 0; },
                   minutes{58}, minutes{63}});
    all.push_back({"at the provider, polled",
                   [](Room& room) { room.policy().webhook = false; },
                   [](Room& room) {
                       if (!room.is("a", State::submitted)) return false;
                       room.client.count["status"] = 0;
                       return true;
                   },
                   [](Room& room) { return room.client.count["status"] > 0; },
                   seconds{0}, seconds{50}});
    all.push_back({"fetching again later",
                   [](Room& room) {
                       once(room, "file", refused(503, 600));
                       room.client.answer["status"] = [](const HttpRequest&) {
                           return answered(200, R"({"status":"COMPLETED"})");
                       };
                   },
                   [](Room& room) {
                       return room.is("a", State::fetching) && room.job("a").fetch_failures == 1;
                   },
                   [](Room& room) { return room.is("a", State::completed); },
                   seconds{595}, seconds{700}});
    all.push_back({"held until the account is tried again",
                   [](Room& room) {
                       once(room, "submit", answered(403, R"({"detail":"User is locked."})"));
                   },
                   [](Room& room) { return room.is("a", State::held); },
                   asked_twice, seconds{55}, seconds{130}});
    all.push_back({"submitting, the answer on its way",
                   [](Room& room) { room.client.delay["submit"] = seconds{25}; },
                   [](Room& room) { return room.is("a", State::submitting) &&
                                           room.client.count["submit"] == 1; },
                   [](Room& room) { return room.is("a", State::submitted); },
                   seconds{20}, seconds{30}});
    return all;
}

void measure(const Wait& wait, const Set& set) {
    Room room;
    room.clock.tell_changes(set.is_told);
    wait.prepare(room);
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return wait.begun(room); }, hours{1}));
    const Millis begun = room.clock.monotonic();
    // In the middle of an operation as likely as in the middle of a wait.
    room.pass(Millis{3});
    room.clock.jump(set.by);
    REQUIRE(room.until([&] { return wait.ended(room); }, hours{48}));
    const Millis lasted = room.clock.monotonic() - begun;
    CHECK(lasted >= wait.at_least);
    CHECK(lasted <= wait.at_most);
    CHECK(room.client.count["submit"] <= 2);
    CHECK(room.failure.empty());
}

}  // namespace

TEST_CASE("whatever a job waits for, a clock that is set makes the wait neither shorter nor longer") {
    for (const Wait& wait : waits()) {
        for (const Set& set : sets()) {
            CAPTURE(wait.name);
            CAPTURE(set.by.count());
            CAPTURE(set.is_told);
            measure(wait, set);
        }
    }
}

TEST_CASE("not_before and deadline mean the clock on the wall, also when it is set") {
    for (const Millis by : {hours{1}, -hours{1}, hours{24}, -hours{24}}) {
        CAPTURE(by.count());
        Room room;
        room.start();
        const Instant from = room.clock.now() + hours{2};
        const Instant until = room.clock.now() + hours{3};
        REQUIRE(room.submit("from", {{"not_before", to_rfc3339(from)}}));
        REQUIRE(room.submit("until", {{"not_before", to_rfc3339(until - minutes{1})},
                                      {"deadline", to_rfc3339(until)}}));
        REQUIRE(room.act("until", engine::Action::hold));
        room.pass(minutes{1});
        room.clock.jump(by);
        REQUIRE(room.until([&] { return room.is("from", State::submitted); }, hours{48}));
        CHECK(room.clock.now() >= from - seconds{1});
        CHECK(room.clock.now() <= std::max(from, from + by - hours{2}) + minutes{2});
        REQUIRE(room.until([&] { return room.is("until", State::failed); }, hours{48}));
        CHECK(room.clock.now() >= until - seconds{1});
        CHECK(room.job("until").reason == Reason::deadline);
        CHECK(room.client.count["submit"] == 1);
    }
}

TEST_CASE("a deadline that a clock set forward has passed is met at once, one set back later") {
    Room room;
    room.client.answer["submit"] = [](const HttpRequest&) { return refused(503, 3'000); };
    room.start();
    const Instant until = room.clock.now() + hours{1};
    REQUIRE(room.submit("a", {{"deadline", to_rfc3339(until)}}));
    REQUIRE(room.until([&] { return room.is("a", State::scheduled); }));
    room.clock.jump(hours{2});
    CHECK(room.until([&] { return room.is("a", State::failed); }, minutes{1}));
}

TEST_CASE("a set clock is written down, and the numbers of the trail go on") {
    Room room;
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    room.clock.jump(-day);
    REQUIRE(room.act("a", engine::Action::cancel));
    settle(room.loop);
    const engine::EngineStatus status = room.engine().status();
    REQUIRE(status.clock_set.has_value());
    CHECK(status.clock_set->by == -day);
    CHECK(room.engine().counters()["clock_changes"][""] == 1);
    // The time since the start does not depend on the clock.
    CHECK(status.now - status.started_at < minutes{10});
    CHECK(status.now - status.started_at >= Millis{0});
    const auto trail = room.events("a");
    for (std::size_t i = 0; i < trail.size(); ++i) {
        CHECK(trail[i].number == static_cast<std::int64_t>(i) + 1);
    }
    CHECK(trail.back().at < trail.front().at);
}

TEST_CASE("a set clock that cannot be written down moves everything once, later") {
    Room room;
    once(room, "submit", refused(429, 600));
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.client.count["submit"] == 1 &&
                                    room.is("a", State::queued); }));
    const Millis begun = room.clock.monotonic();
    auto blocker = std::make_unique<Foreign>(room.database());
    blocker->exec("BEGIN IMMEDIATE");
    room.clock.jump(day);
    room.pass(minutes{2});
    blocker.reset();
    REQUIRE(room.until([&] { return asked_twice(room); }, hours{1}));
    CHECK(room.clock.monotonic() - begun >= seconds{595});
    CHECK(room.clock.monotonic() - begun <= seconds{700});
}

TEST_CASE("a webhook is as fresh as the provider's clock says, when ours is known to be wrong") {
    Room room;
    room.clock.jump(hours{5});
    room.client.clock_ahead = hours{5};
    room.start();
    REQUIRE(room.submit("a"));
    REQUIRE(room.until([&] { return room.is("a", State::submitted); }));
    Delivered sent;
    sent.age = hours{5};  // by our clock
    CHECK(room.deliver("a", sent) == 200);
    CHECK(room.is("a", State::fetching));
    const auto ahead = room.engine().status().providers.front().clock_ahead;
    REQUIRE(ahead.has_value());
    CHECK(*ahead > hours{5} - minutes{1});
}

TEST_CASE("an unknown submit is found in the history by the provider's time, not by ours") {
    for (const Millis later : {Millis{0}, Millis{-hours{24}}}) {
        CAPTURE(later.count());
        Room room;
        room.policy().resubmit_unknown = true;
        // The clock is a day ahead when the submit leaves; sometimes it is set right meanwhile.
        room.clock.jump(day);
        Instant accepted{};
        room.client.clock_ahead = day;
        room.client.answer["submit"] = [&](const HttpRequest&) {
            accepted = room.clock.true_now();
            return broken(Delivery::maybe_sent, ErrorCode::timeout);
        };
        room.client.answer["history"] = [&](const HttpRequest&) {
            return answered(
                200, fmt::format(R"({{"items":[{{"request_id":"r-1","sent_at":"{}",)"
                                 R"("json_input":{{"prompt":"waves of a"}}}}],"has_more":false}})",
                                 to_rfc3339(accepted)));
        };
        room.client.answer["key check"] = [&](const HttpRequest&) {
            return broken(Delivery::not_sent, ErrorCode::unreachable);
        };
        room.start();
        REQUIRE(room.submit("a"));
        REQUIRE(room.until([&] { return room.is("a", State::submit_unknown); }));
        room.clock.jump(later);
        *room.client.clock_ahead += later;
        REQUIRE(room.until([&] { return !room.is("a", State::submit_unknown); }, hours{2}));
        // Nobody knows when it was sent once the clock was set: a person decides.
        CHECK(room.is("a", later == Millis{0} ? State::submitted : State::held));
        CHECK(room.client.count["submit"] == 1);
    }
}

TEST_CASE("a night's sleep ends the waits, except the one for a submit's evidence") {
    for (const bool is_told : {true, false}) {
        CAPTURE(is_told);
        Room room;
        room.clock.tell_changes(is_told);
        room.policy().resubmit_unknown = true;
        room.start();
        REQUIRE(room.submit("polled"));
        REQUIRE(room.until([&] { return room.is("polled", State::submitted); }));
        once(room, "submit", broken(Delivery::maybe_sent, ErrorCode::timeout));
        REQUIRE(room.submit("unknown"));
        REQUIRE(room.until([&] { return room.is("unknown", State::submit_unknown); }));
        room.pass(minutes{3});
        const int polls = room.client.count["status"];
        const int submits = room.client.count["submit"];
        room.clock.suspend(hours{8});
        room.pass(is_told ? Millis{100} : Millis{31'000});
        CHECK(room.client.count["status"] > polls);
        room.pass(minutes{9});
        CHECK(room.is("unknown", State::submit_unknown));
        CHECK(room.client.count["submit"] == submits);
        const engine::EngineStatus status = room.engine().status();
        CHECK_FALSE(status.clock_set.has_value());
        REQUIRE(status.clock_slept.has_value());
        CHECK(status.clock_slept->by == hours{8});
        CHECK(room.until([&] { return room.is("unknown", State::held); }, minutes{10}));
        CHECK(room.client.count["submit"] == submits);
    }
}

TEST_CASE("a deadline and a start that passed in the sleep are met at once") {
    Room room;
    room.start();
    REQUIRE(room.submit("from", {{"not_before", to_rfc3339(room.clock.now() + hours{2})}}));
    REQUIRE(room.submit("until", {{"not_before", to_rfc3339(room.clock.now() + hours{2})},
                                  {"deadline", to_rfc3339(room.clock.now() + hours{3})}}));
    REQUIRE(room.act("until", engine::Action::hold));
    room.pass(minutes{1});
    room.clock.suspend(hours{8});
    room.pass(seconds{1});
    CHECK(room.is("from", State::submitted));
    CHECK(room.is("until", State::failed));
}

TEST_CASE("a clock set back while the daemon was down makes no wait a day longer") {
    Room room;
    room.policy().webhook = false;
    once(room, "submit", refused(429, 600));
    room.start();
    REQUIRE(room.submit("limited"));
    REQUIRE(room.until([&] { return room.client.count["submit"] == 1 &&
                                    room.is("limited", State::queued); }));
    room.end();
    room.clock.jump(-day);
    room.start();
    CHECK(room.until([&] { return room.is("limited", State::submitted); }, minutes{62}));
    room.end();
    room.clock.jump(-day);
    room.client.count["status"] = 0;
    room.start();
    CHECK(room.until([&] { return room.client.count["status"] > 0; }, minutes{1}));
    once(room, "submit", broken(Delivery::maybe_sent, ErrorCode::timeout));
    REQUIRE(room.submit("unknown"));
    REQUIRE(room.until([&] { return room.is("unknown", State::submit_unknown); }));
    room.pass(minutes{8});
    room.end();
    room.clock.jump(-day);
    room.start();
    CHECK(room.until([&] { return room.is("unknown", State::held); }, minutes{22}));
}
