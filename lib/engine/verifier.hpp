#pragma once
// Recomputes what can be recomputed: the chain of the trail, every row against its events, the
// evidence, the files. Works in slices of a few milliseconds, so that the daemon goes on beside it; a
// job is read with all that belongs to it in one transaction.
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "domain/invariants.hpp"
#include "runtime/file_system.hpp"
#include "store/chain_walk.hpp"
#include "store/database_check.hpp"
#include "store/store.hpp"

namespace reeld::engine {

// One thing that does not fit.
struct Misfit {
    std::string check;       // stable, snake_case
    JobId job;               // empty: of no job, or of one that nobody knows
    std::int64_t event = 0;  // id; 0: of none
    std::int64_t number = 0;  // of the event within its job; 0: unknown
    std::string file;        // path; empty: of none
    std::string what;        // one sentence: what was expected, what is there
};

struct VerifyOptions {
    bool files = true;
    std::optional<store::NotedHead> noted;
};

struct VerifyReport {
    std::int64_t head_id = 0;
    std::string head_hash;  // hex
    std::uint64_t events = 0;
    std::uint64_t events_pruned = 0;
    std::uint64_t evidence = 0;
    std::uint64_t evidence_pruned = 0;
    std::uint64_t jobs = 0;
    std::uint64_t attempts = 0;
    std::uint64_t files = 0;
    std::uint64_t file_bytes = 0;
    bool files_skipped = false;
    std::uint64_t problems = 0;
    std::vector<Misfit> misfits;  // in the order they were found, at most misfits_max
};
inline constexpr std::size_t misfits_max = 1'000;

struct VerifyProgress {
    std::string_view stage;   // trail, jobs, database
    std::uint64_t done = 0;   // events or jobs
    std::uint64_t total = 0;
    std::uint64_t file_bytes = 0;
};

class Verifier {
  public:
    // Both must outlive it. The head is taken here: what is written later is not looked at.
    Verifier(store::Store& store, runtime::FileSystem& files, VerifyOptions options);

    enum class Pace { again, wait, done };
    // One slice. `wait`: nothing can be done until the database's own check has ended.
    // An error: the database could not be read at all.
    Result<Pace> step();

    VerifyProgress progress() const;
    const VerifyReport& report() const { return report_; }

  private:
    struct Opened {  // the file that is being hashed
        domain::Job job;
        domain::Output output;
        std::unique_ptr<runtime::File> file;
        Sha256 hash;
        std::uint64_t offset = 0;
    };
    enum class Stage { begin, trail, jobs, database, done };

    Status begin();
    Status walk();
    Status next_job();
    void check_job(const domain::Job& job, const std::vector<domain::Attempt>& attempts,
                   const std::vector<store::AuditEntry>& trail,
                   const std::vector<std::string>& wrong_copies);
    void open_file();
    void read_file();
    void judge_file(const Opened& opened, std::string check, std::string what);
    void add(Misfit misfit);
    void take_chain_findings();

    store::Store& store_;
    runtime::FileSystem& files_;
    VerifyOptions options_;
    VerifyReport report_;
    Stage stage_ = Stage::begin;
    std::optional<store::ChainWalk> walk_;
    std::int64_t base_ = 0;
    std::set<std::string> without_row_;  // jobs that are told once, not with each event
    std::deque<std::int64_t> seqs_;
    std::int64_t last_seq_ = 0;
    std::uint64_t jobs_total_ = 0;
    std::deque<std::pair<domain::Job, domain::Output>> to_hash_;
    std::optional<Opened> opened_;
    std::vector<char> window_;
    std::unique_ptr<store::DatabaseCheck> database_;
};

}  // namespace reeld::engine
