#pragma once
// A whole installation in one process and on virtual time: the engine on its real database, a
// simulated provider, network and disk, and a machine that dies. Scripts (a seeded night, a fixed
// scenario) decide what happens in it; the checks afterwards are the same for all.
#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "sandbox/service.hpp"
#include "store/inbox.hpp"
#include "support/dropper.hpp"
#include "support/fake_clock.hpp"
#include "support/journal.hpp"
#include "support/memory_vfs.hpp"
#include "support/simulated_disk.hpp"
#include "support/simulated_net.hpp"

namespace reeld::test {

struct WorldOptions {
    std::uint64_t seed = 1;
    std::vector<std::string> providers{"fal"};  // that jobs go to, each to one of them
    std::string eachlabs_auth;                  // as configured
    bool webhooks = true;
    bool resubmit_unknown = false;
    int status_streams = 0;                     // jobs listened to at once
    bool speech = false;                        // some jobs want sound within the answer
    int concurrency = 4;
    int requests_per_minute = domain::GateLimits{}.requests_per_minute;
    std::string key = "night:key";  // of the daemon
    Millis submit_unknown_wait = domain::Policy{}.submit_unknown_wait;
    Millis inbox_interval = engine::EngineConfig{}.inbox_interval;
    int checkpoint_frames = store::StoreConfig{}.checkpoint_frames;
    engine::RetentionSetup retention;  // the folder is filled in
    engine::InputSetup inputs;         // the folders are filled in
    bool local_files = false;          // some jobs name a file of this machine
    std::uint64_t part_bytes = 0;      // of uploads of more than four such parts; 0: the real size
    bool trace = false;         // the journal is written
    sandbox::Options provider;  // seed and public_url are filled in
};

// What a client of the socket has heard: nothing while the answer is on its way, and nothing ever
// from a process that died or about what the socket would have refused.
struct Reply {
    bool given = false;
    Status status = ok();
    std::vector<domain::Job> jobs;
};
using ReplyPtr = std::shared_ptr<const Reply>;

// What a reload can change.
struct Settings {
    int concurrency = 4;
    int requests_per_minute = 120;
    std::string key = "night:key";  // empty: none
    std::string hooks_url;          // empty: polling only
};

class World {
  public:
    static constexpr auto model = "fal-ai/minimax/hailuo-02/standard/text-to-video";
    static constexpr auto speech_model = "fal-ai/minimax/speech-02-hd";
    static constexpr auto eachlabs_model = "eachlabs/minimax-i2v-01";
    static constexpr auto provider_url = "http://127.0.0.1:8470";
    static constexpr auto hooks_url = "http://127.0.0.1:8460";
    static constexpr auto outputs = "/outputs";
    static constexpr auto exports = "/state/exports";
    static constexpr auto spool = "/state/files";
    static constexpr auto shots = "/shots";  // where jobs may name files

    explicit World(WorldOptions options);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Lives. A process starts on what the one before has left.
    void start();
    // Keeps what the running process would leave if it died at this very moment; from here on
    // nothing that it does reaches provider, disk, database or anybody who waits for its answer.
    enum class InFlight { lost, arrives };  // requests that had left when it died
    void die_now(InFlight in_flight = InFlight::lost);
    // The same for the whole machine: of what was not synced the next process finds what `cut`
    // says.
    void cut_power(const PowerCut& cut);
    // Ends the process: as die_now() or cut_power() did, or dead at this moment.
    void bury();
    // Ends it as `systemctl stop` does, unless it dies under it.
    void stop();
    // Another key for the daemon; one that runs is reloaded.
    void give_key(std::string key);
    // For a fork of the test: from its next start on it lives in a folder of its own, because the
    // instance lock of this one stays with the process that forked.
    void move_out() { moving_ = true; }
    bool dead() const { return dead_; }
    int lives() const { return lives_; }
    // No process runs: time passes, webhooks knock in vain, late requests arrive.
    void lie_dead(Millis duration);
    // Another configuration for the running process and all after it.
    void reload(Settings settings);
    const Settings& settings() const { return settings_; }

    // The model that a job of this id is made with, always the same.
    const char* model_of(const std::string& id) const;
    // People and programs. A job's prompt names it in the provider's ledger.
    json::object job_json(const std::string& id) const;
    // The files that such jobs name, as they are at first or changed.
    static constexpr int shot_count = 4;
    void put_shot(int number, int edition);
    void put_shots();  // all of them, as they are at first
    ReplyPtr submit(std::vector<json::object> jobs);
    bool drop_row(const std::string& id, std::string_view model, std::string_view input,
                  bool is_good);
    // Somebody mends the input of a refused row.
    bool mend_row(const std::string& id, std::string_view input);
    ReplyPtr act(const std::string& id, engine::Action action);
    // Waits until what can be read is durable, then reads.
    ReplyPtr read();
    // Says which request at the provider a job in doubt is.
    ReplyPtr adopt(const std::string& id, const std::string& request_id);
    // A copy of both databases beside them, under this name.
    ReplyPtr backup(const std::string& name);
    // Hands a file over as `reel submit` does, in two pieces, on from where another process was.
    ReplyPtr hand_over(const std::string& bytes);
    // Between two processes: the copy of that name takes the databases' place.
    void put_back(const std::string& name);
    // One statement on the inbox; the rows it changed, -1 when it was refused. `promised` and
    // `withdrawn` are ids of good rows that it adds or takes away when it changes any.
    int edit_inbox(const std::string& sql, const std::vector<std::string>& values,
                   const std::string& promised = {}, const std::string& withdrawn = {});
    // A shell that holds the inbox from now until the process ends or it is released.
    void hold_inbox();
    void release_inbox() { shell_.reset(); }
    // Someone with the keys of the provider turns its knobs: see `sandbox` control.
    void control(const json::object& body);
    // Payments twice for this job are somebody's choice from here on.
    void risk(const domain::Job& job);

    // The wall clock is set; nobody else's time changes.
    void jump(Millis by);
    // The machine sleeps: every clock but the monotonic one goes on.
    void suspend(Millis length);
    Instant their_time() const { return clock_.true_now(); }

    // Time. settle() runs what is ready; pass() goes from wake-up to wake-up.
    void settle();
    void pass(Millis duration);
    // Passes time until it holds; false when it did not within `limit`.
    bool pass_until(const std::function<bool()>& holds, Millis limit);
    // Every job rests and no row waits.
    bool quiet();
    // No fault and no lock any more, and room on the disk.
    void calm();

    std::vector<domain::Job> jobs();
    // The newest exported line of each job that is gone, by its id.
    std::map<std::string, json::object> retired();
    // What is wrong once it is quiet: lost, paid twice, broken, stuck, unexplained. Empty: nothing.
    // What failed or cancelled fetches left on the disk lies there until the next start sweeps it.
    enum class Disk { swept, as_left };
    std::vector<std::string> check(Disk disk = Disk::swept);
    // What the world saw, by time; without a journal the daemon's trail alone.
    std::string trace();
    std::string summary();
    // What happened how often: "net/lost_answer", "sandbox/submit_429", "attempt/adopted" …
    std::map<std::string, std::uint64_t> counts();
    Journal& journal() { return journal_; }
    void note(std::string_view who, std::string what) {
        journal_.say(clock_.monotonic(), who, std::move(what));
    }

    boost::asio::io_context& loop() { return loop_; }
    FakeClock& clock() { return clock_; }
    runtime::Rng& rng() { return *rng_; }
    sandbox::Service& provider() { return *provider_; }
    SimulatedNet& net() { return *net_; }
    SimulatedDisk& disk() { return *disk_; }  // another one after each end of a process
    MemoryVfs& vfs() { return *vfs_; }        // under both databases
    std::string database() const { return folder_ + "/reel.db"; }
    // Of the running process.
    engine::Engine& engine();
    store::Store& store();
    store::Inbox& inbox();
    runtime::TaskGroup& tasks();

  private:
    struct Life;

    engine::EngineConfig config() const;
    void miss_webhooks();
    bool rng_strikes(double odds, const char* kind);
    Millis webhook_way();
    void watch_submit(const std::string& provider);
    void watch_request();
    void forgive_limits();
    runtime::awaitable<void> pump_webhooks();
    runtime::awaitable<void> deliver(sandbox::WebhookDelivery delivery);
    runtime::awaitable<void> submit_task(std::vector<domain::JobRequest> requests,
                                         engine::JobFiles files,
                                         std::shared_ptr<Reply> reply);
    runtime::awaitable<void> act_task(JobId id, engine::Action action,
                                      std::shared_ptr<Reply> reply);
    runtime::awaitable<void> read_task(std::shared_ptr<Reply> reply);
    runtime::awaitable<void> adopt_task(JobId id, RequestId request,
                                        std::shared_ptr<Reply> reply);
    struct Copy {
        std::set<std::string> promised;  // jobs, when it was asked for
        std::int64_t jobs = 0;
        std::int64_t events = 0;
    };
    runtime::awaitable<void> backup_task(std::string name, Copy copy,
                                         std::shared_ptr<Reply> reply);
    runtime::awaitable<void> hand_over_task(std::string bytes, std::shared_ptr<Reply> reply);
    void check_jobs(std::vector<std::string>& wrong);
    void check_chain(std::vector<std::string>& wrong);
    void check_file(const domain::Job& job, const domain::Output& output,
                    std::vector<std::string>& wrong);
    void check_ledger(std::vector<std::string>& wrong);
    void check_money(std::vector<std::string>& wrong);
    void check_submits(std::vector<std::string>& wrong);
    void check_receipts(std::vector<std::string>& wrong);
    void check_disk(std::vector<std::string>& wrong);
    void check_uploads(std::vector<std::string>& wrong);
    void check_exports(std::vector<std::string>& wrong);
    void check_copies(std::vector<std::string>& wrong);
    void check_copy(const std::string& name, std::vector<std::string>& wrong);

    WorldOptions options_;
    Settings settings_;
    std::shared_ptr<const catalogue::Catalogue> prices_;
    std::string folder_;  // on the real disk, for the lock file
    std::unique_ptr<MemoryVfs> vfs_;
    boost::asio::io_context loop_;
    FakeClock clock_;
    std::unique_ptr<runtime::Rng> rng_;         // of the world
    std::unique_ptr<runtime::Rng> daemon_rng_;  // of the process
    std::unique_ptr<sandbox::Service> provider_;
    runtime::Bell provider_changed_;
    std::unique_ptr<SimulatedNet> net_;
    std::unique_ptr<SimulatedDisk> disk_;      // of the running process
    std::unique_ptr<SimulatedDisk> survived_;  // of the next one, once this one is dead
    DiskImage databases_;                      // likewise
    std::unique_ptr<runtime::TaskGroup> wires_;  // outlive processes
    std::unique_ptr<Life> life_;
    int lives_ = 0;
    std::unique_ptr<ForeignShell> shell_;
    Journal journal_;
    bool dead_ = false;
    bool lost_power_ = false;  // once
    bool put_back_ = false;    // an older database took the place of the daemon's, once
    bool moving_ = false;
    std::set<std::string> acknowledged_;  // ids that the daemon has promised
    std::vector<std::pair<std::string, std::string>> receipts_;  // token, body: answered 200
    std::set<std::string> dropped_;       // good rows put into the inbox
    std::map<std::string, Copy> copies_;  // that the daemon has told of, by name
    std::set<std::string> risked_;        // prompts whose double payment a person chose
    std::vector<std::string> broken_;     // rules that were broken on the way
    // Requests that a person named for another's job, and the prompts of those jobs. Where the
    // provider does not list the request yet, nothing speaks against such a word.
    std::set<std::string> misnamed_;
    std::set<std::string> misled_;
    struct Pace {
        std::deque<Millis> submits;  // of the last minute
        std::optional<Millis> no_submit_before;
    };
    std::map<std::string, Pace> paces_;  // of each provider
    std::deque<Millis> requests_;        // of every kind, of the last minute
    Millis limits_forgiven_until_{0};
};

}  // namespace reeld::test
