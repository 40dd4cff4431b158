#pragma once
// Turns rows that other programs dropped into jobs.
#include "engine/core.hpp"

namespace reeld::engine {

class InboxIntake {
  public:
    explicit InboxIntake(Core& core) : core_(core), bell_(core.services.tasks.executor()) {}

    // Runs until cancelled.
    awaitable<void> run();
    // Something may have been dropped.
    void ring() { bell_.ring(); }

  private:
    // How many rows were looked at; `busy` when somebody holds the file.
    awaitable<Result<int>> drain();
    // Keeps the trouble for status and doctor, and says once what begins and what ends.
    void tell(const Result<int>& looked);
    Status take(const store::InboxRow& row, std::string& refusal);

    Core& core_;
    runtime::Bell bell_;
    std::optional<Instant> busy_since_;
};

}  // namespace reeld::engine
