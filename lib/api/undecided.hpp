#pragma once
// What is known of a submit whose outcome is not, and of submits that may stand on the bill besides
// the one that a job follows.
#include "api/problem.hpp"
#include "engine/control.hpp"

namespace reeld::api {

// The member "unknown" of one job: null for one that waits for no such proof or decision.
//   {attempt, sent_at, answer, answer_detail, until, policy, webhook, webhooks,
//    searches, last_search_at, last_search, pages, candidates[{request_id, sent_at}], paid_at_most,
//    max_attempts}
json::value unknown_json(const engine::EngineStatus& status, store::Tx& tx,
                         const domain::Job& job);
bool is_undecided(const domain::Job& job);

// The member "also_billed": submits that were or may have been accepted, and that the job does not
// follow: [{attempt, outcome, request_id, sent_at}].
json::array also_billed_json(store::Tx& tx, const domain::Job& job);

}  // namespace reeld::api
