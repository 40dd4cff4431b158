// The trail as a chain: written by every event, mended by nobody, whole across what was pruned.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "foreign.hpp"
#include "scratch.hpp"
#include "store/chain.hpp"
#include "store_sql.hpp"

using namespace reeld;
using namespace reeld::store;
using namespace reeld::store::testing;

namespace {

const std::string zeros(hash_bytes, '\0');

AuditEntry entry(const std::string& job, const std::string& event, const std::string& note = "") {
    AuditEntry entry;
    entry.job = JobId(job);
    entry.at = noon;
    entry.event = event;
    entry.note = note;
    entry.patch["state"] = "queued";
    if (event == "created") entry.patch["id"] = job;
    return entry;
}

std::int64_t append(Store& store, const std::string& job, const std::string& event) {
    return in(store, [&](Tx& tx) { return tx.append_event(entry(job, event)); });
}

ChainHead head_of(Store& store) {
    return in(store, [](Tx& tx) { return tx.chain_head(); });
}

std::vector<TrailLink> links(Store& store) {
    return in(store, [](Tx& tx) { return tx.links_after(0, 1000); });
}

// Follows the chain from its base; "" when it leads to the head with no gap, else what is wrong.
std::string follow(Store& store) {
    const ChainHead head = head_of(store);
    std::string hash = head.base_hash;
    std::int64_t id = head.base_id;
    for (const TrailLink& link : in(store, [&](Tx& tx) { return tx.links_after(id, 1000); })) {
        if (link.id != ++id) return "a gap before " + std::to_string(link.id);
        hash = next_hash(hash, link.digest);
        if (!link.pruned && link.hash != hash) return "no fit at " + std::to_string(link.id);
    }
    if (id != head.last_id || id != head.highest_id) return "ends at " + std::to_string(id);
    return hash == head.hash ? "" : "another head";
}

std::string big_endian(std::uint64_t value) {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
    return bytes;
}
std::string as_integer(std::int64_t value) {
    return "I" + big_endian(static_cast<std::uint64_t>(value));
}
std::string as_text(const std::string& text) { return "T" + big_endian(text.size()) + text; }

std::string sha256(const std::string& bytes) { return *from_hex(sha256_hex(bytes)); }

// reel.db as a reeld of schema 1 left it.
void make_schema_1(const std::string& path) {
    Foreign old(path);
    old.exec("PRAGMA journal_mode = WAL");
    old.exec(std::string(sql::migrations[0].text));
    old.exec("INSERT INTO jobs (id, model, content_hash, provider, state, created_at, due_at, input)"
             " VALUES ('a', 'm', 'h', 'fal', 'queued', 1, 2, '{}'),"
             "        ('b', 'm', 'h', 'fal', 'queued', 1, 2, '{}')");
    old.exec("INSERT INTO evidence (job_seq, attempt, kind, received_at, head, body)"
             " VALUES (1, 1, 'submit_answer', 5, '{\"status\":200}', x'ff00')");
    for (int number = 1; number <= 700; ++number) {
        const std::string n = std::to_string(number);
        old.exec("INSERT INTO events (job_seq, number, happened_at, event, to_state, note, evidence)"
                 " VALUES (1, " + n + ", 7, 'e', 'queued', 'note " + n + "', " +
                 (number % 100 == 0 ? "1" : "NULL") + ")");
    }
    old.exec("INSERT INTO events (job_seq, number, happened_at, event, to_state)"
             " VALUES (2, 1, 9, 'created', 'queued')");
}

}  // namespace

TEST_CASE("a new trail is chained from zero, and its head is known") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    CHECK(head_of(*store).hash == zeros);
    CHECK(follow(*store) == "");
    insert(*store, "a");
    insert(*store, "b");
    append(*store, "a", "created");
    append(*store, "b", "created");
    append(*store, "a", "admitted");
    CHECK(head_of(*store).last_id == 3);
    CHECK(follow(*store) == "");
    const auto trail = links(*store);
    REQUIRE(trail.size() == 3);
    CHECK(trail[2].job == JobId("a"));
    CHECK(trail[2].number == 2);
    CHECK(trail[2].hash == head_of(*store).hash);
    CHECK(trail[1].hash == next_hash(trail[0].hash, trail[1].digest));
}

TEST_CASE("a hash is made of exactly the bytes that the documentation names") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    Evidence proof;
    proof.job = JobId("a");
    proof.attempt = 2;
    proof.kind = EvidenceKind::submit_answer;
    proof.at = noon;
    proof.body = std::string("\xff\x00", 2);
    AuditEntry event = entry("a", "submit_accepted", "żółw");
    event.from = State::submitting;
    event.to = State::submitted;
    event.reason = Reason::interrupted;
    in(*store, [&](Tx& tx) {
        proof.id = tx.insert_evidence(proof);
        event.evidence = proof.id;
        tx.append_event(event);
    });
    const std::string at = as_integer(to_unix_ms(noon));
    const std::string evidence_hash =
        sha256("reeld evidence 1" + as_text("submit_answer") + as_text("a") + as_integer(2) + at +
               "N" + as_integer(0) + "B" + big_endian(2) + proof.body);
    const std::string digest =
        sha256("reeld event 1" + as_integer(1) + as_text("a") + as_integer(1) + at +
               as_text("submit_accepted") + as_text("submitting") + as_text("submitted") +
               as_text("interrupted") + as_text("żółw") + as_text(R"({"state":"queued"})") + "B" +
               big_endian(32) + evidence_hash);
    const auto trail = links(*store);
    REQUIRE(trail.size() == 1);
    CHECK(trail[0].evidence_hash == evidence_hash);
    CHECK(trail[0].evidence_now == evidence_hash);
    CHECK(trail[0].digest == digest);
    CHECK(trail[0].hash == sha256(zeros + digest));
}

TEST_CASE("what was rolled back leaves no gap in the ids and nothing in the chain") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    append(*store, "a", "created");
    const Status failed = store->transact([](Tx& tx) {
        tx.append_event(entry("a", "lost"));
        throw std::runtime_error("on purpose");
    });
    CHECK_FALSE(failed.has_value());
    CHECK(append(*store, "a", "kept") == 2);
    REQUIRE(store->commit());
    CHECK(follow(*store) == "");
    // A whole group that is given up.
    append(*store, "a", "forgotten");
    store = nullptr;
    store = open_store(scratch.file("reel.db"));
    CHECK(append(*store, "a", "again") == 3);
    CHECK(follow(*store) == "");
}

TEST_CASE("an event of an unknown piece of evidence is an error") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    AuditEntry event = entry("a", "created");
    event.evidence = 7;
    CHECK_FALSE(store->transact([&](Tx& tx) { return tx.append_event(event); }));
    CHECK(follow(*store) == "");
}

TEST_CASE("a database of schema 1 gets its hashes with the migration") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    make_schema_1(path);
    auto store = open_store(path);
    CHECK(follow(*store) == "");
    CHECK(head_of(*store).last_id == 701);
    const auto trail = links(*store);
    REQUIRE(trail.size() == 701);
    CHECK(trail[99].evidence_hash.size() == hash_bytes);
    CHECK(trail[99].evidence_hash == trail[99].evidence_now);
    CHECK(trail[98].evidence_hash.empty());
    CHECK(append(*store, "b", "admitted") == 702);
    CHECK(follow(*store) == "");
}

TEST_CASE("a migration that fails half way leaves the database of schema 1 as it was") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    make_schema_1(path);
    {
        Foreign old(path);
        old.exec("CREATE TRIGGER in_the_way BEFORE UPDATE ON events WHEN old.id = 650 BEGIN"
                 " SELECT RAISE(ABORT, 'on purpose'); END");
    }
    StoreConfig config;
    config.path = path;
    CHECK_FALSE(Store::open(config));
    Foreign old(path);
    CHECK(old.get("PRAGMA user_version") == "1");
    CHECK(old.get("SELECT count(*) FROM pragma_table_info('events') WHERE name = 'hash'") == "0");
    old.exec("DROP TRIGGER in_the_way");
    auto store = open_store(path);
    CHECK(follow(*store) == "");
}

TEST_CASE("an event may get its hash and lose its evidence, and nothing else") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    insert(*store, "a");
    in(*store, [](Tx& tx) {
        Evidence proof;
        proof.job = JobId("a");
        AuditEntry event = entry("a", "created");
        event.evidence = tx.insert_evidence(proof);
        tx.append_event(event);
    });
    REQUIRE(store->commit());
    Foreign shell(path);
    for (const char* change :
         {"note = 'forged'", "hash = zeroblob(32)", "hash = NULL", "evidence_hash = NULL",
          "evidence = NULL, note = 'forged'", "evidence = NULL, hash = zeroblob(32)", "number = 2",
          "patch = '{}'", "job_seq = 9", "id = 9", "happened_at = 0", "event = 'x'",
          "from_state = 'queued'", "to_state = 'held'", "reason = 'user'"}) {
        CAPTURE(change);
        CHECK_FALSE(shell.allowed(std::string("UPDATE events SET ") + change));
    }
    CHECK_FALSE(shell.allowed("DELETE FROM events"));
    CHECK_FALSE(shell.allowed("UPDATE evidence SET body = 'forged'"));
    CHECK(shell.allowed("UPDATE evidence SET processed = 1"));
    CHECK(shell.allowed("UPDATE events SET evidence = NULL"));
}

TEST_CASE("pruned events leave digests that keep the chain whole") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    for (const char* id : {"a", "b", "c"}) insert(*store, id);
    for (int round = 0; round < 3; ++round) {
        for (const char* id : {"a", "b", "c"}) append(*store, id, round == 0 ? "created" : "e");
    }
    const ChainHead before = head_of(*store);
    const auto prune = [&](const char* id) {
        return in(*store, [&](Tx& tx) { return tx.prune_events_of(JobId(id)); });
    };

    CHECK(prune("b") == 3);
    CHECK(follow(*store) == "");
    CHECK(head_of(*store).hash == before.hash);
    CHECK(head_of(*store).base_id == 0);
    CHECK(links(*store).size() == 9);
    CHECK(in(*store, [](Tx& tx) { return tx.events(JobId("b")); }).empty());

    CHECK(prune("a") == 3);
    CHECK(follow(*store) == "");
    CHECK(head_of(*store).base_id == 2);

    CHECK(append(*store, "c", "later") == 10);
    CHECK(prune("c") == 4);
    CHECK(follow(*store) == "");
    CHECK(head_of(*store).base_id == 10);
    CHECK(head_of(*store).base_hash == head_of(*store).hash);
    CHECK(append(*store, "a", "after") == 11);
    CHECK(follow(*store) == "");
    REQUIRE(store->commit());
    CHECK(Foreign(path).get("SELECT count(*) FROM pruned_events") == "0");
    CHECK(prune("nobody") == 0);
}

TEST_CASE("pages of links are whole whatever was pruned between them") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    for (const char* id : {"a", "b"}) insert(*store, id);
    for (int i = 0; i < 10; ++i) append(*store, i % 3 == 1 ? "b" : "a", "e");
    in(*store, [](Tx& tx) { tx.prune_events_of(JobId("b")); });
    std::vector<std::int64_t> ids;
    std::int64_t last = 0;
    while (true) {
        const auto page = in(*store, [&](Tx& tx) { return tx.links_after(last, 3); });
        if (page.empty()) break;
        CHECK(page.size() <= 3);
        for (const TrailLink& link : page) ids.push_back(link.id);
        last = page.back().id;
    }
    CHECK(ids == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("pruned evidence leaves its hash with the event") {
    Scratch scratch;
    auto store = open_store(scratch.file("reel.db"));
    insert(*store, "a");
    std::int64_t proof_id = 0;
    in(*store, [&](Tx& tx) {
        Evidence proof;
        proof.job = JobId("a");
        proof.body = "proof";
        AuditEntry event = entry("a", "created");
        proof_id = tx.insert_evidence(proof);
        event.evidence = proof_id;
        tx.append_event(event);
    });
    const auto before = links(*store);
    in(*store, [&](Tx& tx) { tx.prune_evidence(proof_id); });
    const auto after = links(*store);
    REQUIRE(after.size() == 1);
    CHECK_FALSE(after[0].evidence.has_value());
    CHECK(after[0].evidence_hash == before[0].evidence_hash);
    CHECK(after[0].digest == before[0].digest);
    CHECK(follow(*store) == "");
}

TEST_CASE("a head that was set back cannot stop the trail, and the gap stays to be seen") {
    Scratch scratch;
    const std::string path = scratch.file("reel.db");
    auto store = open_store(path);
    insert(*store, "a");
    for (int i = 0; i < 3; ++i) append(*store, "a", "e");
    REQUIRE(store->commit());
    Foreign(path).exec("UPDATE chain SET last_id = 1");
    CHECK(append(*store, "a", "goes on") == 4);
    CHECK(follow(*store) == "");  // the hash was still the newest one
    REQUIRE(store->commit());
    Foreign(path).exec("UPDATE chain SET hash = zeroblob(32)");
    CHECK(append(*store, "a", "goes on") == 5);
    CHECK(follow(*store) == "no fit at 5");
}
