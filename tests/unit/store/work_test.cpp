#include <doctest/doctest.h>

#include <algorithm>
#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

std::vector<std::string> ids(const std::vector<Job>& jobs) {
    std::vector<std::string> names;
    for (const Job& job : jobs) names.push_back(job.request.id.str());
    return names;
}

using Names = std::vector<std::string>;

Names list(Store& store, const JobFilter& filter) {
    return ids(in(store, [&](Tx& tx) { return tx.list_jobs(filter); }));
}

void insert_due(Store& store, const std::string& id, Instant due,
                State state = State::queued) {
    Job job = make_job(id, state);
    job.due_at = due;
    insert(store, job);
}

}  // namespace

TEST_CASE("due jobs are those whose time has come, the longest overdue first") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    CHECK_FALSE(in(*store, [](Tx& tx) { return tx.next_due(); }).has_value());
    insert_due(*store, "later", noon + Millis(1));
    insert_due(*store, "now", noon);
    insert_due(*store, "before", noon - Millis(1), State::running);
    insert_due(*store, "ended", noon - Millis(9), State::failed);
    CHECK(in(*store, [](Tx& tx) { return tx.next_due(); }) == noon - Millis(1));
    CHECK(ids(in(*store, [](Tx& tx) { return tx.due_jobs(noon, 10); })) ==
          Names{"before", "now"});
    CHECK(ids(in(*store, [](Tx& tx) { return tx.due_jobs(noon, 1); })) == Names{"before"});
}

TEST_CASE("queued jobs come by priority, then by age, for one provider") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    const auto add = [&](const char* id, std::int64_t priority, const char* provider) {
        Job job = make_job(id);
        job.request.priority = priority;
        job.provider = provider;
        insert(*store, job);
    };
    add("low", -1, "fal");
    add("first", 0, "fal");
    add("second", 0, "fal");
    add("high", 5, "fal");
    add("other", 9, "eachlabs");
    insert(*store, "held", State::held);
    CHECK(ids(in(*store, [](Tx& tx) { return tx.queued_jobs("fal", 10); })) ==
          Names{"high", "first", "second", "low"});
    CHECK(ids(in(*store, [](Tx& tx) { return tx.queued_jobs("fal", 2); })) ==
          Names{"high", "first"});
    CHECK(in(*store, [](Tx& tx) { return tx.count_queued("fal"); }) == 4);
}

TEST_CASE("counts follow every change of state") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    Job a = insert(*store, "a");
    insert(*store, "b");
    for (const State state : {State::submitting, State::submit_unknown, State::submitted,
                              State::running}) {
        a.state = state;
        REQUIRE(in(*store, [&](Tx& tx) { return tx.update_job(a); }));
        CHECK(in(*store, [](Tx& tx) { return tx.count_in_hand("fal"); }) == 1);
        CHECK(in(*store, [](Tx& tx) { return tx.count_by_state(); }) ==
              std::map<State, std::int64_t>{{state, 1}, {State::queued, 1}});
    }
    a.state = State::fetching;
    REQUIRE(in(*store, [&](Tx& tx) { return tx.update_job(a); }));
    CHECK(in(*store, [](Tx& tx) { return tx.count_in_hand("fal"); }) == 0);
    CHECK(in(*store, [](Tx& tx) { return tx.count_in_hand("eachlabs"); }) == 0);
}

TEST_CASE("held jobs are found by their provider and reason, none included") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    const auto add = [&](const char* id, Reason reason) {
        Job job = make_job(id, State::held);
        job.reason = reason;
        insert(*store, job);
    };
    add("locked", Reason::account);
    add("user", Reason::user);
    add("plain", Reason::none);
    const auto held = [&](Reason reason) {
        return ids(in(*store, [&](Tx& tx) { return tx.held_jobs("fal", reason, 10); }));
    };
    CHECK(held(Reason::account) == Names{"locked"});
    CHECK(held(Reason::none) == Names{"plain"});
    CHECK(held(Reason::budget).empty());
    CHECK(ids(in(*store, [](Tx& tx) { return tx.jobs_in_state(State::held, 2); })) ==
          Names{"locked", "user"});
}

TEST_CASE("a listing honours every filter, alone and together, newest first") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    std::vector<Job> all;
    for (int i = 0; i < 240; ++i) {
        Job job = make_job("j" + std::to_string(i % 7) + "-" + std::to_string(i),
                           domain::all_states[static_cast<std::size_t>(i) % 12]);
        if (i % 3 != 0) job.request.batch = i % 3 == 1 ? "night" : "day";
        job.request.model = i % 5 == 0 ? "m1" : "m2";
        if (i % 2 == 0) job.request.labels["scene"] = std::to_string(i % 4);
        if (i % 4 == 0) job.request.labels["take"] = "1";
        all.push_back(insert(*store, job));
    }
    const auto expected = [&](const JobFilter& f) {
        Names names;
        for (auto job = all.rbegin(); job != all.rend(); ++job) {
            const auto& r = job->request;
            bool match = f.states.empty() || std::count(f.states.begin(), f.states.end(),
                                                        job->state) > 0;
            match = match && (f.batch.empty() || r.batch == f.batch);
            match = match && (f.model.empty() || r.model == f.model);
            match = match && r.id.str().starts_with(f.id_prefix);
            match = match && (f.before_seq == 0 || job->seq < f.before_seq);
            for (const auto& [key, value] : f.labels) {
                const auto found = r.labels.find(key);
                match = match && found != r.labels.end() && found->second == value;
            }
            if (match && static_cast<int>(names.size()) < f.limit) names.push_back(r.id.str());
        }
        return names;
    };
    for (int mask = 0; mask < 128; ++mask) {
        JobFilter filter;
        if (mask & 1) filter.states = {State::failed, State::queued, State::failed};
        if (mask & 2) filter.batch = "night";
        if (mask & 4) filter.model = "m1";
        if (mask & 8) filter.id_prefix = "j1";
        if (mask & 16) filter.labels["scene"] = "0";
        if (mask & 32) filter.labels["take"] = "1";
        if (mask & 64) filter.before_seq = all[170].seq;
        for (const int limit : {0, 3, 500}) {
            filter.limit = limit;
            CAPTURE(mask);
            CAPTURE(limit);
            REQUIRE(list(*store, filter) == expected(filter));
        }
    }
}

TEST_CASE("ids are found by their beginning, taken literally") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    for (const char* id : {"ab", "ab_c", "abc", "b", "AB"}) insert(*store, id);
    const auto find_all = [&](std::string prefix, int limit) {
        Names names;
        for (const JobId& id :
             in(*store, [&](Tx& tx) { return tx.find_ids(prefix, limit); })) {
            names.push_back(id.str());
        }
        return names;
    };
    CHECK(find_all("ab", 10) == Names{"ab", "ab_c", "abc"});
    CHECK(find_all("ab", 2).size() == 2);
    CHECK(find_all("ab_", 10) == Names{"ab_c"});
    CHECK(find_all("%", 10).empty());
    CHECK(find_all("", 10).size() == 5);
}
