#pragma once
// The job: what was asked for, where it is, what came of it.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "domain/input_file.hpp"
#include "domain/media_kind.hpp"
#include "domain/money.hpp"
#include "domain/state.hpp"

namespace reeld::domain {

// What can be shown of a failure: a stable snake_case code and a sentence for people.
struct ErrorInfo {
    std::string code;
    std::string message;
    friend bool operator==(const ErrorInfo&, const ErrorInfo&) = default;
};

// What a submitter gives; everything but model and input has a default.
struct JobRequest {
    JobId id;                // empty: made at intake
    std::string model;       // endpoint id
    std::string input;       // canonical JSON object
    std::string batch;
    std::int64_t priority = 0;
    std::optional<Instant> not_before;
    std::optional<Instant> deadline;
    int max_attempts = 5;    // billed or possibly billed submits, at most
    std::string output;      // file name template; empty: the default one
    std::map<std::string, std::string> labels;
    bool unchecked = false;  // the input was not compared with the catalogue; only the trail keeps it
    friend bool operator==(const JobRequest&, const JobRequest&) = default;
};

// The provider's handle on one accepted submit. URLs are as the provider gave them.
struct Remote {
    RequestId request_id;
    std::string status_url;
    std::string response_url;
    std::string cancel_url;
    friend bool operator==(const Remote&, const Remote&) = default;
};

// One output of a job. `url` is known from the result on, the rest once the file is on disk.
struct Output {
    int index = 0;                 // 0-based
    std::string url;               // empty when the bytes came with the answer
    std::string path;              // absolute; chosen and durable before the first byte is written
    std::string content_type;      // the provider's word, then what the bytes are
    std::string file_name;         // the provider's suggestion
    std::optional<std::uint64_t> bytes;
    std::string sha256;            // lower-case hex
    bool stored = false;           // on disk, verified, under `path`
    MediaKind kind = MediaKind::any;  // what the result promised
    bool inlined = false;          // its bytes came with the answer; the store keeps them until stored
    friend bool operator==(const Output&, const Output&) = default;
};

// A job of a restored copy: what happened after the copy was made is not known.
enum class Restored : std::uint8_t {
    no,
    ask,       // its next submit waits for a person's word
    released,  // a person gave it
};
std::string_view to_string(Restored restored);  // "" for no

struct Job {
    std::int64_t seq = 0;     // age: given by the store, grows
    std::int64_t version = 0;  // of the row: every update compares and increments it

    JobRequest request;
    std::string provider;      // registry name

    State state = State::queued;
    Reason reason = Reason::none;
    std::optional<ErrorInfo> error;   // the last failure; stays while a retry waits

    int attempt = 0;           // number of the newest submit intent, 0 before the first
    int billable_attempts = 0;  // submits that were or may have been accepted
    int refusals = 0;           // consecutive submits that provably made nothing; drives the backoff
    int fetch_failures = 0;     // consecutive failed fetches
    std::optional<Remote> remote;     // of the current attempt
    std::optional<std::int64_t> queue_position;
    std::optional<double> progress;   // 0 to 1, when the provider tells
    bool cancel_requested = false;
    Restored restored = Restored::no;
    std::vector<InputFile> files;  // local files that the input names, and their URLs
    std::vector<Output> outputs;
    std::string values;        // canonical JSON object: what the result says beside files; or empty
    // Of all attempts, as the provider told or, where it did not, by the estimate.
    std::optional<std::int64_t> cost_micro_usd;
    std::optional<Money> money;  // nothing: older than the account, no submit was counted

    std::optional<JobId> retry_of;    // the ended job that this one tries again
    Instant created_at{};
    std::optional<Instant> submitted_at;  // of the first accepted submit
    std::optional<Instant> finished_at;

    // The owner timer and its bookkeeping: volatile, not part of the audit trail.
    std::optional<Instant> due_at;    // set for every non-terminal state
    std::optional<Instant> unknown_until;  // submit_unknown: the end of the wait for evidence
    int quiet_polls = 0;       // polls in a row that changed nothing
    int missing_polls = 0;     // polls in a row answered "unknown id"
    int failed_polls = 0;      // polls in a row that got no usable answer

    friend bool operator==(const Job&, const Job&) = default;
};

// One submit intent.
struct Attempt {
    JobId job;
    int number = 1;
    std::string provider;
    Token token;              // of this submit's webhook URL; durable before the POST
    Instant intent_at{};
    std::optional<Instant> answered_at;
    std::optional<Instant> ended_at;
    // intent, accepted, refused, not_sent, unknown, adopted, then completed/failed/cancelled
    std::string outcome = "intent";
    std::optional<Remote> remote;
    std::string detail;       // one sentence about the outcome
    std::string input{};      // what was sent, where it is not the job's own input; else empty
    Billing billing = Billing::none;
    std::optional<std::int64_t> reserved_micro_usd;  // at the intent; nothing: no price was known
    std::optional<std::int64_t> billed_micro_usd;    // of settled and estimated ones
    std::string day;          // of the intent, "2026-11-21": where its money counts
    friend bool operator==(const Attempt&, const Attempt&) = default;
};

// What the submit of this attempt says: the attempt's input, or else the job's own.
const std::string& sent_input(const Job& job, const Attempt& attempt);

// The audit form of a job: every non-volatile field by its column's name. Two such objects give the
// patch that an event carries; folding the patches gives the row back.
json::object to_audit(const Job& job);
// What changed between two versions of one job; the request never does.
json::object audit_patch(const Job& before, const Job& after);
json::object diff_audit(const json::object& before, const json::object& after);
void fold_audit(json::object& into, const json::object& patch);

// Fingerprint of what the submitter asked for: the same id with the same content is the same job.
std::string content_hash(const JobRequest& request);

}  // namespace reeld::domain
