#pragma once
// Removes the records of jobs that ended long ago: exported first, a few at a time, never more of
// the loop than a part.
#include <string>
#include <vector>

#include "engine/job_tasks.hpp"

namespace reeld::engine {

class Retention {
  public:
    Retention(Core& core, JobTasks& tasks)
        : core_(core), tasks_(tasks), bell_(core.services.tasks.executor()) {}

    // Runs until cancelled.
    awaitable<void> run();
    // The configuration has changed.
    void look_again() { bell_.ring(); }
    RetentionStatus status() const;

  private:
    // How many went; less than a full slice means that no more is due.
    awaitable<Result<int>> retire_slice(domain::State state, RetentionLimits limits);
    awaitable<Result<int>> drop_evidence();
    awaitable<Result<bool>> sweep();
    std::vector<domain::Job> due(store::Tx& tx, domain::State state,
                                 const RetentionLimits& limits) const;
    Status end_with_whole_lines(runtime::File& file, int looked_at);  // lines, at the end
    awaitable<Status> export_lines(std::string folder, std::string lines);

    Core& core_;
    JobTasks& tasks_;
    runtime::Bell bell_;
    std::int64_t evidence_seen_ = 0;  // everything up to here was looked at in this round
    std::string trouble_;
    std::string whole_;  // the export that this process has flushed last, and nothing since has torn
    std::int64_t retired_ = 0;
    std::int64_t evidence_ = 0;
    std::optional<Instant> last_at_;
};

}  // namespace reeld::engine
