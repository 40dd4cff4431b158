#pragma once
// What the engine offers to the ways in. Every call that changes something is durable when it
// returns.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "catalogue/catalogue.hpp"
#include "domain/job.hpp"
#include "engine/input_files.hpp"
#include "engine/money_status.hpp"
#include "engine/person.hpp"
#include "engine/spooled_file.hpp"
#include "engine/verifier.hpp"
#include "runtime/clock.hpp"
#include "store/store.hpp"

namespace reeld::engine {

template <class T>
using awaitable = runtime::awaitable<T>;

struct Submitted {
    domain::Job job;
    bool existed = false;  // the same id with the same content was there already
};

// Of each job of a submit, as check() has seen them; none at all: no job names a local file.
using JobFiles = std::vector<std::vector<domain::InputFile>>;

enum class Action { cancel, hold, release, retry };

struct ProviderStatus {
    std::string name;
    std::string health;  // "ok", "paused", "limited", "failing"
    std::string message;
    std::int64_t in_hand = 0;
    std::int64_t concurrency = 0;
    std::int64_t queued = 0;
    std::optional<Instant> limited_until;
    std::optional<Instant> probe_at;
    std::optional<Instant> last_success_at;
    std::string last_error;
    bool has_key = false;
    std::string key;  // missing, unchecked, accepted, refused, unreachable
    std::optional<Millis> clock_ahead;  // our clock less the provider's
    bool resubmit_unknown = false;      // on_submit_unknown
};

struct LastError {
    Instant at{};
    JobId job;
    std::string code;
    std::string message;
};

struct ClockChange {
    Instant at{};   // when it was noticed
    Millis by{0};
};

// Something outside that a person should mend; it ends by itself once it is gone.
struct Trouble {
    Instant since{};
    std::string what;  // what happens, because of whom, what to do
};

// A verified copy of the databases.
struct BackupDone {
    std::string path;
    std::uint64_t bytes = 0;
    std::int64_t jobs = 0;
    std::int64_t events = 0;
    std::string sha256;      // of the file
    std::string chain_head;  // hex: the hash of its newest event
    std::string inbox_path;  // the inbox's copy; empty when the inbox had no row
    std::int64_t inbox_rows = 0;
};

struct BackupStatus {
    std::string running;  // its path; empty: none
    std::int64_t pages_done = 0;
    std::int64_t pages_total = 0;
    bool checking = false;  // all pages are copied
    std::optional<Instant> last_at;  // of the last one since the start
    std::string last_path;
};

struct RetentionStatus {
    bool active = false;         // a limit is configured
    std::string export_folder;
    std::string trouble;         // why nothing is removed; empty: nothing stands in the way
    std::int64_t retired = 0;    // records removed since the start
    std::int64_t evidence = 0;   // pieces of evidence removed since the start
    std::optional<Instant> last_at;
};

struct EngineStatus {
    Instant started_at{};
    Instant now{};
    std::map<domain::State, std::int64_t> counts;
    std::vector<ProviderStatus> providers;
    MoneyStatus money;
    std::int64_t downloads_active = 0;
    std::int64_t downloads_concurrency = 0;
    bool disk_low = false;
    std::uint64_t disk_free_bytes = 0;
    std::string outputs;          // folder
    std::string outputs_trouble;  // why it cannot be written; empty: it can
    std::string webhook_address;  // where it listens; empty: polling only
    std::string webhook_public_url;
    std::size_t models = 0;                       // in the catalogue
    std::vector<std::string> catalogue_mistakes;  // files of its folder that are left out, and why
    std::optional<Trouble> inbox_trouble;
    std::optional<Trouble> store_trouble;
    std::optional<ClockChange> clock_set;    // the wall clock was set, last
    std::optional<ClockChange> clock_slept;  // the machine slept, last
    std::vector<LastError> last_errors;  // newest first, at most 10
    store::StoreFacts store;
    BackupStatus backup;
    RetentionStatus retention;
};

// Monotonic counters since start, by Prometheus name without the "reeld_" prefix and "_total" suffix;
// the value's key is the label text, e.g. {provider="fal"} (empty: no label).
using Counters = std::map<std::string, std::map<std::string, std::uint64_t>>;

class Control {
  public:
    virtual ~Control() = default;

    // All or nothing. Errors: `conflict` with the first id that exists with other content,
    // `invalid` for a model that no configured provider serves.
    virtual awaitable<Result<std::vector<Submitted>>> submit(
        std::vector<domain::JobRequest> requests, JobFiles files = {}) = 0;
    // What is wrong with a job's input, and the local files in it (see check_job). `told`: what the
    // caller of a dry run has seen of files that the daemon need not look at.
    virtual CheckedFiles check(const json::object& job, const json::array* told = nullptr) = 0;
    // Whether an upload of this file can stand in for another one now; false when its hash is not
    // known yet.
    virtual bool is_uploaded(std::string_view model, const domain::InputFile& file) = 0;
    // Files that callers hand over, see FileSpool.
    virtual Result<SpooledFile> spooled(const std::string& sha256) = 0;
    virtual awaitable<Result<SpooledFile>> spool(SpoolPiece piece) = 0;
    // Errors: not_found, conflict (the state does not allow it; the context says why).
    // retry answers the new, linked job, or the one that an earlier retry made.
    virtual awaitable<Result<domain::Job>> act(JobId id, Action action, Person person) = 0;
    // Binds a request at the provider, which is asked for it first, to a job whose submit's outcome
    // is not known or whose request has vanished. Errors: not_found (the job), conflict (the state,
    // another owner, a request that the provider does not know or that was made for something else),
    // unreachable (the provider did not tell; nothing was changed).
    virtual awaitable<Result<domain::Job>> adopt(JobId id, RequestId request, Person person) = 0;

    // A copy of the databases as they are now, under an absolute path that does not exist yet, and of
    // the inbox under path + ".inbox". Given up once `abandoned` says so. Errors, each with what to
    // do: invalid, conflict (the file exists), busy (another backup runs), not_found (the folder),
    // refused (no permission), disk_full, cancelled, io, corrupt.
    virtual awaitable<Result<BackupDone>> backup(std::string path,
                                                 std::function<bool()> abandoned) = 0;

    // The provider for an endpoint id; nothing when none is configured for it.
    virtual std::optional<std::string> provider_of(std::string_view model) const = 0;
    // What inputs are compared with; null: with nothing.
    virtual std::shared_ptr<const catalogue::Catalogue> catalogue() const { return nullptr; }
    // Why a queued job is not started: concurrency, rate_limit, disk or none; for others its own.
    virtual domain::Reason shown_reason(const domain::Job& job) const = 0;

    // Before an answer that shows rows: waits until what can be read is durable.
    virtual awaitable<Status> read_barrier() = 0;
    virtual store::Store& store() = 0;
    // Returns when an audit event with a larger id is durable, or after `timeout`.
    virtual awaitable<void> wait_for_event(std::int64_t after, Millis timeout) = 0;

    // Checks what is stored; nothing is changed. Neither store nor engine may end before it.
    virtual std::unique_ptr<Verifier> verifier(VerifyOptions options) = 0;

    virtual EngineStatus status() = 0;
    virtual Counters counters() const = 0;
};

}  // namespace reeld::engine
