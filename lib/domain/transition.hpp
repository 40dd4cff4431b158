#pragma once
// The state machine: the one place where a job's state changes.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domain/event.hpp"
#include "domain/job.hpp"
#include "domain/retry_policy.hpp"

namespace reeld::domain {

// How long an operation on a job may go unheard of before its owner timer begins it again.
inline constexpr Millis operation_check{300'000};

// Settings of one provider that decisions depend on.
struct Policy {
    Millis poll_interval{15'000};
    Millis poll_interval_max{300'000};
    bool webhook = false;            // one is configured: polls may be rarer
    Millis submit_timeout{30'000};
    Millis submit_unknown_wait{900'000};
    bool resubmit_unknown = false;   // after the wait; otherwise a person decides
    Millis retry_base{2'000};
    Millis retry_max{600'000};
    int fetch_failures_max = 12;
    int missing_polls_max = 5;       // "unknown id" in a row before a person is asked
};

namespace effect {
struct SendSubmit {};      // POST the current attempt
struct SearchEvidence {};  // look for the request of the current attempt at the provider
struct PollStatus {};
struct ReadResult {};
struct SendCancel {};
struct Fetch {};           // download what is not stored yet
struct Upload {};          // bring the local files that have no living URL to the provider
}  // namespace effect

using Effect = std::variant<effect::SendSubmit, effect::SearchEvidence, effect::PollStatus,
                            effect::ReadResult, effect::SendCancel, effect::Fetch, effect::Upload>;

struct Step {
    Job job;                      // the next row
    std::vector<Effect> effects;  // to be performed after the row is durable
    std::string note;             // one sentence for the audit trail; may be empty
    std::string attempt_outcome;  // new outcome of the current attempt's row; empty: unchanged
    std::vector<Bill> bills{};    // what becomes of the money of submits; enter() carries it out
};
struct Ignored {  // changes nothing; recorded in the trail unless the note is empty
    std::string note;
};
struct Rejected {  // a person asked for what the state does not allow
    std::string note;
};
using Outcome = std::variant<Step, Ignored, Rejected>;

Outcome transition(const Job& job, const Event& event, const Policy& policy, Instant now,
                   Jitter jitter);

// Whether its files are being brought to the provider.
inline bool is_uploading(const Job& job) {
    return job.state == State::scheduled && job.reason == Reason::upload;
}

// A job's first row: state, reason and due time follow from the request.
Job first_row(JobRequest request, std::string provider, Instant now);

// A new job that tries an ended one again. When the result was known and only its fetch failed, the
// new job starts at the fetch: what was paid for is not paid for again. Nothing for a job that is
// not over, or that completed.
std::optional<Job> retry_row(const Job& ended, JobId id, Instant now);

}  // namespace reeld::domain
