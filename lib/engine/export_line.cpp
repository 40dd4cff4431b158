#include "engine/export_line.hpp"

#include <boost/json/serialize.hpp>

#include "base/json.hpp"

namespace reeld::engine {
namespace {

json::value time_or_null(const std::optional<Instant>& at) {
    return at ? json::value(to_unix_ms(*at)) : json::value(nullptr);
}

json::value number_or_null(const std::optional<std::int64_t>& number) {
    return number ? json::value(*number) : json::value(nullptr);
}

json::array attempts_of(store::Tx& tx, const JobId& id) {
    json::array list;
    for (const domain::Attempt& attempt : tx.attempts(id)) {
        json::object one;
        one["number"] = attempt.number;
        one["provider"] = attempt.provider;
        one["token"] = attempt.token.str();
        one["request_id"] =
            attempt.remote ? json::value(attempt.remote->request_id.str()) : json::value(nullptr);
        one["intent_at"] = to_unix_ms(attempt.intent_at);
        one["answered_at"] = time_or_null(attempt.answered_at);
        one["ended_at"] = time_or_null(attempt.ended_at);
        one["outcome"] = attempt.outcome;
        one["detail"] = attempt.detail;
        one["billing"] = domain::to_string(attempt.billing);
        one["reserved_micro_usd"] = number_or_null(attempt.reserved_micro_usd);
        one["billed_micro_usd"] = number_or_null(attempt.billed_micro_usd);
        one["day"] = attempt.day;
        auto sent = parse_json(attempt.input);
        one["input"] = sent ? std::move(*sent) : json::value(nullptr);
        list.push_back(std::move(one));
    }
    return list;
}

json::array events_of(store::Tx& tx, const JobId& id) {
    const std::vector<std::string> hashes = tx.event_hashes(id);
    json::array list;
    for (const store::AuditEntry& entry : tx.events(id)) {
        json::object one;
        one["id"] = entry.id;
        one["number"] = entry.number;
        one["happened_at"] = to_unix_ms(entry.at);
        one["event"] = entry.event;
        one["from_state"] =
            entry.from ? json::value(domain::to_string(*entry.from)) : json::value(nullptr);
        one["to_state"] = domain::to_string(entry.to);
        one["reason"] = domain::to_string(entry.reason);
        one["note"] = entry.note;
        one["patch"] = entry.patch;
        one["evidence"] = entry.evidence ? json::value(*entry.evidence) : json::value(nullptr);
        if (list.size() < hashes.size()) one["hash"] = hashes[list.size()];
        list.push_back(std::move(one));
    }
    return list;
}

json::array evidence_of(store::Tx& tx, const JobId& id) {
    json::array list;
    for (const store::EvidenceReference& reference : tx.evidence_references(id)) {
        json::object one;
        one["id"] = reference.id;
        one["attempt"] = reference.attempt;
        one["kind"] = reference.kind;
        one["received_at"] = to_unix_ms(reference.at);
        one["bytes"] = reference.bytes;
        one["clipped"] = reference.clipped;
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace

std::string export_line(store::Tx& tx, const domain::Job& job, Instant now) {
    json::object record;
    record["reeld"] = "record 1";
    record["removed_at"] = to_unix_ms(now);
    json::object row = domain::to_audit(job);
    auto input = parse_json(job.request.input);
    row["input"] = input ? std::move(*input) : json::value(job.request.input);
    row["content_hash"] = domain::content_hash(job.request);
    record["id"] = job.request.id.str();
    record["job"] = std::move(row);
    record["attempts"] = attempts_of(tx, job.request.id);
    record["events"] = events_of(tx, job.request.id);
    record["evidence"] = evidence_of(tx, job.request.id);
    return json::serialize(record) + "\n";
}

std::string export_name(Instant now) {
    // "2026-11" of "2026-11-21T…".
    return "reeld-" + to_rfc3339(now).substr(0, 7) + ".jsonl";
}

}  // namespace reeld::engine
