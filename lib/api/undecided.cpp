#include "api/undecided.hpp"

#include <algorithm>

#include "api/job_json.hpp"

namespace reeld::api {
namespace {

using domain::Attempt;
using domain::Job;
using domain::Reason;
using domain::State;

bool resubmits(const engine::EngineStatus& status, const Job& job) {
    return std::any_of(status.providers.begin(), status.providers.end(), [&](const auto& one) {
        return one.name == job.provider && one.resubmit_unknown;
    });
}

// The looks into the provider's history that the evidence tells of, the last one in words.
void add_searches(json::object& out, store::Tx& tx, const Job& job) {
    std::int64_t searches = 0;
    out["searches"] = 0;
    out["last_search_at"] = nullptr;
    out["last_search"] = nullptr;
    out["pages"] = nullptr;
    out["candidates"] = json::array{};
    for (const store::Evidence& evidence : tx.evidence_of(job.request.id)) {
        if (evidence.attempt != job.attempt) continue;
        if (evidence.kind != store::EvidenceKind::history_answer) continue;
        const auto head = parse_json(evidence.head);
        const auto* search =
            head && head->is_object() ? find_object(head->get_object(), "search") : nullptr;
        if (search == nullptr) continue;
        searches = std::max(searches + 1, find_int(*search, "number").value_or(0));
        out["searches"] = searches;
        out["last_search_at"] = time_json(evidence.at);
        out["last_search"] = text_or_null(find_string(*search, "detail").value_or(""));
        out["pages"] = find_int(*search, "pages").value_or(0);
        const auto* candidates = find_array(*search, "candidates");
        out["candidates"] = candidates == nullptr ? json::array{} : *candidates;
    }
}

std::string_view answer_of(const Job& job) {
    if (job.state == State::submit_unknown) return domain::to_string(job.reason);
    if (job.reason == Reason::remote_missing) return "accepted";
    return job.error ? std::string_view(job.error->code) : std::string_view("none");
}

}  // namespace

bool is_undecided(const Job& job) {
    return job.state == State::submit_unknown ||
           (job.state == State::held &&
            (job.reason == Reason::submit_unknown || job.reason == Reason::remote_missing));
}

json::value unknown_json(const engine::EngineStatus& status, store::Tx& tx, const Job& job) {
    if (!is_undecided(job)) return nullptr;
    const auto attempt = tx.find_attempt(job.request.id, job.attempt);
    json::object out;
    out["attempt"] = job.attempt;
    out["sent_at"] = attempt ? time_json(attempt->intent_at) : nullptr;
    out["answer"] = answer_of(job);
    out["answer_detail"] = attempt ? text_or_null(attempt->detail) : nullptr;
    out["until"] = time_json(job.unknown_until);
    out["policy"] = resubmits(status, job) ? "resubmit" : "hold";
    out["webhook"] = !status.webhook_public_url.empty();
    out["webhooks"] = tx.count_webhooks(job.request.id, job.attempt);
    add_searches(out, tx, job);
    out["paid_at_most"] = job.billable_attempts;
    out["max_attempts"] = job.request.max_attempts;
    return out;
}

json::array also_billed_json(store::Tx& tx, const Job& job) {
    json::array list;
    for (const Attempt& attempt : tx.attempts(job.request.id)) {
        const bool followed = job.remote && attempt.remote &&
                              job.remote->request_id == attempt.remote->request_id;
        // The newest one of unknown outcome is what the job itself waits for.
        const bool waited_for = is_undecided(job) && attempt.number == job.attempt;
        const bool may_be_billed = attempt.outcome == "unknown" ||
                                   attempt.outcome == "also_billed" || attempt.outcome == "missing";
        if (followed || waited_for || !may_be_billed) continue;
        json::object one;
        one["attempt"] = attempt.number;
        one["outcome"] = attempt.outcome;
        one["request_id"] =
            attempt.remote ? text_or_null(attempt.remote->request_id.str()) : nullptr;
        one["sent_at"] = time_json(attempt.intent_at);
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace reeld::api
