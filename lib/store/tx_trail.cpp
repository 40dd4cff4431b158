// The append-only trail and the evidence behind it.
#include <boost/json/serialize.hpp>

#include <array>
#include <stdexcept>
#include <utility>

#include "base/encoding.hpp"
#include "store/chain.hpp"
#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/sqlite_error.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr std::array<std::pair<EvidenceKind, std::string_view>, 9> kind_names{{
    {EvidenceKind::submit_request, "submit_request"},
    {EvidenceKind::submit_answer, "submit_answer"},
    {EvidenceKind::status_answer, "status_answer"},
    {EvidenceKind::result_answer, "result_answer"},
    {EvidenceKind::cancel_answer, "cancel_answer"},
    {EvidenceKind::history_answer, "history_answer"},
    {EvidenceKind::media_answer, "media_answer"},
    {EvidenceKind::webhook, "webhook"},
    {EvidenceKind::person, "person"},
}};

EvidenceKind kind_of(const std::string& text) {
    for (const auto& [kind, name] : kind_names) {
        if (name == text) return kind;
    }
    throw CorruptRow("unknown kind of evidence '" + text + "'");
}

AuditEntry read_event(const Query& row) {
    AuditEntry entry;
    entry.id = row.integer("id");
    entry.job = JobId(row.text("job"));
    entry.number = row.integer("number");
    entry.at = row.time("happened_at");
    entry.event = row.text("event");
    if (const auto from = row.maybe_text("from_state")) entry.from = state_of(*from);
    entry.to = state_of(row.text("to_state"));
    entry.reason = reason_of(row.text("reason"));
    entry.note = row.text("note");
    entry.patch = object_of(row.text("patch"), "patch");
    entry.evidence = row.maybe_integer("evidence");
    return entry;
}

std::vector<AuditEntry> read_events(Query& query) {
    std::vector<AuditEntry> entries;
    while (query.next()) entries.push_back(read_event(query));
    return entries;
}

Evidence read_evidence(const Query& row) {
    Evidence evidence;
    evidence.id = row.integer("id");
    evidence.job = JobId(row.text("job"));
    evidence.attempt = row.small("attempt");
    evidence.kind = kind_of(row.text("kind"));
    evidence.at = row.time("received_at");
    evidence.head = row.text("head");
    evidence.body = row.text("body");
    evidence.clipped = row.flag("clipped");
    return evidence;
}

std::vector<Evidence> read_evidences(Query& query) {
    std::vector<Evidence> rows;
    while (query.next()) rows.push_back(read_evidence(query));
    return rows;
}

// Text stays text for readers with sqlite3; anything else is kept byte for byte.
void bind_body(Query& query, std::string_view body, bool& clipped) {
    const bool text = is_utf8(body) && body.find('\0') == std::string_view::npos;
    const std::string_view kept = text ? clip_utf8(body, evidence_body_bytes_max)
                                       : body.substr(0, evidence_body_bytes_max);
    clipped = clipped || kept.size() < body.size();
    if (kept.empty()) return;
    if (text) {
        query.text(":body", kept);
    } else {
        query.blob(":body", kept);
    }
}

}  // namespace

std::string_view to_string(EvidenceKind kind) {
    for (const auto& [value, name] : kind_names) {
        if (value == kind) return name;
    }
    return "";
}

std::int64_t Tx::append_event(AuditEntry entry) {
    std::int64_t seq = 0;
    std::string hash;
    {
        Query place(connection_, sql::next_link);
        if (!place.text(":job", entry.job.str()).next()) {
            throw std::invalid_argument("append_event: no job " + entry.job.str());
        }
        seq = place.integer("seq");
        hash = place.text("hash");
        entry.id = place.integer("id");
        entry.number = place.integer("number");
    }
    std::optional<std::string> evidence_hash;
    if (entry.evidence) {
        evidence_hash = evidence_digest(connection_, *entry.evidence);
        if (!evidence_hash) throw std::invalid_argument("append_event: no such evidence");
    }
    const std::string patch = json::serialize(entry.patch);
    hash = next_hash(hash, event_digest(entry, patch, evidence_hash));
    Query query(connection_, sql::insert_event);
    query.integer(":id", entry.id)
        .integer(":job_seq", seq)
        .integer(":number", entry.number)
        .time(":happened_at", entry.at)
        .text(":event", entry.event)
        .text(":to_state", domain::to_string(entry.to))
        .text_or_null(":reason", domain::to_string(entry.reason))
        .text_or_null(":note", entry.note)
        .text(":patch", patch)
        .integer(":evidence", entry.evidence)
        .blob(":evidence_hash", evidence_hash)
        .blob(":hash", std::string_view(hash));
    if (entry.from) query.text(":from_state", domain::to_string(*entry.from));
    query.run();
    set_chain_head(connection_, entry.id, hash);
    return entry.id;
}

std::vector<AuditEntry> Tx::events(const JobId& job) {
    Query query(connection_, sql::events_of_job);
    return read_events(query.text(":job", job.str()));
}

std::vector<AuditEntry> Tx::events_after(std::int64_t id, int limit) {
    Query query(connection_, sql::events_after);
    return read_events(query.integer(":after", id).integer(":limit", limit));
}

std::int64_t Tx::last_event_id() {
    Query query(connection_, sql::last_event_id);
    query.next();
    return query.first_integer();
}

std::int64_t Tx::insert_evidence(const Evidence& evidence) {
    std::optional<std::int64_t> seq;
    if (!evidence.job.empty()) {
        seq = seq_of(connection_, evidence.job);
        if (!seq) throw std::invalid_argument("insert_evidence: no job " + evidence.job.str());
    }
    Query query(connection_, sql::insert_evidence);
    bool clipped = evidence.clipped;
    bind_body(query, evidence.body, clipped);
    query.integer(":job_seq", seq)
        .integer(":attempt", evidence.attempt)
        .text(":kind", to_string(evidence.kind))
        .time(":received_at", evidence.at)
        .text_or_null(":head", evidence.head)
        .integer(":clipped", clipped ? 1 : 0)
        .integer(":processed", evidence.kind == EvidenceKind::webhook ? 0 : 1)
        .run();
    return connection_.database().getLastInsertRowid();
}

std::vector<Evidence> Tx::evidence_of(const JobId& job) {
    Query query(connection_, sql::evidence_of_job);
    return read_evidences(query.text(":job", job.str()));
}

std::vector<Evidence> Tx::unprocessed_webhooks(int limit) {
    Query query(connection_, sql::unprocessed_webhooks);
    return read_evidences(query.integer(":limit", limit));
}

void Tx::mark_processed(std::int64_t evidence) {
    Query query(connection_, sql::mark_processed);
    if (query.integer(":id", evidence).run() == 0) {
        throw std::invalid_argument("mark_processed: no such evidence");
    }
}

int Tx::count_webhooks(const JobId& job, int attempt) {
    Query query(connection_, sql::count_webhooks);
    query.text(":job", job.str()).integer(":attempt", attempt).next();
    return static_cast<int>(query.first_integer());
}

}  // namespace reeld::store
