// The chain of the trail as verification reads it, and its pruning.
#include <algorithm>
#include <iterator>

#include "store/chain.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

// Rows that one call of advance_base folds away at most: a straggler that goes at last may have
// held up very many.
constexpr int fold_limit = 10'000;

TrailLink read_link(Connection& connection, const Query& row) {
    TrailLink link;
    link.id = row.integer("id");
    link.digest = event_digest(row, row.maybe_text("evidence_hash"));
    link.hash = row.text("hash");
    link.job = JobId(row.text("job"));
    link.has_job = row.flag("has_job");
    link.number = row.integer("number");
    link.evidence = row.maybe_integer("evidence");
    link.evidence_hash = row.text("evidence_hash");
    if (link.evidence) link.evidence_now = evidence_digest(connection, *link.evidence);
    return link;
}

std::vector<TrailLink> pruned_after(Connection& connection, std::int64_t id, int limit) {
    Query row(connection, sql::pruned_after);
    row.integer(":after", id).integer(":limit", limit);
    std::vector<TrailLink> links;
    while (row.next()) {
        TrailLink link;
        link.id = row.integer("id");
        link.pruned = true;
        link.digest = row.text("digest");
        links.push_back(std::move(link));
    }
    return links;
}

// Folds what was pruned at the very beginning into one hash.
void advance_base(Connection& connection, const ChainHead& head) {
    std::int64_t base = head.base_id;
    std::string hash = head.base_hash;
    for (const TrailLink& link : pruned_after(connection, base, fold_limit)) {
        if (link.id != base + 1) break;
        hash = next_hash(hash, link.digest);
        base = link.id;
    }
    if (base == head.base_id) return;
    Query(connection, sql::delete_pruned).integer(":id", base).run();
    Query(connection, sql::set_chain_base)
        .integer(":base_id", base)
        .blob(":base_hash", std::string_view(hash))
        .run();
}

}  // namespace

ChainHead Tx::chain_head() {
    Query row(connection_, sql::chain_head);
    ChainHead head;
    if (!row.next()) return head;
    head.last_id = row.integer("last_id");
    head.hash = row.text("hash");
    head.base_id = row.integer("base_id");
    head.base_hash = row.text("base_hash");
    head.highest_id = row.integer("highest_id");
    return head;
}

std::vector<TrailLink> Tx::links_after(std::int64_t id, int limit) {
    std::vector<TrailLink> kept;
    {
        Query row(connection_, sql::links_after);
        row.integer(":after", id).integer(":limit", limit);
        while (row.next()) kept.push_back(read_link(connection_, row));
    }
    const std::vector<TrailLink> pruned = pruned_after(connection_, id, limit);
    std::vector<TrailLink> links;
    std::merge(kept.begin(), kept.end(), pruned.begin(), pruned.end(), std::back_inserter(links),
               [](const TrailLink& a, const TrailLink& b) { return a.id < b.id; });
    if (links.size() > static_cast<std::size_t>(limit)) {
        links.resize(static_cast<std::size_t>(limit));
    }
    return links;
}

std::vector<std::int64_t> Tx::job_seqs_after(std::int64_t seq, int limit) {
    Query query(connection_, sql::job_seqs_after);
    return read_seqs(query.integer(":after", seq).integer(":limit", limit));
}

std::optional<Job> Tx::find_job(std::int64_t seq) { return load_job(connection_, seq); }

std::vector<std::string> Tx::wrong_copies(const Job& job) {
    std::vector<std::string> wrong;
    {
        Query row(connection_, sql::job_copies);
        if (!row.integer(":seq", job.seq).next()) return wrong;
        if (row.text("content_hash") != domain::content_hash(job.request)) {
            wrong.emplace_back("content_hash");
        }
        const std::string url = job.outputs.empty() ? std::string() : job.outputs.front().url;
        if (row.text("video_url") != url) wrong.emplace_back("video_url");
    }
    for (const auto& [key, value] : job.request.labels) {
        Query row(connection_, sql::job_label);
        row.text(":key", key).text(":value", value).integer(":job_seq", job.seq);
        if (!row.next()) wrong.push_back("label " + key);
    }
    return wrong;
}

std::int64_t Tx::prune_events_of(const JobId& job) {
    std::vector<TrailLink> links;
    {
        Query row(connection_, sql::links_of_job);
        row.text(":job", job.str());
        while (row.next()) {
            TrailLink link;
            link.id = row.integer("id");
            link.digest = event_digest(row, row.maybe_text("evidence_hash"));
            links.push_back(std::move(link));
        }
    }
    for (const TrailLink& link : links) {
        Query(connection_, sql::insert_pruned)
            .integer(":id", link.id)
            .blob(":digest", std::string_view(link.digest))
            .run();
        Query(connection_, sql::delete_event).integer(":id", link.id).run();
    }
    advance_base(connection_, chain_head());
    return static_cast<std::int64_t>(links.size());
}

void Tx::prune_evidence(std::int64_t evidence) {
    Query(connection_, sql::drop_evidence_reference).integer(":evidence", evidence).run();
    Query(connection_, sql::delete_evidence).integer(":id", evidence).run();
}

}  // namespace reeld::store
