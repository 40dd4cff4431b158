// What ends a record's life, and what is remembered of it.
#include <stdexcept>

#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

std::optional<RetiredJob> read_retired(Query& row) {
    if (!row.next()) return std::nullopt;
    RetiredJob job;
    job.id = JobId(row.text("id"));
    job.content_hash = row.text("content_hash");
    job.state = state_of(row.text("state"));
    job.finished_at = row.time("finished_at");
    return job;
}

}  // namespace

std::vector<EndedJob> Tx::ended_jobs(State state, int limit) {
    Query row(connection_, sql::ended_jobs);
    row.text(":state", domain::to_string(state)).integer(":limit", limit);
    std::vector<EndedJob> jobs;
    while (row.next()) jobs.push_back({JobId(row.text("id")), row.time("finished_at")});
    return jobs;
}

std::optional<RetiredJob> Tx::find_retired(const JobId& id) {
    Query row(connection_, sql::retired_by_id);
    return read_retired(row.text(":id", id.str()));
}

std::optional<RetiredJob> Tx::find_retired_retry_of(const JobId& id) {
    Query row(connection_, sql::retired_retry_of);
    return read_retired(row.text(":id", id.str()));
}

void Tx::retire_job(const Job& job) {
    Query(connection_, sql::insert_retired).integer(":seq", job.seq).run();
    prune_events_of(job.request.id);
    for (const std::string_view rows : {sql::delete_evidence_of_job, sql::delete_attempts,
                                        sql::delete_outputs, sql::delete_contents,
                                        sql::delete_logs, sql::delete_labels}) {
        Query(connection_, rows).integer(":seq", job.seq).run();
    }
    Query removal(connection_, sql::delete_job);
    removal.integer(":seq", job.seq).integer(":version", job.version);
    if (removal.run() != 1) {
        throw std::logic_error("retire_job: it has not ended, or has changed: " +
                               job.request.id.str());
    }
}

std::vector<EvidenceAge> Tx::evidence_ages(std::int64_t after, int limit) {
    Query row(connection_, sql::evidence_ages);
    row.integer(":after", after).integer(":limit", limit);
    std::vector<EvidenceAge> ages;
    while (row.next()) {
        ages.push_back({row.integer("id"), row.time("received_at"),
                        row.flag("ended") && row.flag("processed")});
    }
    return ages;
}

std::vector<EvidenceReference> Tx::evidence_references(const JobId& job) {
    Query row(connection_, sql::evidence_references);
    row.text(":job", job.str());
    std::vector<EvidenceReference> references;
    while (row.next()) {
        EvidenceReference reference;
        reference.id = row.integer("id");
        reference.attempt = row.small("attempt");
        reference.kind = row.text("kind");
        reference.at = row.time("received_at");
        reference.bytes = row.integer("bytes");
        reference.clipped = row.flag("clipped");
        references.push_back(std::move(reference));
    }
    return references;
}

std::vector<std::string> Tx::event_hashes(const JobId& job) {
    Query row(connection_, sql::event_hashes);
    row.text(":job", job.str());
    std::vector<std::string> hashes;
    while (row.next()) hashes.push_back(row.text("hash"));
    return hashes;
}

std::optional<Instant> Tx::copied_at() {
    Query row(connection_, sql::copied_at);
    row.next();
    return row.maybe_time("made_at");
}

void Tx::forget_copied() { Query(connection_, sql::forget_copied).run(); }

}  // namespace reeld::store
