#pragma once
// A random script for a world: jobs, people who interfere, troubles and crashes, all from one seed.
#include <string>
#include <vector>

#include "support/world.hpp"

namespace reeld::test {

struct NightPlan {
    std::uint64_t seed = 1;
    int jobs = 12;
    int crashes = 2;
    bool webhooks = true;
    bool resubmit_unknown = false;
    bool people = true;          // who cancel, hold, release and retry
    double fault_level = 0.05;   // chance of each kind of misbehaviour
    double unreachable = 0.02;
    double lost_answer = 0.02;
};

// Everything derived from a seed.
NightPlan plan_of(std::uint64_t seed);

class Night {
  public:
    explicit Night(NightPlan plan);

    // Lives through it until nothing moves any more; what is wrong afterwards, empty when nothing.
    std::vector<std::string> run();
    // The plan, then one line per audit event of every job, for a failing seed.
    std::string trace();
    std::string summary() { return world_.summary(); }

  private:
    double chance() { return world_.rng().uniform(); }
    Millis up_to(double milliseconds) {
        return Millis{static_cast<Millis::rep>(chance() * milliseconds)};
    }
    void turn();
    void crash();
    void submit_some(int count);
    void drop_row();
    void interfere();

    NightPlan plan_;
    World world_;
    int to_submit_ = 0;
    int to_crash_ = 0;
    int next_job_ = 0;
};

}  // namespace reeld::test
