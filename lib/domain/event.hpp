#pragma once
// What can happen to a job, as values. Provider codecs and the shell make them; transition() alone
// decides what follows. They are aggregates: name one before passing it to an awaited function.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domain/job.hpp"
#include "domain/log_line.hpp"

namespace reeld::domain {

// How a refusal is to be treated.
enum class RefusalKind {
    retry,         // may help later: infrastructure, overload
    rate_limited,  // may help later, and the whole provider is to slow down
    permanent,     // this input will never do
    credentials,   // 401: nothing of this account will do until the key is mended
    account,       // 402, 403: nothing will do until the account is unlocked or topped up, or
                   // what runs there has given back the balance that it holds
};

struct Refusal {
    RefusalKind kind = RefusalKind::retry;
    Reason reason = Reason::provider_error;  // for the job, when this ends it
    ErrorInfo error;
    std::optional<Millis> retry_after;       // the provider's own hint
    // No further attempt once a job has had so many billable ones, where trying often does not help.
    std::optional<int> attempts_max{};
    friend bool operator==(const Refusal&, const Refusal&) = default;
};

namespace event {

struct Due {};  // the owner timer fired
struct Admitted {  // a slot, a rate token and disk are there
    Token token;
};

// Of the submit.
struct SubmitAccepted {
    Remote remote;
    std::optional<std::int64_t> queue_position;
};
struct SubmitRefused {  // an answer that proves that no job was made
    Refusal refusal;
};
struct SubmitNotSent {  // no byte of the request left this machine
    ErrorInfo error;
};
struct SubmitUnknown {  // bytes may have arrived, no usable answer came
    Reason reason = Reason::timeout;  // timeout, reset, garbled_answer
    ErrorInfo error;
    std::optional<Remote> hint;       // an id the answer's headers may have told
};
struct SubmitInterrupted {};  // found in `submitting` with nobody waiting for the answer

// Evidence about a submit whose answer was not seen.
enum class AdoptedBy { webhook, history, header, person };
struct Adopted {
    int attempt = 0;  // the intent that the request belongs to; may be older than the newest
    Remote remote;
    AdoptedBy by = AdoptedBy::webhook;
};
struct EvidenceSearched {  // looked, and found no exactly matching request
    int candidates = 0;    // 0, or too many to choose
    std::string detail;    // what was found, in a sentence
    std::string doubt{};   // why finding nothing proves nothing; empty: it proves something
    bool early = false;    // the search began before the wait was over
    bool news = false;     // it found something else than the search before
};

// Of a request at the provider.
enum class RemotePhase { queued, running, ended };
struct StatusSeen {
    RemotePhase phase = RemotePhase::queued;
    std::optional<std::int64_t> queue_position;
    std::optional<double> progress;
    std::vector<LogLine> logs{};  // oldest first; all so far or the newest, some perhaps known
};
struct PollFailed {  // the provider did not tell: transport, 5xx, 401, 429 on a read
    Refusal refusal;
};
struct RemoteMissing {};  // the provider does not know the id
// The bytes of an output that came with the answer. Shared, because events are copied.
struct OutputContent {
    int index = 0;
    std::shared_ptr<const std::string> bytes;
};
struct ResultSeen {
    std::vector<Output> outputs;  // at least one, or else there are values
    std::optional<std::int64_t> cost_micro_usd;  // of this attempt, when the provider tells
    std::string values{};  // canonical JSON object of what is no file; empty: nothing
    std::vector<OutputContent> contents{};  // of the inlined outputs; no part of the trail
};
struct ResultFailed {  // ended without a result: the attempt is over
    Refusal refusal;
    std::optional<std::int64_t> cost_micro_usd{};
    bool free = false;  // the provider says, or documents, that it bills nothing for such an end
};
struct ResultNotReady {};   // asked too early
struct RemoteCancelled {    // ended because of a cancel
    std::optional<std::int64_t> cost_micro_usd{};
    bool free = false;      // as of ResultFailed
};
struct WebhookHint {};      // a delivery that cannot be trusted as it is, but says: look now
struct CancelAnswered {
    bool accepted = false;  // false: too late, or unknown to the provider
};

// Of the local files that the input names, which are brought to the provider before the submit.
struct UploadAdmitted {};  // there is room for the job's files
struct InputUploaded {     // one of them has its URL
    std::size_t index = 0;  // in Job::files
    std::string sha256;
    std::string url;        // or the data URI
    std::optional<Instant> uploaded_at;
    std::optional<Instant> expires_at;
    std::string how{};      // a sentence for the trail
};
struct UploadFailed {  // none of it reached a job at the provider: nothing was made or billed
    Refusal refusal;
};

// Of the fetch.
struct OutputPlanned {  // a path was reserved
    int index = 0;
    std::string path;
};
struct OutputStored {
    int index = 0;
    std::string path;
    std::uint64_t bytes = 0;
    std::string sha256;
    std::string content_type;
};
enum class FetchProblem {
    retry,        // network, 5xx, cut short: again after a backoff
    expired,      // 403, 404, 410: the file is gone
    refused,      // host not allowed, private address, too large: never
    bad_media,    // whole, but not the media it should be
    disk,         // no room, or the disk refuses
};
struct FetchFailed {
    int index = 0;
    FetchProblem problem = FetchProblem::retry;
    ErrorInfo error;
    std::optional<Millis> retry_after;
};

// From people and policies.
struct CancelRequested {};
struct HoldRequested {};
struct ReleaseRequested {};
struct AccountPaused {  // the provider's account is paused; pending jobs say so
    Reason reason = Reason::account;
    ErrorInfo error;
};
struct AccountResumed {};
struct Restored {};  // the database is a copy that was made earlier

}  // namespace event

using Event =
    std::variant<event::Due, event::Admitted, event::SubmitAccepted, event::SubmitRefused,
                 event::SubmitNotSent, event::SubmitUnknown, event::SubmitInterrupted,
                 event::Adopted, event::EvidenceSearched, event::StatusSeen, event::PollFailed,
                 event::RemoteMissing, event::ResultSeen, event::ResultFailed,
                 event::ResultNotReady, event::RemoteCancelled, event::WebhookHint,
                 event::CancelAnswered, event::UploadAdmitted, event::InputUploaded,
                 event::UploadFailed, event::OutputPlanned, event::OutputStored,
                 event::FetchFailed, event::CancelRequested, event::HoldRequested,
                 event::ReleaseRequested, event::AccountPaused, event::AccountResumed, event::Restored>;

// The event's name in the audit trail: "submit_accepted".
std::string_view name_of(const Event& event);

}  // namespace reeld::domain
