#include "engine/group_commit.hpp"

#include "engine/slots.hpp"
#include "unit/engine/fixture.hpp"

using namespace reeld;
using namespace reeld::test;

namespace {

runtime::awaitable<bool> wait_durable(engine::GroupCommit& commit) {
    const Status status = co_await commit.durable();
    co_return status.has_value();
}

runtime::awaitable<void> only_wait(engine::GroupCommit& commit) {
    const Status status = co_await commit.durable();
    if (!status) co_return;
}

runtime::awaitable<void> hold_place(engine::Slots& slots, runtime::Clock& clock, int name,
                                    std::vector<int>& order) {
    const engine::Slots::Place place = co_await slots.take();
    order.push_back(name);
    co_await clock.sleep_for(Millis{100});
}

struct Writing : Room {
    Writing() { open(); }
    void write(const std::string& id) {
        Job job = domain::first_row(request(id), "fal", clock.now());
        REQUIRE(life->store->transact([&](store::Tx& tx) { tx.insert_job(job); }).has_value());
    }
    engine::GroupCommit& commit() {
        if (!commit_) {
            commit_ = std::make_unique<engine::GroupCommit>(loop.get_executor(), *life->store);
        }
        return *commit_;
    }
    std::unique_ptr<engine::GroupCommit> commit_;
};

}  // namespace

TEST_CASE("many who wait share one commit, and it is durable when they go on") {
    Writing room;
    std::vector<Started<bool>> waiting;
    for (int i = 0; i < 20; ++i) {
        room.write(fmt::format("j-{}", i));
        waiting.emplace_back(room.loop, wait_durable(room.commit()));
    }
    settle(room.loop);
    for (const auto& one : waiting) CHECK(one.get());
    CHECK(room.commit().commits() == 1);
    CHECK(Foreign(room.database(), false).ask("SELECT count(*) FROM jobs") == "20");
    const Started<bool> idle(room.loop, wait_durable(room.commit()));
    settle(room.loop);
    CHECK(idle.get());
    CHECK(room.commit().commits() == 1);
}

TEST_CASE("a commit that fails is told to all who wait, and keeps nothing") {
    Writing room;
    Foreign(room.database())
        .exec("CREATE TABLE parent (id INTEGER PRIMARY KEY);"
              "CREATE TABLE child (p INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);"
              "CREATE TRIGGER late AFTER INSERT ON jobs WHEN new.id = 'bad' "
              "BEGIN INSERT INTO child VALUES (1); END");
    room.write("good");
    const Started<bool> first(room.loop, wait_durable(room.commit()));
    room.write("bad");
    const Started<bool> second(room.loop, wait_durable(room.commit()));
    settle(room.loop);
    CHECK_FALSE(first.get());
    CHECK_FALSE(second.get());
    CHECK(room.commit().failing());
    CHECK(Foreign(room.database(), false).ask("SELECT count(*) FROM jobs") == "0");
    room.write("again");
    const Started<bool> third(room.loop, wait_durable(room.commit()));
    settle(room.loop);
    CHECK(third.get());
    CHECK_FALSE(room.commit().failing());
}

TEST_CASE("a wait that is cancelled ends") {
    Writing room;
    room.write("a");
    room.life->tasks.spawn("waits", only_wait(room.commit()));
    room.loop.restart();
    room.loop.poll_one();
    room.life->tasks.stop();
    settle(room.loop);
    CHECK(room.life->tasks.size() == 0);
}

TEST_CASE("places are handed out in the order of asking, also to those who come at the wrong moment") {
    Room room;
    room.open();
    engine::Slots slots(room.loop.get_executor(), 1);
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
        room.life->tasks.spawn("holds", hold_place(slots, room.clock, i, order));
    }
    settle(room.loop);
    // The place is free and the next in line is told so, but another one is faster.
    room.clock.advance(Millis{100});
    for (int i = 3; i < 6; ++i) {
        room.life->tasks.spawn("holds", hold_place(slots, room.clock, i, order));
    }
    room.pass(Millis{2'000});
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
    CHECK(slots.used() == 0);
}

TEST_CASE("more places let the waiting in at once") {
    Room room;
    room.open();
    engine::Slots slots(room.loop.get_executor(), 1);
    std::vector<int> order;
    for (int i = 0; i < 4; ++i) {
        room.life->tasks.spawn("holds", hold_place(slots, room.clock, i, order));
    }
    settle(room.loop);
    CHECK(order.size() == 1);
    slots.resize(3);
    settle(room.loop);
    CHECK(order.size() == 3);
    room.pass(Millis{1'000});
    CHECK(slots.used() == 0);
}
