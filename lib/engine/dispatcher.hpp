#pragma once
// Takes queued jobs to their providers: by priority, then age, each provider on its own.
#include <string>
#include <utility>
#include <vector>

#include "engine/job_tasks.hpp"

namespace reeld::engine {

class Dispatcher {
  public:
    Dispatcher(Core& core, JobTasks& tasks) : core_(core), tasks_(tasks) {}

    // Runs until cancelled.
    awaitable<void> run();
    // A round's changes are on their way to the disk; its submits follow.
    bool in_round() const { return in_round_; }

  private:
    struct Round {
        std::vector<Written> written;
        bool more = false;                // a slice was full: look again at once
        std::optional<Instant> wake_at;   // when a gate opens by itself
    };
    Status work(Round& round);
    awaitable<Status> one_round(Round& round);
    void work_on(store::Tx& tx, const std::string& provider, const ProviderSetup& setup,
                 Round& round);
    // False: the job did not become a submit.
    bool admit(store::Tx& tx, const domain::Job& job, Round& round);
    // How many.
    int move_held(store::Tx& tx, const std::string& provider, domain::Reason reason, int limit,
                   Round& round);
    // Whether any began.
    bool begin_uploads(store::Tx& tx, const domain::ProviderState& state, bool probe, Round& round);
    void hold_queued(store::Tx& tx, const domain::ProviderState& state, Round& round);
    bool disk_is_low();

    Core& core_;
    JobTasks& tasks_;
    bool in_round_ = false;
};

}  // namespace reeld::engine
