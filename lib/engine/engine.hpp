#pragma once
// The engine: makes things happen. Built from services and configuration, started once, stopped in
// order; everything it must remember is in the store.
#include <memory>

#include "engine/backup.hpp"
#include "engine/clock_watch.hpp"
#include "engine/control.hpp"
#include "engine/core.hpp"
#include "engine/dispatcher.hpp"
#include "engine/fetch_stage.hpp"
#include "engine/file_spool.hpp"
#include "engine/inbox_intake.hpp"
#include "engine/job_tasks.hpp"
#include "engine/retention.hpp"
#include "engine/status_streams.hpp"
#include "engine/webhook_intake.hpp"

namespace reeld::engine {

class Engine : public Control {
  public:
    Engine(Services services, EngineConfig config);

    // Starts the loops. What a crash left behind is found by the same timers as everything else;
    // only submits without an owner are named at once. On a restored copy the pending jobs are held
    // before anything else.
    void start();
    // No new submit; waits for those in flight for at most `stop_grace`, then ends every task.
    awaitable<void> stop();
    // Takes a new configuration; a changed key or a changed limit works from the next request on.
    void reconfigure(EngineConfig config);

    void inbox_changed() { inbox_.ring(); }
    http::Handler& webhook_handler() { return webhooks_; }
    void set_webhook_address(std::string address) { webhook_address_ = std::move(address); }

    awaitable<Result<std::vector<Submitted>>> submit(
        std::vector<domain::JobRequest> requests, JobFiles files = {}) override;
    CheckedFiles check(const json::object& job, const json::array* told = nullptr) override;
    Result<SpooledFile> spooled(const std::string& sha256) override { return spool_.find(sha256); }
    awaitable<Result<SpooledFile>> spool(SpoolPiece piece) override {
        return spool_.put(std::move(piece));
    }
    bool is_uploaded(std::string_view model, const domain::InputFile& file) override;
    awaitable<Result<domain::Job>> act(JobId id, Action action,
                                       Person person = Person()) override;
    awaitable<Result<domain::Job>> adopt(JobId id, RequestId request,
                                         Person person = Person()) override;
    awaitable<Result<BackupDone>> backup(std::string path,
                                         std::function<bool()> abandoned) override;
    std::optional<std::string> provider_of(std::string_view model) const override;
    std::shared_ptr<const catalogue::Catalogue> catalogue() const override {
        return core_.config.catalogue;
    }
    domain::Reason shown_reason(const domain::Job& job) const override;
    awaitable<Status> read_barrier() override;
    store::Store& store() override { return core_.services.store; }
    awaitable<void> wait_for_event(std::int64_t after, Millis timeout) override;
    std::unique_ptr<Verifier> verifier(VerifyOptions options) override;
    EngineStatus status() override;
    Counters counters() const override;

  private:
    awaitable<void> run_timers();
    awaitable<void> run_upkeep();
    void prune_uploads();
    Status fire_due(std::vector<Written>& written, bool& more);
    Status name_interrupted(std::vector<Written>& written);
    Status take_up_operations();
    Status hold_restored();
    Status mark_restored(bool& is_copy);
    awaitable<void> start_later();
    void begin();
    awaitable<Result<domain::Job>> apply_action(JobId id, domain::Event event, Person person);
    awaitable<Result<domain::Job>> retry(JobId id, Person person);
    void follow(std::vector<Written> written);
    void spawn_loops();
    // A submit is on its way, or its intent is being made durable.
    bool is_submitting() const {
        return dispatcher_.in_round() || tasks_.submits_in_flight() > 0;
    }

    Core core_;
    ClockWatch clock_watch_;
    FetchStage fetch_;
    Uploader uploader_;
    JobTasks tasks_;
    StatusStreams streams_;
    Dispatcher dispatcher_;
    WebhookIntake webhooks_;
    InboxIntake inbox_;
    Backup backup_;
    Retention retention_;
    FileSpool spool_;
    Millis started_;  // on the clock's elapsed()
    std::string webhook_address_;
};

}  // namespace reeld::engine
