#include <doctest/doctest.h>

#include "scratch.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

AuditEntry entry(const std::string& job, const std::string& event) {
    AuditEntry entry;
    entry.job = JobId(job);
    entry.at = noon;
    entry.event = event;
    entry.patch["state"] = "queued";
    return entry;
}

}  // namespace

TEST_CASE("events are numbered within their job and share one growing cursor") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    insert(*store, "b");
    in(*store, [](Tx& tx) {
        CHECK(tx.last_event_id() == 0);
        tx.append_event(entry("a", "created"));
        tx.append_event(entry("b", "created"));
        AuditEntry second = entry("a", "admitted");
        second.from = State::queued;
        second.to = State::submitting;
        second.reason = Reason::interrupted;
        second.note = "a note";
        tx.append_event(second);

        const auto trail = tx.events(JobId("a"));
        REQUIRE(trail.size() == 2);
        CHECK(trail[0].number == 1);
        CHECK_FALSE(trail[0].from.has_value());
        CHECK(trail[1].number == 2);
        CHECK(trail[1].from == State::queued);
        CHECK(trail[1].to == State::submitting);
        CHECK(trail[1].reason == Reason::interrupted);
        CHECK(trail[1].note == "a note");
        CHECK(trail[1].at == noon);
        CHECK(trail[1].patch == json::object{{"state", "queued"}});

        const auto page = tx.events_after(trail[0].id, 1);
        REQUIRE(page.size() == 1);
        CHECK(page[0].job == JobId("b"));
        CHECK(tx.last_event_id() == trail[1].id);
        CHECK(tx.events_after(trail[1].id, 10).empty());
    });
}

TEST_CASE("an event of an unknown job is an error and leaves nothing") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    CHECK_FALSE(store->transact([](Tx& tx) { return tx.append_event(entry("x", "created")); }));
    CHECK(*store->transact([](Tx& tx) { return tx.last_event_id(); }) == 0);
}

TEST_CASE("evidence comes back as it was, its body bounded") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    Evidence small;
    small.job = JobId("a");
    small.attempt = 2;
    small.kind = EvidenceKind::status_answer;
    small.at = noon;
    small.head = R"({"status":200})";
    small.body = std::string("\xff\x00raw", 5);
    Evidence large = small;
    large.body = std::string(evidence_body_bytes_max - 1, 'x') + "żółw";
    in(*store, [&](Tx& tx) {
        small.id = tx.insert_evidence(small);
        large.id = tx.insert_evidence(large);
        const auto kept = tx.evidence_of(JobId("a"));
        REQUIRE(kept.size() == 2);
        const Evidence* found = &kept[0];
        CHECK(found->id == small.id);
        CHECK(found->job == small.job);
        CHECK(found->attempt == 2);
        CHECK(found->kind == EvidenceKind::status_answer);
        CHECK(found->at == noon);
        CHECK(found->head == small.head);
        CHECK(found->body == small.body);
        CHECK_FALSE(found->clipped);
        const Evidence* clipped = &kept[1];
        CHECK(clipped->id == large.id);
        CHECK(clipped->clipped);
        CHECK(clipped->body == std::string(evidence_body_bytes_max - 1, 'x'));
        CHECK(tx.unprocessed_webhooks(10).empty());
    });
}

TEST_CASE("a webhook waits until it is marked as processed") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    in(*store, [](Tx& tx) {
        Evidence webhook;
        webhook.job = JobId("a");
        webhook.attempt = 1;
        const auto first = tx.insert_evidence(webhook);
        const auto second = tx.insert_evidence(webhook);
        webhook.job = JobId();
        tx.insert_evidence(webhook);
        CHECK(tx.count_webhooks(JobId("a"), 1) == 2);
        CHECK(tx.count_webhooks(JobId("a"), 2) == 0);
        tx.mark_processed(first);
        const auto waiting = tx.unprocessed_webhooks(10);
        REQUIRE(waiting.size() == 2);
        CHECK(waiting[0].id == second);
        CHECK(waiting[1].job.empty());
        CHECK(tx.count_webhooks(JobId("a"), 1) == 2);
    });
}

TEST_CASE("attempts come back as they were and are found by token and by request") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    Attempt first;
    first.job = JobId("a");
    first.provider = "fal";
    first.token = Token("t1");
    first.intent_at = noon;
    Attempt second = first;
    second.number = 2;
    second.token = Token("t2");
    in(*store, [&](Tx& tx) {
        tx.insert_attempt(first);
        tx.insert_attempt(second);
        first.outcome = "accepted";
        first.answered_at = noon + Millis(5);
        first.remote = domain::Remote{RequestId("r1"), "s", "", "c"};
        first.detail = "accepted at once";
        tx.update_attempt(first);
        CHECK(tx.attempts(JobId("a")) == std::vector{first, second});
        CHECK(tx.find_attempt(JobId("a"), 2) == second);
        CHECK(tx.find_attempt_by_token(Token("t1")) == first);
        CHECK(tx.find_attempt_by_request("fal", RequestId("r1")) == first);
        CHECK_FALSE(tx.find_attempt_by_request("eachlabs", RequestId("r1")));
        CHECK_FALSE(tx.find_attempt_by_token(Token("t3")));
    });
    Attempt twin = second;
    twin.number = 3;
    CHECK_FALSE(store->transact([&](Tx& tx) { tx.insert_attempt(twin); }));
    twin.token = Token("t4");
    twin.job = JobId("nobody");
    CHECK_FALSE(store->transact([&](Tx& tx) { tx.insert_attempt(twin); }));
    CHECK_FALSE(store->transact([&](Tx& tx) { tx.update_attempt(twin); }));
}

TEST_CASE("a provider's state is fresh when unknown and survives as written") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    ProviderState state;
    state.name = "fal";
    in(*store, [&](Tx& tx) {
        CHECK(tx.provider_state("fal") == state);
        state.paused = Reason::account;
        state.paused_message = "out of balance";
        state.paused_at = noon;
        state.probe_at = noon + Millis(1);
        state.probe_failures = 3;
        state.limited_until = noon + Millis(2);
        state.next_submit_at = noon + Millis(3);
        state.slow_downs = 4;
        state.user_id = "github|1";
        tx.save_provider_state(state);
        CHECK(tx.provider_state("fal") == state);
        state = ProviderState{};
        state.name = "fal";
        tx.save_provider_state(state);
        CHECK(tx.provider_state("fal") == state);
    });
}
