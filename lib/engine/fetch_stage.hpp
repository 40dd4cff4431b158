#pragma once
// From known result URLs to verified files: plans the paths, waits for a place, runs the downloads.
#include <memory>
#include <set>
#include <string>

#include "engine/core.hpp"
#include "engine/download.hpp"
#include "engine/job_writer.hpp"
#include "engine/slots.hpp"

namespace reeld::engine {

class FetchStage {
  public:
    explicit FetchStage(Core& core);

    // Fetches what the job still misses; returns the effects that follow its last event.
    awaitable<std::vector<domain::Effect>> fetch(JobId id);
    int active() const { return slots_.used(); }
    int concurrency() const { return slots_.count(); }
    void reconfigure();
    // Removes partial files that no unfinished job owns.
    void sweep();
    // Tries again what the disk refused to remove.
    void remove_leftovers();

  private:
    struct Planned {
        std::optional<domain::Output> output;  // with its path; nothing: see `error`
        domain::event::FetchProblem problem = domain::event::FetchProblem::retry;
        domain::ErrorInfo error;
    };
    std::optional<domain::Job> load(const JobId& id) const;
    awaitable<Planned> plan(domain::Job job, domain::Output output, bool taken);
    void forget(const JobId& id, const std::string& path, bool stored);
    void owe(const std::string& file);
    void owe_removal(const JobId& id, const std::string& path);
    std::shared_ptr<const std::string> load_content(const JobId& id, int index) const;
    awaitable<domain::Event> fetch_planned(JobId id, domain::Output output);

    Core& core_;
    Downloader downloader_;
    Slots slots_;
    std::set<std::string> leftovers_;
};

}  // namespace reeld::engine
