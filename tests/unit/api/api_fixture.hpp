#pragma once
// The API over a real store in a folder of its own, with an engine that does the least it can.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/api.hpp"
#include "domain/transition.hpp"
#include "engine/file_spool.hpp"
#include "engine/intake_check.hpp"
#include "runtime/task_group.hpp"
#include "support/fake_clock.hpp"
#include "support/simulated_disk.hpp"
#include "support/run_loop.hpp"

namespace reeld::api::testing {

namespace fs = std::filesystem;

class Folder {
  public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "reeld-api-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path_); }
    std::string file(const std::string& name) const { return (fs::path(path_) / name).string(); }

  private:
    std::string path_;
};

class FakeControl final : public engine::Control {
  public:
    FakeControl(runtime::asio::any_io_executor executor, runtime::Clock& clock)
        : clock_(clock), news_(std::move(executor)) {
        store::StoreConfig config;
        config.path = folder_.file("reel.db");
        config.durable = false;
        store_ = store::Store::open(config).value();
        status_.started_at = clock.now();
        engine::ProviderStatus fal;
        fal.name = "fal";
        fal.health = "ok";
        fal.concurrency = 8;
        fal.has_key = true;
        status_.providers.push_back(fal);
    }

    engine::awaitable<Result<std::vector<engine::Submitted>>> submit(
        std::vector<domain::JobRequest> requests, engine::JobFiles job_files) override {
        ++submits;
        submitted_files = std::move(job_files);
        if (refusal) co_return *refusal;
        std::vector<engine::Submitted> submitted;
        for (auto& request : requests) {
            if (request.id.empty()) request.id = JobId(fmt::format("made-{}", ++made_));
            auto one = add(std::move(request));
            if (!one) co_return one.error();
            submitted.push_back(std::move(*one));
        }
        co_return submitted;
    }

    engine::CheckedFiles check(const json::object& job, const json::array* told) override {
        const engine::FileCheck how{inputs, files, known_models.get(), nullptr, told};
        return engine::check_job(how, *store_, job);
    }
    Result<engine::SpooledFile> spooled(const std::string& sha256) override {
        if (!engine::is_sha256(sha256)) return Error(ErrorCode::invalid, "no SHA-256");
        engine::SpooledFile file = spooled_files[sha256];
        file.sha256 = sha256;
        return file;
    }
    engine::awaitable<Result<engine::SpooledFile>> spool(engine::SpoolPiece piece) override {
        pieces.push_back(piece);
        if (refusal) co_return *refusal;
        engine::SpooledFile& file = spooled_files[piece.sha256];
        file.sha256 = piece.sha256;
        file.received += piece.bytes.size();
        if (file.received == piece.size) file.path = "/state/files/" + piece.sha256 + "/a";
        co_return file;
    }
    bool is_uploaded(std::string_view, const domain::InputFile& file) override {
        return !file.sha256.empty() && file.sha256 == uploaded;
    }

    engine::awaitable<Result<domain::Job>> adopt(JobId id, RequestId request,
                                                 engine::Person person) override {
        adopted_by = person.uid();
        if (refusal) co_return *refusal;
        auto found = store_->transact([&](store::Tx& tx) { return tx.find_job(id); });
        if (!*found) co_return Error(ErrorCode::not_found, "there is no job " + id.str());
        domain::Job job = **found;
        job.state = domain::State::submitted;
        job.remote = domain::Remote{request, "", "", ""};
        change(job, "adopted", (*found)->state);
        co_return job;
    }

    engine::awaitable<Result<domain::Job>> act(JobId id, engine::Action action,
                                               engine::Person) override {
        auto found = store_->transact([&](store::Tx& tx) { return tx.find_job(id); });
        if (!*found) co_return Error(ErrorCode::not_found, "there is no job " + id.str());
        if (action == engine::Action::release) {
            co_return Error(ErrorCode::conflict, "it is not held");
        }
        domain::Job job = **found;
        job.state = action == engine::Action::hold ? domain::State::held : domain::State::cancelled;
        job.reason = domain::Reason::user;
        if (domain::is_terminal(job.state)) job.finished_at = clock_.now();
        change(job, "cancel_requested", (*found)->state);
        co_return job;
    }

    engine::awaitable<Result<engine::BackupDone>> backup(std::string path,
                                                         std::function<bool()> abandoned) override {
        abandoned_backup = abandoned();
        if (refusal) co_return *refusal;
        engine::BackupDone done;
        done.path = path;
        done.jobs = 3;
        done.sha256 = "5e";
        co_return done;
    }

    std::optional<std::string> provider_of(std::string_view model) const override {
        if (model.starts_with("fal-ai/")) return "fal";
        return std::nullopt;
    }
    std::shared_ptr<const catalogue::Catalogue> catalogue() const override { return known_models; }
    domain::Reason shown_reason(const domain::Job& job) const override {
        return job.state == domain::State::queued ? domain::Reason::concurrency : job.reason;
    }
    engine::awaitable<Status> read_barrier() override {
        ++barriers;
        if (barrier_failure) co_return *barrier_failure;
        co_return store_->commit();
    }
    store::Store& store() override { return *store_; }
    engine::awaitable<void> wait_for_event(std::int64_t after, Millis timeout) override {
        const auto last = [](store::Tx& tx) { return tx.last_event_id(); };
        const auto last_log = [](store::Tx& tx) { return tx.last_log_id(); };
        const std::int64_t logged = store_->transact(last_log).value();
        // A ring that nobody heard is remembered by the bell and may be old news.
        while (store_->transact(last).value() <= after &&
               store_->transact(last_log).value() == logged) {
            const bool rung = co_await news_.wait_for(clock_, timeout);
            if (!rung) co_return;
        }
    }
    std::unique_ptr<engine::Verifier> verifier(engine::VerifyOptions options) override {
        return std::make_unique<engine::Verifier>(*store_, files, std::move(options));
    }
    engine::EngineStatus status() override {
        status_.now = clock_.now();
        return status_;
    }
    engine::Counters counters() const override { return counters_; }

    // A job as the engine would have made it; the test's own hand on the store.
    void say(const std::string& id, const std::string& message) {
        domain::LogLine line;
        line.message = message;
        line.level = "INFO";
        const Status kept = store_->transact([&](store::Tx& tx) {
            tx.add_logs(tx.find_job(JobId(id)).value(), {line});
        });
        REQUIRE(kept.has_value());
        news_.ring();
    }
    domain::Job put(const std::string& id, const std::string& batch = {}) {
        domain::JobRequest request;
        request.id = JobId(id);
        request.model = "fal-ai/m";
        request.input = "{\"prompt\":\"x\"}";
        request.batch = batch;
        return add(std::move(request)).value().job;
    }
    void change(domain::Job& job, const std::string& event, domain::State from) {
        const auto done = store_->transact([&](store::Tx& tx) {
            if (!tx.update_job(job)) throw std::logic_error("somebody was faster");
            append(tx, job, event, from);
        });
        REQUIRE(done.has_value());
        news_.ring();
    }
    void insert_attempt(const domain::Attempt& attempt) {
        REQUIRE(store_->transact([&](store::Tx& tx) { tx.insert_attempt(attempt); }).has_value());
    }

    std::shared_ptr<const catalogue::Catalogue> known_models;
    test::SimulatedDisk files{{"/outputs", "/shots", "/state"}};
    engine::InputSetup inputs;
    std::map<std::string, engine::SpooledFile> spooled_files;
    std::vector<engine::SpoolPiece> pieces;
    engine::JobFiles submitted_files;  // of the last submit
    std::string uploaded;              // the hash of what can be reused
    int submits = 0;
    int barriers = 0;
    std::optional<Error> barrier_failure;
    std::optional<Error> refusal;  // of every submit, adoption and backup
    std::optional<std::uint32_t> adopted_by;
    bool abandoned_backup = false;
    engine::EngineStatus status_;
    engine::Counters counters_;

  private:
    Result<engine::Submitted> add(domain::JobRequest request) {
        domain::Job job = domain::first_row(request, "fal", clock_.now());
        const auto outcome = store_->transact([&](store::Tx& tx) {
            const auto result = tx.insert_job(job);
            if (result == store::InsertOutcome::inserted) append(tx, job, "created", std::nullopt);
            return result;
        });
        if (!outcome) return outcome.error();
        news_.ring();
        if (*outcome == store::InsertOutcome::conflict) {
            return Error(ErrorCode::conflict,
                         fmt::format("the id {} is taken by another job", request.id.str()));
        }
        return engine::Submitted{job, *outcome == store::InsertOutcome::existed};
    }
    void append(store::Tx& tx, const domain::Job& job, const std::string& event,
                std::optional<domain::State> from) {
        store::AuditEntry entry;
        entry.job = job.request.id;
        entry.at = clock_.now();
        entry.event = event;
        entry.from = from;
        entry.to = job.state;
        entry.reason = job.reason;
        entry.patch["state"] = domain::to_string(job.state);
        entry.patch["created_at"] = to_unix_ms(job.created_at);
        entry.patch["cost_micro_usd"] = 270'000;
        tx.append_event(entry);
    }

    Folder folder_;
    runtime::Clock& clock_;
    runtime::Bell news_;
    std::unique_ptr<store::Store> store_;
    int made_ = 0;
};

// Keeps what a stream writes; after `gone` every write fails, as with a peer that went away.
struct Written final : http::BodyWriter {
    http::awaitable<Status> write(std::string bytes) override {
        if (gone) co_return Error(ErrorCode::reset, "the peer has gone");
        text += bytes;
        co_return ok();
    }
    void abort() override {}
    std::string text;
    bool gone = false;
};

struct ApiFixture {
    boost::asio::io_context context;
    test::FakeClock clock{context.get_executor()};
    FakeControl control{context.get_executor(), clock};
    Api api{control, clock, "1.2.3"};

    http::ServerResponse ask(std::string method, std::string target, std::string body = {},
                             Headers headers = {}, std::optional<std::uint32_t> uid = {}) {
        http::ServerRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        request.headers = std::move(headers);
        request.peer_uid = uid;
        std::optional<http::ServerResponse> answer;
        boost::asio::co_spawn(context, api.handle(std::move(request)),
                              [&](std::exception_ptr failure, http::ServerResponse response) {
                                  if (failure) std::rethrow_exception(failure);
                                  answer = std::move(response);
                              });
        test::settle(context);
        REQUIRE(answer.has_value());
        return std::move(*answer);
    }
    http::ServerResponse get(std::string target) { return ask("GET", std::move(target)); }
    json::object get_object(std::string target) { return object_of(get(std::move(target))); }

    static json::object object_of(const http::ServerResponse& response) {
        const auto parsed = parse_json(response.body);
        REQUIRE(parsed.has_value());
        return parsed->as_object();
    }
    static std::string code_of(const http::ServerResponse& response) {
        REQUIRE(*response.headers.find("Content-Type") == "application/problem+json");
        const json::object problem = object_of(response);
        CHECK(find_int(problem, "status") == response.status);
        CHECK(find_string(problem, "detail").value_or("") != "");
        return find_string(problem, "code").value_or("");
    }
};

}  // namespace reeld::api::testing
