#pragma once
// A random script for a world: jobs, people who interfere, troubles and crashes, all from one seed.
#include <map>
#include <set>
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
    bool people = true;          // who cancel, hold, release, retry, edit the inbox and reload
    double fault_level = 0.05;   // chance of each kind of misbehaviour of the provider
    double net_level = 0.05;     // and of the network
    std::set<std::string> off;   // kinds (see night_kinds) that do not happen
    bool trace = false;
    std::vector<std::string> providers{"fal"};
    bool old_header = false;                  // of Eachlabs, for the key
    int status_streams = 0;                   // jobs that are listened to at once
    bool speech = false;                      // some jobs get sound within the answer
    bool local_files = false;                 // some jobs name files that people change
};

// Everything derived from a seed.
NightPlan plan_of(std::uint64_t seed);

// Every kind of thing that the script, the network and the provider can do to a night, and every
// way a night was seen to go: over many nights each of them has to occur.
std::vector<std::string> night_kinds();

class Night {
  public:
    explicit Night(NightPlan plan);

    // Lives through it until nothing moves any more; what is wrong afterwards, empty when nothing.
    std::vector<std::string> run();
    // The plan, then one line per event, by time; with `plan.trace` also those outside the daemon.
    std::string trace();
    std::string summary() { return world_.summary(); }
    std::map<std::string, std::uint64_t> counts() { return world_.counts(); }

  private:
    double chance() { return rng_->uniform(); }
    Millis up_to(double milliseconds) {
        return Millis{static_cast<Millis::rep>(chance() * milliseconds)};
    }
    // Draws whether it happens now. A kind that is off is drawn all the same, so that the rest of
    // the night stays as it is.
    bool does(const std::string& kind, double odds);
    std::string some_id();

    void turn();
    void trouble();
    void end_process();
    void submit_some(int count);
    void drop_row();
    void submit_again();
    void interfere();
    void edit_rows();
    void settle_doubt();
    void reload();
    void turn_knobs();
    void set_clock();
    void touch_files();

    NightPlan plan_;
    std::unique_ptr<runtime::Rng> rng_;  // of the script alone
    World world_;
    int to_submit_ = 0;
    int to_crash_ = 0;
    int next_job_ = 0;
    std::vector<std::string> ids_;        // of all that was ever submitted
    std::map<std::string, json::object> sent_;  // over the socket
    std::vector<std::string> rows_;       // ids dropped as rows
    std::vector<std::string> bad_rows_;   // that nobody has mended yet
};

}  // namespace reeld::test
