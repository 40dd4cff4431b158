#include "support/world.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "domain/intake.hpp"
#include "providers/registry.hpp"
#include "support/dropper.hpp"
#include "support/run_loop.hpp"

namespace reeld::test {
namespace {

namespace fs = std::filesystem;
using domain::Job;
using domain::Reason;
using domain::State;

std::string fresh_folder(std::uint64_t seed) {
    std::string pattern =
        (fs::temp_directory_path() / fmt::format("reeld-world-{}-XXXXXX", seed)).string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return pattern;
}

sandbox::Options provider_options(const WorldOptions& options) {
    sandbox::Options provider = options.provider;
    provider.seed = options.seed;
    provider.public_url = World::provider_url;
    return provider;
}

runtime::awaitable<bool> stop_engine(engine::Engine& engine) {
    co_await engine.stop();
    co_return true;
}

bool rests(const Job& job) {
    return domain::is_terminal(job.state) ||
           (job.state == State::held &&
            (job.reason == Reason::user || job.reason == Reason::submit_unknown ||
             job.reason == Reason::remote_missing));
}

}  // namespace

// One process of the daemon: everything that is gone when it dies.
struct World::Life {
    explicit Life(World& world)
        : tasks(world.loop_.get_executor(),
                [this](const std::string& name, std::exception_ptr) { failure = name; }) {
        store::StoreConfig config;
        config.path = world.database();
        config.checkpoint_frames = world.options_.checkpoint_frames;
        auto opened = store::Store::open(config);
        if (!opened) throw std::runtime_error(opened.error().message());
        store = std::move(*opened);
        auto box = store::Inbox::open(world.folder_ + "/inbox.db");
        if (!box) throw std::runtime_error(box.error().message());
        inbox = std::move(*box);
        const engine::Services services{world.clock_, *world.daemon_rng_, *world.disk_,
                                        *world.net_,  *store,             inbox.get(),
                                        tasks};
        engine = std::make_unique<engine::Engine>(services, world.config());
    }

    runtime::TaskGroup tasks;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<store::Inbox> inbox;
    std::unique_ptr<engine::Engine> engine;
    std::string failure;
};

World::World(WorldOptions options)
    : options_(std::move(options)),
      folder_(fresh_folder(options_.seed)),
      vfs_(std::make_unique<MemoryVfs>(folder_)),
      clock_(loop_.get_executor()),
      rng_(runtime::make_seeded_rng(options_.seed)),
      daemon_rng_(runtime::make_seeded_rng(options_.seed + 1)),
      provider_(std::make_unique<sandbox::Service>(provider_options(options_))),
      provider_changed_(loop_.get_executor()),
      net_(std::make_unique<SimulatedNet>(clock_, *rng_, *provider_, provider_changed_)),
      disk_(std::make_unique<SimulatedDisk>()) {}

World::~World() {
    if (life_) {
        life_->tasks.stop();
        settle();
        life_.reset();
    }
    if (moving_) return;  // the folder is another process's
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

engine::EngineConfig World::config() const {
    engine::EngineConfig config;
    for (const providers::Entry& entry : providers::registry()) {
        if (entry.name != "fal") continue;
        provider_api::ProviderConfig api;
        api.key = Secret(options_.key);
        api.queue_url = provider_url;
        api.rest_url = provider_url;
        api.platform_url = std::string(provider_url) + "/v1";
        engine::ProviderSetup setup;
        setup.provider = std::shared_ptr<const provider_api::Provider>(entry.make(api));
        setup.policy.webhook = options_.webhooks;
        setup.policy.resubmit_unknown = options_.resubmit_unknown;
        setup.policy.submit_unknown_wait = options_.submit_unknown_wait;
        setup.limits.concurrency = options_.concurrency;
        setup.has_key = true;
        setup.allow_plain_http = true;
        setup.allow_private_addresses = true;
        config.providers.emplace("fal", std::move(setup));
    }
    config.inbox_interval = options_.inbox_interval;
    config.downloads.outputs = outputs;
    config.downloads.named_hosts = {"127.0.0.1:8470"};
    config.downloads.disk_reserve_bytes = 1 << 20;
    if (options_.webhooks) config.webhook_public_url = hooks_url;
    return config;
}

engine::Engine& World::engine() { return *life_->engine; }
store::Store& World::store() { return *life_->store; }
store::Inbox& World::inbox() { return *life_->inbox; }
runtime::TaskGroup& World::tasks() { return life_->tasks; }

void World::start() {
    ++lives_;
    if (survived_) {
        disk_ = std::move(survived_);
        if (moving_) {
            folder_ = fresh_folder(options_.seed);
            vfs_ = std::make_unique<MemoryVfs>(folder_);
            moving_ = false;
        }
        vfs_->restart_with(std::move(databases_));
    }
    dead_ = false;
    net_->down = false;
    life_ = std::make_unique<Life>(*this);
    life_->engine->start();
    if (options_.webhooks) life_->tasks.spawn("webhook pump", pump_webhooks());
}

void World::die_now(InFlight in_flight) {
    if (dead_) return;
    dead_ = true;
    net_->down = true;
    if (in_flight == InFlight::arrives) net_->deliver_in_flight();
    databases_ = vfs_->after_crash();
    survived_ = disk_->copy();
}

void World::cut_power(const PowerCut& cut) {
    if (dead_) return;
    dead_ = true;
    net_->down = true;
    databases_ = vfs_->after_power_cut(cut);
    survived_ = disk_->after_power_cut(cut);
}

void World::bury() {
    die_now();
    life_->tasks.stop();
    settle();
    life_.reset();
}

void World::stop() {
    const Started<bool> stopped(loop_, stop_engine(*life_->engine));
    const bool ended = pass_until([&] { return stopped.done(); }, std::chrono::minutes{5});
    if (!ended && !dead_) throw std::runtime_error("the engine does not stop");
    // The dead one's last task speaks of an engine that is about to go.
    if (!stopped.done()) run_until(loop_, clock_, [&] { return stopped.done(); });
    bury();
}

void World::give_key(std::string key) {
    options_.key = std::move(key);
    if (life_ && !dead_) life_->engine->reconfigure(config());
}

runtime::awaitable<void> World::pump_webhooks() {
    for (;;) {
        for (sandbox::WebhookDelivery& delivery : provider_->due(clock_.true_now())) {
            life_->tasks.spawn("webhook", deliver(std::move(delivery)));
        }
        Millis wait{60'000};
        if (const auto next = provider_->next_due()) {
            wait = std::clamp(*next - clock_.true_now(), Millis{1}, wait);
        }
        co_await provider_changed_.wait_for(clock_, wait);
    }
}

runtime::awaitable<void> World::deliver(sandbox::WebhookDelivery delivery) {
    // However this ends, the provider learns whether it was heard.
    struct Report {
        World& world;
        std::uint64_t id;
        std::optional<int> status;
        ~Report() { world.provider_->delivered(id, status, world.clock_.true_now()); }
    };
    Report report{*this, delivery.id, std::nullopt};
    co_await clock_.sleep_for(Millis{20});
    if (dead_) co_return;
    http::ServerRequest request;
    request.method = "POST";
    request.target = parse_url(delivery.url)->target;
    request.headers = delivery.headers;
    request.body = delivery.body;
    const http::ServerResponse response =
        co_await life_->engine->webhook_handler().handle(std::move(request));
    // A dead process answers nobody.
    if (!dead_) report.status = response.status;
}

runtime::awaitable<void> World::submit_task(std::vector<domain::JobRequest> requests,
                                            std::shared_ptr<Reply> reply) {
    const auto submitted = co_await life_->engine->submit(std::move(requests));
    if (dead_) co_return;
    reply->given = true;
    if (!submitted) {
        reply->status = submitted.error();
        co_return;
    }
    for (const engine::Submitted& one : *submitted) {
        acknowledged_.insert(one.job.request.id.str());
        reply->jobs.push_back(one.job);
    }
}

runtime::awaitable<void> World::act_task(JobId id, engine::Action action,
                                         std::shared_ptr<Reply> reply) {
    const auto job = co_await life_->engine->act(std::move(id), action);
    if (dead_) co_return;
    reply->given = true;
    if (job) {
        acknowledged_.insert(job->request.id.str());
        reply->jobs.push_back(*job);
    } else {
        reply->status = job.error();
    }
}

runtime::awaitable<void> World::read_task(std::shared_ptr<Reply> reply) {
    const Status durable = co_await life_->engine->read_barrier();
    if (dead_) co_return;
    reply->given = true;
    reply->status = durable;
    if (durable) reply->jobs = jobs();
}

json::object World::job_json(const std::string& id) const {
    json::object input;
    input["prompt"] = "night job " + id;
    json::object object;
    object["id"] = id;
    object["model"] = model;
    object["input"] = std::move(input);
    object["batch"] = "night";
    return object;
}

ReplyPtr World::submit(std::vector<json::object> jobs) {
    std::vector<domain::JobRequest> requests;
    for (const json::object& job : jobs) {
        auto parsed = domain::parse_job(job, clock_.now());
        requests.push_back(std::get<domain::JobRequest>(std::move(parsed)));
    }
    auto reply = std::make_shared<Reply>();
    life_->tasks.spawn("submit", submit_task(std::move(requests), reply));
    return reply;
}

bool World::drop_row(const std::string& id, std::string_view row_model, std::string_view input,
                     bool is_good) {
    const bool landed =
        test::drop_row(life_->inbox->path(), id, std::string(row_model), std::string(input));
    if (landed && is_good && !dead_) dropped_.insert(id);
    return landed;
}

bool World::mend_row(const std::string& id, std::string_view input) {
    const bool mended = test::mend_row(life_->inbox->path(), id, std::string(input));
    if (mended) dropped_.insert(id);
    return mended;
}

ReplyPtr World::act(const std::string& id, engine::Action action) {
    auto reply = std::make_shared<Reply>();
    life_->tasks.spawn("person", act_task(JobId(id), action, reply));
    return reply;
}

ReplyPtr World::read() {
    auto reply = std::make_shared<Reply>();
    life_->tasks.spawn("reader", read_task(reply));
    return reply;
}

void World::risk(const Job& job) {
    risked_.insert(json::parse(job.request.input).at("prompt").as_string().c_str());
}

void World::control(const json::object& body) {
    HttpRequest request;
    request.method = "POST";
    request.url = "/_sandbox/control";
    request.body = json::serialize(body);
    provider_->handle(request, clock_.true_now());
}

void World::settle() { test::settle(loop_); }

void World::pass(Millis duration) {
    pass_until([] { return false; }, duration);
}

bool World::pass_until(const std::function<bool()>& holds, Millis limit) {
    const Millis end = clock_.monotonic() + limit;
    settle();
    for (auto next = clock_.next_wakeup(); !dead_ && next && *next <= end;
         next = clock_.next_wakeup()) {
        if (holds()) return true;
        clock_.advance(*next - clock_.monotonic());
        settle();
    }
    if (dead_) return false;
    if (holds()) return true;
    if (clock_.monotonic() < end) clock_.advance(end - clock_.monotonic());
    settle();
    return holds();
}

bool World::quiet() {
    if (!life_->failure.empty()) return true;
    for (const Job& job : jobs()) {
        if (!rests(job)) return false;
    }
    const auto rows = life_->inbox->pending(1);
    return rows && rows->empty();
}

void World::calm() {
    net_->unreachable = 0;
    net_->lost_answer = 0;
    json::object faults;
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        faults[sandbox::to_string(static_cast<sandbox::Fault>(i))] = 0;
    }
    control(json::object{{"faults", faults}, {"locked", false}});
    disk_->capacity = std::uint64_t{1} << 40;
}

std::vector<Job> World::jobs() {
    store::JobFilter filter;
    filter.limit = 100'000;
    return *life_->store->transact([&](store::Tx& tx) { return tx.list_jobs(filter); });
}

std::string World::trace() {
    std::string text;
    const auto entries =
        *life_->store->transact([&](store::Tx& tx) { return tx.events_after(0, 1'000'000); });
    for (const store::AuditEntry& entry : entries) {
        text += fmt::format("{} {} {} {} -> {} {} | {}\n", to_rfc3339(entry.at), entry.job.str(),
                            entry.event, entry.from ? to_string(*entry.from) : "",
                            to_string(entry.to), to_string(entry.reason), entry.note);
    }
    return text;
}

std::string World::summary() {
    std::map<std::string, int> counts;
    for (const Job& job : jobs()) {
        ++counts[fmt::format("{}/{}", to_string(job.state), to_string(job.reason))];
    }
    std::string text;
    for (const auto& [name, count] : counts) text += fmt::format("{} {} ", count, name);
    return text;
}

std::vector<std::string> World::check() {
    std::vector<std::string> wrong;
    if (!life_->failure.empty()) wrong.push_back("a task failed: " + life_->failure);
    for (const Job& job : jobs()) {
        if (rests(job)) continue;
        wrong.push_back(fmt::format("{}: stuck in {} ({})", job.request.id.str(),
                                    to_string(job.state), to_string(job.reason)));
    }
    check_jobs(wrong);
    check_chain(wrong);
    check_ledger(wrong);
    for (const auto& [path, content] : disk_->files()) {
        if (path.find(".part") != std::string::npos) wrong.push_back("ownerless file " + path);
    }
    return wrong;
}

}  // namespace reeld::test
