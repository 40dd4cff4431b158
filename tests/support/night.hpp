#pragma once
// A whole night in one process: the engine on its real database, a simulated provider, network and
// disk, people who interfere, and a machine that dies. All of it follows from one seed.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "sandbox/service.hpp"
#include "support/fake_clock.hpp"
#include "support/simulated_disk.hpp"
#include "support/simulated_net.hpp"

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
    ~Night();

    // Lives through it until nothing moves any more; what is wrong afterwards, empty when nothing.
    std::vector<std::string> run();
    // One line per audit event of every job, for a failing seed.
    std::string trace();
    std::string summary() const;

  private:
    struct Life;

    void begin_life();
    void crash();
    void submit_some(int count);
    void drop_row();
    void interfere();
    void pass(Millis duration);
    bool quiet();
    void release_everything();
    runtime::awaitable<void> pump_webhooks();
    runtime::awaitable<void> deliver(sandbox::WebhookDelivery delivery);

    void check_all(std::vector<std::string>& wrong);
    void check_jobs(std::vector<std::string>& wrong);
    void check_ledger(std::vector<std::string>& wrong);

    NightPlan plan_;
    std::string folder_;
    boost::asio::io_context loop_;
    FakeClock clock_;
    std::unique_ptr<runtime::Rng> rng_;
    std::unique_ptr<runtime::Rng> daemon_rng_;
    std::unique_ptr<sandbox::Service> provider_;
    runtime::Bell provider_changed_;
    std::unique_ptr<SimulatedNet> net_;
    std::unique_ptr<SimulatedDisk> disk_;
    std::unique_ptr<Life> life_;
    int lives_ = 0;
    int next_job_ = 0;
    std::set<std::string> acknowledged_;  // ids that the daemon has promised
    std::set<std::string> dropped_;       // rows put into the inbox
    std::set<std::string> risked_;        // jobs whose double payment a person chose
    std::set<std::string> media_;         // digests of files that the provider gave out
};

}  // namespace reeld::test
