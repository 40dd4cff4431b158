#pragma once
// One engine on a real database in a folder of its own, with a scripted provider, a simulated disk
// and virtual time.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "domain/intake.hpp"
#include "engine/engine.hpp"
#include "providers/registry.hpp"
#include "support/dropper.hpp"
#include "support/run_loop.hpp"
#include "support/simulated_disk.hpp"
#include "unit/engine/scripted_provider.hpp"

namespace reeld::test {

using domain::Job;
using domain::Reason;
using domain::State;

inline constexpr auto model = "fal-ai/minimax/hailuo-02/standard/text-to-video";

// fal under another name, asked before it: serves "acme/…" at another address.
class OtherProvider : public provider_api::Provider {
  public:
    explicit OtherProvider(std::shared_ptr<const provider_api::Provider> fal) : fal_(std::move(fal)) {}
    using R = HttpRequest;
    std::string_view name() const override { return "acme"; }
    bool serves(std::string_view m) const override { return m.starts_with("acme/"); }
    provider_api::Limits limits() const override { return fal_->limits(); }
    Result<R> build_submit(const provider_api::SubmitIntent& i) const override {
        return fal_->build_submit(i);
    }
    domain::Event read_submit(const provider_api::SubmitIntent& i,
                              const Exchange& e) const override {
        return fal_->read_submit(i, e);
    }
    Result<R> build_status(const std::string& m, const domain::Remote& r) const override {
        return fal_->build_status(m, r);
    }
    domain::Event read_status(const Exchange& e) const override { return fal_->read_status(e); }
    Result<R> build_result(const std::string& m, const domain::Remote& r) const override {
        return fal_->build_result(m, r);
    }
    domain::Event read_result(const Exchange& e) const override { return fal_->read_result(e); }
    Result<R> build_cancel(const std::string& m, const domain::Remote& r) const override {
        return fal_->build_cancel(m, r);
    }
    domain::Event read_cancel(const Exchange& e) const override { return fal_->read_cancel(e); }
    std::optional<R> build_history(const provider_api::SubmitIntent& i,
                                   const std::string& c) const override {
        return fal_->build_history(i, c);
    }
    Result<provider_api::HistoryPage> read_history(const provider_api::SubmitIntent& i,
                                                   const Exchange& e) const override {
        return fal_->read_history(i, e);
    }
    std::optional<R> build_key_set() const override { return fal_->build_key_set(); }
    Result<provider_api::KeySet> read_key_set(const Exchange& e) const override {
        return fal_->read_key_set(e);
    }
    provider_api::WebhookReading read_webhook(const provider_api::Delivery& d,
                                              const provider_api::KeySet& k,
                                              Instant n) const override {
        return fal_->read_webhook(d, k, n);
    }
    Result<R> build_key_check() const override { return fal_->build_key_check(); }
    Result<bool> read_key_check(const Exchange& e) const override {
        return fal_->read_key_check(e);
    }
    bool owns_url(std::string_view u) const override { return fal_->owns_url(u); }

  protected:
    std::shared_ptr<const provider_api::Provider> fal_;
};

// One whose history lists no inputs: each request is to be looked up.
class InputsApart final : public OtherProvider {
  public:
    using OtherProvider::OtherProvider;
    Result<provider_api::HistoryPage> read_history(const provider_api::SubmitIntent& i,
                                                   const Exchange& e) const override {
        auto page = fal_->read_history(i, e);
        if (!page) return page;
        page->inputs_apart = true;
        for (auto& item : page->items) item.input.clear();
        return page;
    }
    std::optional<R> build_lookup(const std::string& m, const RequestId& r) const override {
        return fal_->build_lookup(m, r);
    }
    Result<std::optional<provider_api::HistoryItem>> read_lookup(
        const std::string& m, const RequestId& r, const Exchange& e) const override {
        return fal_->read_lookup(m, r, e);
    }
};

inline engine::ProviderSetup fal_setup(const std::string& url) {
    for (const providers::Entry& entry : providers::registry()) {
        if (entry.name != "fal") continue;
        provider_api::ProviderConfig api;
        api.key = Secret("test:key");
        api.queue_url = url;
        api.rest_url = url;
        api.platform_url = url + "/v1";
        engine::ProviderSetup setup;
        setup.provider = std::shared_ptr<const provider_api::Provider>(entry.make(api));
        setup.limits.requests_per_minute = 60'000;
        setup.limits.concurrency = 4;
        setup.has_key = setup.allow_plain_http = setup.allow_private_addresses = true;
        return setup;
    }
    throw std::logic_error("this build has no fal");
}

// A foreign program's connection to a database.
class Foreign {
  public:
    explicit Foreign(const std::string& path, bool write = true)
        : database_(path, write ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY, 1'000) {}
    void exec(const std::string& sql) { database_.exec(sql); }
    std::string ask(const std::string& sql) { return database_.execAndGet(sql).getString(); }

  private:
    SQLite::Database database_;
};

struct Delivered {
    std::string request_id = "r-1";
    std::string user = "user|1";
    std::string seed = ScriptedProvider::good_seed();
    std::string body;  // empty: a success with one file
    Millis age{0};
    std::string provider = "fal";
    std::string method = "POST";
};

struct Room {
    struct Life {
        runtime::TaskGroup tasks;
        std::unique_ptr<store::Store> store;
        std::unique_ptr<store::Inbox> inbox;
        std::unique_ptr<engine::Engine> engine;
    };

    Room() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "reeld-engine-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder = pattern;
        config.providers.emplace("fal", fal_setup("http://127.0.0.1:8470"));
        config.downloads.outputs = "/outputs";
        config.downloads.named_hosts = {"127.0.0.1:8470"};
        config.downloads.disk_reserve_bytes = 1 << 20;
        config.webhook_public_url = "http://127.0.0.1:8460";
    }
    ~Room() {
        end();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }

    template <class P = OtherProvider>
    void add_other() {
        engine::ProviderSetup other = fal_setup("http://127.0.0.1:8480");
        other.provider = std::make_shared<P>(other.provider);
        config.providers.emplace("acme", std::move(other));
    }
    domain::Policy& policy() { return config.providers.at("fal").policy; }
    domain::GateLimits& limits() { return config.providers.at("fal").limits; }

    std::string database() const { return folder + "/reel.db"; }
    std::string inbox() const { return folder + "/inbox.db"; }

    void open() {
        auto report = [this](const std::string& name, std::exception_ptr) { failure = name; };
        life.reset(new Life{runtime::TaskGroup(loop.get_executor(), report), {}, {}, {}});
        store::StoreConfig store_config;
        store_config.path = database();
        store_config.durable = false;
        life->store = store::Store::open(store_config).value();
        life->inbox = store::Inbox::open(inbox()).value();
        const engine::Services services{clock,        *rng,  disk, client, *life->store,
                                        life->inbox.get(), life->tasks, beside};
        life->engine = std::make_unique<engine::Engine>(services, config);
    }
    void start() {
        open();
        life->engine->start();
        settle(loop);
    }
    // The process dies: nothing of it is finished in order.
    void end() {
        if (!life) return;
        life->tasks.stop();
        settle(loop);
        life.reset();
    }
    // The process dies while the answer of this job's submit is on its way.
    void die_in_submit(const std::string& id) {
        client.delay["submit"] = std::chrono::hours{1};
        start();
        REQUIRE(submit(id));
        REQUIRE(until([&] { return client.count["submit"] == 1; }));
        end();
    }
    engine::Engine& engine() { return *life->engine; }

    template <class T>
    T run(runtime::awaitable<T> task) {
        const Started<T> started(loop, std::move(task));
        REQUIRE(run_until(loop, clock, [&] { return started.done(); }));
        return started.get();
    }
    void pass(Millis duration) {
        const Millis last = clock.monotonic() + duration;
        settle(loop);
        for (auto next = clock.next_wakeup(); next && *next <= last; next = clock.next_wakeup()) {
            ++wakeups;
            clock.advance(*next - clock.monotonic());
            settle(loop);
        }
        clock.advance(last - clock.monotonic());
        settle(loop);
    }
    template <class P>
    bool until(P done, Millis limit = std::chrono::hours{24}) {
        return run_until(loop, clock, done, limit);
    }

    domain::JobRequest request(const std::string& id, const std::string& of = model,
                               json::object more = {}) {
        more["id"] = id;
        more["model"] = of;
        if (!more.contains("input")) more["input"] = json::object{{"prompt", "waves of " + id}};
        return std::get<domain::JobRequest>(domain::parse_job(more, clock.now()));
    }
    bool submit(std::vector<domain::JobRequest> requests) {
        return run(engine().submit(std::move(requests))).has_value();
    }
    bool submit(const std::string& id, json::object more = {}) {
        std::vector<domain::JobRequest> one{request(id, model, std::move(more))};
        return submit(std::move(one));
    }
    void submit_many(const std::string& prefix, int count, const std::string& of = model) {
        std::vector<domain::JobRequest> all;
        for (int i = 0; i < count; ++i) all.push_back(request(fmt::format("{}-{}", prefix, i), of));
        REQUIRE(submit(std::move(all)));
    }
    bool act(const std::string& id, engine::Action action) {
        return run(engine().act(JobId(id), action)).has_value();
    }
    void stop() { run(stopped()); }
    // Submits, and goes turn by turn into the moment between the intent and the POST.
    bool step_before_post(const std::string& id) {
        std::vector<domain::JobRequest> one{request(id)};
        const Started<bool> started(loop, submitted(std::move(one)));
        for (int i = 0; i < 200; ++i) {
            loop.restart();
            loop.poll_one();
            if (count(State::submitting) == 1 && client.count["submit"] == 0) return true;
        }
        return false;
    }

    template <class F>
    auto read(F&& f) {
        return life->store->transact(std::forward<F>(f)).value();
    }
    Job job(const std::string& id) {
        return read([&](store::Tx& tx) { return tx.find_job(JobId(id)); }).value();
    }
    State state(const std::string& id) { return job(id).state; }
    bool is(const std::string& id, State wanted) { return state(id) == wanted; }
    domain::Attempt attempt(const std::string& id, int number = 1) {
        return read([&](store::Tx& tx) { return tx.find_attempt(JobId(id), number); }).value();
    }
    std::vector<store::AuditEntry> events(const std::string& id) {
        return read([&](store::Tx& tx) { return tx.events(JobId(id)); });
    }
    int count_events(const std::string& id, const std::string& name) {
        int found = 0;
        for (const auto& entry : events(id)) found += entry.event == name ? 1 : 0;
        return found;
    }
    std::int64_t count(State wanted) {
        return read([](store::Tx& tx) { return tx.count_by_state(); })[wanted];
    }
    std::size_t unprocessed() {
        return read([](store::Tx& tx) { return tx.unprocessed_webhooks(1'000); }).size();
    }

    // The state's name, or the error's text.
    std::string adopt(const std::string& id, const std::string& request) {
        const auto job = run(engine().adopt(JobId(id), RequestId(request), engine::Person(1000u)));
        return job ? std::string(domain::to_string(job->state)) : job.error().message();
    }
    std::string last_note(const std::string& id, const std::string& event) {
        std::string note;
        for (const auto& entry : events(id)) {
            if (entry.event == event) note = entry.note;
        }
        return note;
    }
    // Kinds of evidence behind the events of this name.
    std::vector<store::Evidence> proof(const std::string& id, const std::string& event) {
        std::vector<store::Evidence> found;
        const auto all = read([&](store::Tx& tx) { return tx.evidence_of(JobId(id)); });
        for (const auto& entry : events(id)) {
            if (entry.event != event || !entry.evidence) continue;
            for (const store::Evidence& evidence : all) {
                if (evidence.id == *entry.evidence) found.push_back(evidence);
            }
        }
        return found;
    }

    http::ServerRequest delivery(const Token& token, Delivered what) {
        if (what.body.empty()) {
            what.body = fmt::format(R"({{"request_id":"{}","status":"OK","payload":{}}})",
                                    what.request_id, ScriptedProvider::result_body(1));
        }
        const std::string at = std::to_string(to_unix_ms(clock.now() - what.age) / 1000);
        const std::string message = what.request_id + "\n" + what.user + "\n" + at + "\n" +
                                    sha256_hex(what.body);
        http::ServerRequest made;
        made.method = what.method;
        made.target = fmt::format("/hooks/{}/{}", what.provider, token.str());
        made.headers.add("X-Fal-Webhook-Request-Id", what.request_id);
        made.headers.add("X-Fal-Webhook-User-Id", what.user);
        made.headers.add("X-Fal-Webhook-Timestamp", at);
        made.headers.add("X-Fal-Webhook-Signature", to_hex(*ed25519_sign(what.seed, message)));
        made.body = std::move(what.body);
        return made;
    }
    // The answer's status; the loop runs, the time stands.
    int deliver(const Token& token, Delivered what = {}) {
        const Started<int> started(loop, status_of(delivery(token, std::move(what))));
        settle(loop);
        return started.get();
    }
    int deliver(const std::string& id, Delivered what = {}, int number = 1) {
        return deliver(attempt(id, number).token, std::move(what));
    }
    runtime::awaitable<bool> submitted(std::vector<domain::JobRequest> requests) {
        const auto done = co_await engine().submit(std::move(requests));
        co_return done.has_value();
    }
    runtime::awaitable<bool> stopped() {
        co_await engine().stop();
        co_return true;
    }
    runtime::awaitable<int> status_of(http::ServerRequest made) {
        const auto response = co_await engine().webhook_handler().handle(std::move(made));
        co_return response.status;
    }

    std::string folder;
    std::string failure;  // the task that ended by an exception
    int wakeups = 0;
    boost::asio::io_context loop;
    FakeClock clock{loop.get_executor()};
    std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(7);
    SimulatedDisk disk;
    runtime::Beside beside = runtime::Beside::thread;
    ScriptedProvider client{clock};
    engine::EngineConfig config;
    std::unique_ptr<Life> life;
};

}  // namespace reeld::test
