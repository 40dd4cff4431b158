#pragma once
// reel.db: the daemon's memory. One connection, one writer, WAL, synchronous FULL. SQL lives in
// sql/*.sql and nowhere else; nothing of SQLite or SQLiteCpp leaves the .cpp files.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/audit_entry.hpp"
#include "domain/job.hpp"
#include "domain/log_line.hpp"
#include "domain/provider_gate.hpp"
#include "domain/state.hpp"

namespace reeld::store {

using domain::Attempt;
using domain::AuditEntry;
using domain::Job;
using domain::MoneySum;
using domain::Output;
using domain::ProviderState;
using domain::Reason;
using domain::State;

enum class EvidenceKind {
    submit_request, submit_answer, status_answer, result_answer, cancel_answer, history_answer,
    media_answer, webhook, person,
};
std::string_view to_string(EvidenceKind kind);

// Raw proof of something: secrets redacted before it comes here, the body bounded here.
struct Evidence {
    std::int64_t id = 0;
    JobId job;
    int attempt = 0;
    EvidenceKind kind = EvidenceKind::webhook;
    Instant at{};
    std::string head;   // JSON object: method, url (redacted), status, headers (redacted) …
    std::string body;   // at most evidence_body_bytes_max bytes are kept
    bool clipped = false;
    bool always = false;  // to be kept even when its event leaves no mark in the trail
};
inline constexpr std::size_t evidence_body_bytes_max = 64 * 1024;

// Where the chain of the trail ends. Hashes are 32 raw bytes; chain.hpp tells what goes into them.
struct ChainHead {
    std::int64_t last_id = 0;
    std::string hash;
    std::int64_t base_id = 0;     // everything up to here was pruned and left only …
    std::string base_hash;        // … the hash that it led to
    std::int64_t highest_id = 0;  // that SQLite has ever given to an event
};

// One event as the chain sees it, or what a pruned one has left.
struct TrailLink {
    std::int64_t id = 0;
    bool pruned = false;         // only the digest is known
    std::string digest;          // of what stands in the row now
    std::string hash;            // as stored; empty: none
    JobId job;                   // empty: nothing tells it any more
    bool has_job = false;        // its row is there
    std::int64_t number = 0;     // within the job
    std::optional<std::int64_t> evidence;
    std::string evidence_hash;                // as stored; empty: none
    std::optional<std::string> evidence_now;  // of what stands there now; nothing: it has gone
};

// A file that a provider keeps for us, and the upload of it that is on its way.
struct StoredUpload {
    std::string provider;      // the first three are the key
    std::string sha256;        // lower-case hex
    std::string content_type;
    std::string name;          // as the upload began with it
    std::uint64_t bytes = 0;
    std::string file_url;      // empty: none is finished
    std::optional<Instant> uploaded_at;
    std::optional<Instant> expires_at;  // nothing: no end is known
    // Where the bytes go, JSON: a secret, never to be shown, gone once the upload is done. Empty:
    // none is on its way.
    std::string ticket;
    std::vector<std::string> etags;  // of the parts that arrived, in their order
    std::optional<Instant> started_at;
    friend bool operator==(const StoredUpload&, const StoredUpload&) = default;
};

struct JobFilter {
    std::vector<State> states;     // empty: all
    std::string batch;             // empty: all
    std::string model;
    std::map<std::string, std::string> labels;
    std::string id_prefix;
    std::int64_t before_seq = 0;   // cursor: only older rows; 0: from the newest
    int limit = 100;
};

// A path that was planned for an output whose file is not known to be on disk.
struct UnstoredFile {
    JobId job;
    State state = State::fetching;  // of the job
    std::string path;
};

// `retired`: the id belonged to a job whose record was removed; nothing is inserted.
enum class InsertOutcome { inserted, existed, conflict, retired };

// What is left of a job whose record was removed.
struct RetiredJob {
    JobId id;
    std::string content_hash;
    State state = State::completed;
    Instant finished_at{};
};

struct EndedJob {
    JobId id;
    Instant finished_at{};
};

// A line of a provider's log.
struct StoredLog {
    std::int64_t id = 0;  // grows over all jobs
    JobId job;
    int attempt = 0;
    domain::LogLine line;
};
struct LogsAdded {
    std::size_t lines = 0;
    bool first = false;  // the attempt had none before
};

// The money of one day, one model of a provider, one batch ("": none).
struct MoneyOfDay {
    std::string provider;
    std::string model;
    std::string batch;
    MoneySum sum;
};

struct EvidenceAge {
    std::int64_t id = 0;
    Instant at{};
    bool done = false;  // processed, and its job has ended
};

struct EvidenceReference {
    std::int64_t id = 0;
    int attempt = 0;
    std::string kind;
    Instant at{};
    std::int64_t bytes = 0;
    bool clipped = false;
};

// The queries of one transaction. Valid only inside the function given to Store::transact.
// Broken invariants and SQLite's own failures leave as exceptions that transact() catches.
class Connection;

class Tx {
  public:
    // Jobs. insert fills job.seq and version; the other outcomes change nothing, `existed` and
    // `conflict` fill
    // `job` with the row that is there (compare by domain::content_hash).
    InsertOutcome insert_job(Job& job);
    std::optional<Job> find_job(const JobId& id);          // with its outputs
    // Compare-and-set on version; false: somebody was faster, nothing changed. Increments
    // job.version, writes outputs that changed.
    [[nodiscard]] bool update_job(Job& job);
    // Only the volatile fields (due_at, unknown_until, poll counters), same compare-and-set.
    [[nodiscard]] bool update_timer(Job& job);
    std::vector<Job> list_jobs(const JobFilter& filter);   // newest first
    std::vector<JobId> find_ids(std::string_view prefix, int limit);
    std::optional<Job> find_retry_of(const JobId& id);     // the job that tries `id` again
    std::map<State, std::int64_t> count_by_state();
    std::int64_t count_in_hand(std::string_view provider); // submitting … running
    std::int64_t count_queued(std::string_view provider);

    // Work.
    std::vector<Job> due_jobs(Instant now, int limit);     // non-terminal, due_at <= now, oldest first
    std::optional<Instant> next_due();
    // Every owner timer that stands for a length of time, by as much as the wall clock was set.
    void move_waits(Millis by);
    std::vector<Job> queued_jobs(std::string_view provider, int limit);  // priority, then age
    // Those of them that may be submitted as they are, and those whose files have to be uploaded first.
    std::vector<Job> ready_jobs(std::string_view provider, Instant now, int limit);
    std::vector<Job> jobs_to_upload(std::string_view provider, Instant now, int limit);
    // Scheduled with the reason `upload`, oldest first.
    std::int64_t count_uploading(std::string_view provider);
    std::vector<Job> uploading_jobs(std::string_view provider);
    std::vector<Job> jobs_in_state(State state, int limit);              // oldest first
    std::vector<Job> held_jobs(std::string_view provider, Reason reason, int limit);

    // Attempts.
    void insert_attempt(const Attempt& attempt);
    void update_attempt(const Attempt& attempt);
    std::vector<Attempt> attempts(const JobId& job);       // oldest first
    std::optional<Attempt> find_attempt(const JobId& job, int number);
    std::optional<Attempt> find_attempt_by_token(const Token& token);
    std::optional<Attempt> find_attempt_by_request(std::string_view provider, const RequestId& id);
    // Of this model, intended within the time, perhaps accepted, their request unknown.
    std::vector<Attempt> unbound_attempts(std::string_view provider, const std::string& model,
                                          Instant from, Instant to);

    // Money: sums over all submits that ever were, also of jobs whose records are gone. A day is
    // written as Attempt::day.
    std::vector<MoneyOfDay> money_of_day(std::string_view day);
    MoneySum money_of_batch(std::string_view batch);
    MoneySum open_money();  // reserved and possible alone, of all days

    // Bytes that came with an answer: kept until their output is stored, by the change that says so.
    void save_content(const Job& job, int index, std::string_view bytes);
    std::optional<std::string> find_content(const JobId& job, int index);
    void copy_contents(const JobId& from, const Job& to);

    // Uploaded files. A row without a URL and without a ticket is not kept.
    std::optional<StoredUpload> find_upload(std::string_view provider, std::string_view sha256,
                                            std::string_view content_type);
    void save_upload(const StoredUpload& upload);
    // Those whose URL has been dead for a while, or whose upload nobody went on with; how many.
    int prune_uploads(Instant now);
    // The paths that jobs name which are not over.
    std::vector<std::string> input_paths();

    // Output paths: two outputs never share one.
    bool is_path_free(const std::string& path);
    // Planned and not stored, whatever became of the job.
    std::vector<UnstoredFile> unstored_files();

    // Trail.
    std::int64_t append_event(AuditEntry entry);           // number is filled here; the new id
    std::vector<AuditEntry> events(const JobId& job);
    std::vector<AuditEntry> events_after(std::int64_t id, int limit);
    std::int64_t last_event_id();

    // The provider's log: the newest lines of each job, oldest of them first. add keeps those that the
    // current attempt does not have yet.
    LogsAdded add_logs(const Job& job, const std::vector<domain::LogLine>& lines);
    std::vector<StoredLog> logs(const JobId& job);
    std::vector<StoredLog> logs_after(std::int64_t id, int limit);
    std::int64_t last_log_id();

    // The chain. links_after: kept and pruned events in the order of their ids.
    ChainHead chain_head();
    std::vector<TrailLink> links_after(std::int64_t id, int limit);
    // For verification: all jobs by age, one by one; and which columns of a row, or labels, do not
    // repeat what the job says.
    std::vector<std::int64_t> job_seqs_after(std::int64_t seq, int limit);
    std::optional<Job> find_job(std::int64_t seq);
    std::vector<std::string> wrong_copies(const Job& job);
    // Retention. The digests that the events leave keep the chain whole; the number of events. The
    // job's other rows are the caller's to delete, and all of it belongs into one transaction.
    std::int64_t prune_events_of(const JobId& job);
    // Deletes it; an event that refers to it keeps its hash, which goes on proving what it was.
    void prune_evidence(std::int64_t evidence);

    // Evidence. A webhook is unprocessed until mark_processed.
    std::int64_t insert_evidence(const Evidence& evidence);
    std::vector<Evidence> evidence_of(const JobId& job);
    std::vector<Evidence> unprocessed_webhooks(int limit);
    void mark_processed(std::int64_t evidence);
    int count_webhooks(const JobId& job, int attempt);

    // Retention. Oldest end first.
    std::vector<EndedJob> ended_jobs(State state, int limit);
    std::optional<RetiredJob> find_retired(const JobId& id);
    std::optional<RetiredJob> find_retired_retry_of(const JobId& id);  // the retired retry of `id`
    // Removes an ended job's rows and remembers its id.
    void retire_job(const Job& job);
    std::vector<EvidenceAge> evidence_ages(std::int64_t after, int limit);  // oldest first
    std::vector<EvidenceReference> evidence_references(const JobId& job);
    std::vector<std::string> event_hashes(const JobId& job);  // hex, as events() is ordered

    // Set when this database is a copy that nobody has started a daemon on yet.
    std::optional<Instant> copied_at();
    void forget_copied();

    // Providers.
    ProviderState provider_state(std::string_view name);   // a fresh one when absent
    void save_provider_state(const ProviderState& state);

    explicit Tx(Connection& connection) : connection_(connection) {}

  private:
    Connection& connection_;
};

struct StoreConfig {
    std::string path;
    bool durable = true;  // false: synchronous OFF, for tests on a simulated clock only
    int pages_max = 0;    // the database's bound in pages, 0: none; lets tests meet a full disk
    // In the WAL before a checkpoint moves its pages: below the 1,000 frames at which a foreign
    // shell would do it by itself. Four times as many, and a checkpoint cuts the file.
    int checkpoint_frames = 900;
};

struct StoreFacts {
    std::string sqlite_version;
    int schema_version = 0;
    std::uint64_t database_bytes = 0;
    std::uint64_t wal_bytes = 0;
    bool is_in_place = true;      // false: the file was removed or replaced under the daemon
    bool writes_blocked = false;  // a foreign program holds the write lock
    bool wal_is_stuck = false;    // a foreign reader keeps the large WAL from being emptied
    std::string held_by;          // who, of the two above, when it can be seen
};

class Store {
  public:
    // Opens or creates, migrates, reads the pragmas back, checks the integrity. Errors name what
    // to do: a newer schema, a foreign file, a corrupt file, a lock held by another reeld.
    static Result<std::unique_ptr<Store>> open(const StoreConfig& config);
    ~Store();

    // Runs the plain function f(Tx&) in a savepoint of the open group transaction (opened when there
    // is none). An exception rolls back this savepoint alone and becomes an error. Nothing is
    // durable before commit(). An awaitable cannot be returned: no transaction spans a suspension.
    template <class F>
    auto transact(F&& f) -> Result<std::invoke_result_t<F, Tx&>> {
        using T = std::invoke_result_t<F, Tx&>;
        static_assert(!is_awaitable<T>::value, "a transaction cannot suspend");
        std::optional<Result<T>> result;
        const Status status = run([&](Tx& tx) {
            if constexpr (std::is_void_v<T>) {
                f(tx);
                result.emplace();
            } else {
                result.emplace(f(tx));
            }
        });
        if (!status) return status.error();
        return std::move(*result);
    }

    // True while something is not durable.
    bool dirty() const;
    // Makes the group durable. On failure all of it is rolled back and the error tells why.
    Status commit();
    // Moves WAL pages into the database when the WAL has grown past its bound.
    Status checkpoint();
    StoreFacts facts();
    const std::string& path() const;
    // PRAGMA quick_check.
    Status check_integrity();

  private:
    template <class T>
    struct is_awaitable : std::false_type {};
    template <class T>
        requires requires { typename T::executor_type; typename T::value_type; }
    struct is_awaitable<T> : std::true_type {};

    explicit Store(std::unique_ptr<Connection> connection);
    // A reference to the caller's function, type-erased without allocation.
    struct Work {
        void* object;
        void (*call)(void*, Tx&);
    };
    template <class F>
    Status run(F&& f) {
        return run_work(Work{&f, [](void* object, Tx& tx) {
                                 (*static_cast<std::remove_reference_t<F>*>(object))(tx);
                             }});
    }
    Status run_work(Work work);

    std::unique_ptr<Connection> connection_;
};

}  // namespace reeld::store
