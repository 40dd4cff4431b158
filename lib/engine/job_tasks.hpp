#pragma once
// Performs the effects of jobs: one task per job that has something to do, its effects in order.
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/core.hpp"
#include "engine/fetch_stage.hpp"
#include "engine/job_writer.hpp"
#include "engine/uploader.hpp"

namespace reeld::engine {

class JobTasks {
  public:
    JobTasks(Core& core, FetchStage& fetch, Uploader& uploader)
        : core_(core), fetch_(fetch), uploader_(uploader) {}

    // The effects of a durable step; they join the job's running task or start one.
    void start(const JobId& id, std::vector<domain::Effect> effects);
    bool busy(const JobId& id) const { return todo_.contains(id); }
    std::size_t size() const { return todo_.size(); }
    // From the durable intent until the answer is durable.
    std::size_t submits_in_flight() const { return submits_.size(); }

  private:
    awaitable<void> run(JobId id);
    awaitable<void> perform(JobId id, domain::Effect effect);
    awaitable<void> submit(JobId id);
    awaitable<void> leave_unsent(JobId id, std::string why);
    awaitable<void> poll(JobId id);
    awaitable<void> read_result(JobId id);
    awaitable<void> cancel(JobId id);
    awaitable<void> search(JobId id);
    awaitable<void> take(JobId id, domain::Event event, std::optional<store::Evidence> evidence);

    std::optional<domain::Job> load(const JobId& id);

    Core& core_;
    FetchStage& fetch_;
    Uploader& uploader_;
    std::map<JobId, std::deque<domain::Effect>> todo_;
    std::set<JobId> submits_;
};

}  // namespace reeld::engine
