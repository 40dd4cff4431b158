#include "support/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <numeric>

#include "base/crypto.hpp"
#include "domain/intake.hpp"
#include "providers/registry.hpp"
#include "sandbox/sound.hpp"
#include "support/dropper.hpp"
#include "support/run_loop.hpp"
#include "support/small_parts.hpp"
#include "support/world_files.hpp"

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

// Its models at the provider's prices; their inputs are the provider's to judge.
std::shared_ptr<const catalogue::Catalogue> price_list(const sandbox::Options& provider) {
    std::vector<catalogue::SourceFile> files;
    for (const char* id :
         {World::model, World::speech_model, World::eachlabs_model, "fal-ai/minimax/speech-2.6-hd",
          "fal-ai/minimax/image-01", "fal-ai/minimax/voice-clone"}) {
        const bool fal = std::string_view(id) != World::eachlabs_model;
        files.push_back({id, fmt::format(R"({{"id":"{}","input":{{"type":"object","properties":{{)"
                                         R"("prompt":{{"type":"string"}},)"
                                         R"("text":{{"type":"string"}},)"
                                         R"("image_url":{{"type":"string","format":"uri"}},)"
                                         R"("first_frame_image":{{"type":"string","format":"uri"}},)"
                                         R"("audio_url":{{"type":"string","format":"uri"}},)"
                                         R"("audio_setting":{{"type":"object"}},)"
                                         R"("num_images":{{"type":"integer"}},)"
                                         R"("output_format":{{"type":"string"}}}}}},"price":)"
                                         R"({{"rules":[{{"usd":{},"per":"request"}}]}},)"
                                         R"("example":{{"prompt":"x"}}}})",
                                         id,
                                         fal ? provider.unit_price_usd
                                             : provider.eachlabs_price_usd)});
    }
    auto list = catalogue::load(files);
    if (!list->mistakes().empty()) throw std::logic_error(list->mistakes().front());
    return list;
}

sandbox::Options provider_options(const WorldOptions& options) {
    sandbox::Options provider = options.provider;
    provider.seed = options.seed;
    provider.public_url = World::provider_url;
    return provider;
}

std::string provider_of(const HttpRequest& request) {
    return parse_url(request.url)->target.starts_with("/v1/prediction") ? "eachlabs" : "fal";
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
        : files(*world.disk_, *world.vfs_, world.folder_),
          tasks(world.loop_.get_executor(),
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
        const engine::Services services{world.clock_, *world.daemon_rng_,   files,
                                        *world.net_,  *store,               inbox.get(),
                                        tasks,        runtime::Beside::loop};
        engine = std::make_unique<engine::Engine>(services, world.config());
    }

    WorldFiles files;
    runtime::TaskGroup tasks;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<store::Inbox> inbox;
    std::unique_ptr<engine::Engine> engine;
    std::string failure;
};

World::World(WorldOptions options)
    : options_(std::move(options)),
      settings_{options_.concurrency, options_.requests_per_minute, options_.key,
                options_.webhooks ? hooks_url : ""},
      prices_(price_list(options_.provider)),
      folder_(fresh_folder(options_.seed)),
      vfs_(std::make_unique<MemoryVfs>(folder_)),
      clock_(loop_.get_executor()),
      rng_(runtime::make_seeded_rng(options_.seed)),
      daemon_rng_(runtime::make_seeded_rng(options_.seed + 1)),
      provider_(std::make_unique<sandbox::Service>(provider_options(options_))),
      provider_changed_(loop_.get_executor()),
      net_(std::make_unique<SimulatedNet>(clock_, *rng_, *provider_, provider_changed_)),
      disk_(std::make_unique<SimulatedDisk>(std::set<std::string>{outputs, "/state", spool, shots})),
      wires_(std::make_unique<runtime::TaskGroup>(
          loop_.get_executor(),
          [this](const std::string& name, std::exception_ptr) { broken_.push_back(name); })) {
    disk_->now = [this] { return clock_.now(); };
    journal_.writes = options_.trace;
    journal_.clock_set(clock_.monotonic(), clock_.now().time_since_epoch() - clock_.monotonic());
    net_->journal = &journal_;
    net_->wires = wires_.get();
    net_->origin = origin_of(*parse_url(provider_url));
    net_->on_request = [this](const HttpRequest&) { watch_request(); };
    net_->on_submit = [this](const HttpRequest& request) { watch_submit(provider_of(request)); };
    net_->on_retry_after = [this](const HttpRequest& request, Millis hint) {
        const Millis until = clock_.monotonic() + hint;
        auto& before = paces_[provider_of(request)].no_submit_before;
        before = std::max(until, before.value_or(until));
    };
    if (!options_.trace) return;
    provider_->tell([this](Instant at, const std::string& line) {
        // It learns of what happened meanwhile when it is asked the next time.
        journal_.say(clock_.monotonic() - (their_time() - at), "provider", line);
    });
}

World::~World() {
    shell_.reset();
    wires_->stop();
    if (life_) life_->tasks.stop();
    settle();
    life_.reset();
    wires_.reset();
    if (moving_) return;  // the folder is another process's
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

engine::EngineConfig World::config() const {
    engine::EngineConfig config;
    for (const providers::Entry& entry : providers::registry()) {
        const std::string name(entry.name);
        const auto& used = options_.providers;
        if (std::find(used.begin(), used.end(), name) == used.end()) continue;
        provider_api::ProviderConfig api;
        api.key = Secret(settings_.key);
        api.queue_url = provider_url;
        api.rest_url = provider_url;
        api.platform_url = std::string(provider_url) + "/v1";
        api.base_url = provider_url;
        api.auth = options_.eachlabs_auth;
        engine::ProviderSetup setup;
        setup.provider = std::shared_ptr<const provider_api::Provider>(entry.make(api));
        if (options_.part_bytes > 0) {
            setup.provider = std::make_shared<SmallParts>(setup.provider, 4 * options_.part_bytes,
                                                          options_.part_bytes);
        }
        setup.policy.webhook = !settings_.hooks_url.empty();
        setup.policy.resubmit_unknown = options_.resubmit_unknown;
        setup.policy.submit_unknown_wait = options_.submit_unknown_wait;
        setup.status_streams = options_.status_streams;
        setup.limits.concurrency = settings_.concurrency;
        setup.limits.requests_per_minute = settings_.requests_per_minute;
        setup.has_key = !settings_.key.empty();
        setup.allow_plain_http = true;
        setup.allow_private_addresses = true;
        config.providers.emplace(name, std::move(setup));
    }
    config.catalogue = prices_;
    config.inbox_interval = options_.inbox_interval;
    config.downloads.outputs = outputs;
    config.downloads.named_hosts = {"127.0.0.1:8470"};
    config.downloads.disk_reserve_bytes = 1 << 20;
    config.webhook_public_url = settings_.hooks_url;
    config.retention = options_.retention;
    config.retention.export_folder = exports;
    config.inputs = options_.inputs;
    config.inputs.spool = spool;
    config.inputs.folders = {shots};
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
    forgive_limits();
    note("machine", "reeld starts");
    life_ = std::make_unique<Life>(*this);
    life_->engine->start();
    if (options_.webhooks) life_->tasks.spawn("webhook pump", pump_webhooks());
}

void World::die_now(InFlight in_flight) {
    if (dead_) return;
    note("machine", "reeld ends");
    dead_ = true;
    net_->down = true;
    if (in_flight == InFlight::arrives) net_->deliver_in_flight();
    databases_ = vfs_->after_crash();
    survived_ = disk_->copy();
}

void World::cut_power(const PowerCut& cut) {
    if (dead_) return;
    note("machine", "the power goes: " + to_string(cut));
    lost_power_ = true;
    dead_ = true;
    net_->down = true;
    databases_ = vfs_->after_power_cut(cut);
    survived_ = disk_->after_power_cut(cut);
}

void World::bury() {
    die_now();
    shell_.reset();
    life_->tasks.stop();
    settle();
    life_.reset();
}

// Nobody listens: a delivery that is due now failed when it was due.
void World::miss_webhooks() {
    const Instant now = their_time();
    for (auto next = provider_->next_due(); next && *next <= now; next = provider_->next_due()) {
        for (const sandbox::WebhookDelivery& delivery : provider_->due(*next)) {
            journal_.count("webhook/nobody_listens");
            provider_->delivered(delivery.id, std::nullopt, *next);
        }
    }
}

void World::lie_dead(Millis duration) {
    const Millis end = clock_.monotonic() + duration;
    settle();
    for (auto next = clock_.next_wakeup(); next && *next <= end; next = clock_.next_wakeup()) {
        clock_.advance(*next - clock_.monotonic());
        miss_webhooks();
        settle();
    }
    clock_.advance(std::max(end - clock_.monotonic(), Millis{0}));
    miss_webhooks();
}

void World::reload(Settings settings) {
    note("person", fmt::format("reloads: concurrency {}, {} a minute, key {}, hooks {}",
                               settings.concurrency, settings.requests_per_minute,
                               settings.key.empty() ? "none" : settings.key, settings.hooks_url));
    settings_ = std::move(settings);
    forgive_limits();
    life_->engine->reconfigure(config());
}

void World::jump(Millis by) {
    note("machine", fmt::format("the wall clock is set by {} ms", by.count()));
    clock_.jump(by);
    journal_.clock_set(clock_.monotonic(), clock_.now().time_since_epoch() - clock_.monotonic());
    forgive_limits();
}

void World::suspend(Millis length) {
    note("machine", fmt::format("sleeps for {} ms", length.count()));
    clock_.suspend(length);
    net_->cut();
    journal_.clock_set(clock_.monotonic(), clock_.now().time_since_epoch() - clock_.monotonic());
    miss_webhooks();
    provider_changed_.ring();
    forgive_limits();
}

int World::edit_inbox(const std::string& sql, const std::vector<std::string>& values,
                      const std::string& promised, const std::string& withdrawn) {
    const int changed = test::edit_inbox(life_->inbox->path(), sql, values);
    if (changed < 1) return changed;
    // A row that was taken already has kept its promise; it need not keep it twice.
    if (!withdrawn.empty()) dropped_.erase(withdrawn);
    if (!promised.empty()) dropped_.insert(promised);
    return changed;
}

void World::hold_inbox() {
    if (!shell_) shell_ = std::make_unique<ForeignShell>(life_->inbox->path());
    if (!shell_->holds()) shell_.reset();
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
    settings_.key = std::move(key);
    if (life_ && !dead_) life_->engine->reconfigure(config());
}

runtime::awaitable<void> World::pump_webhooks() {
    for (;;) {
        for (sandbox::WebhookDelivery& delivery : provider_->due(their_time())) {
            life_->tasks.spawn("webhook", deliver(std::move(delivery)));
        }
        Millis wait{60'000};
        if (const auto next = provider_->next_due()) {
            wait = std::clamp(*next - their_time(), Millis{1}, wait);
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
        ~Report() { world.provider_->delivered(id, status, world.their_time()); }
    };
    Report report{*this, delivery.id, std::nullopt};
    const Millis way = webhook_way();
    co_await clock_.sleep_for(way);
    if (dead_) co_return;
    http::ServerRequest request;
    request.method = "POST";
    request.target = parse_url(delivery.url)->target;
    request.headers = delivery.headers;
    request.body = delivery.body;
    const http::ServerResponse response =
        co_await life_->engine->webhook_handler().handle(std::move(request));
    note("webhook", fmt::format("of {} answered {}", delivery.request_id, response.status));
    journal_.count(fmt::format("webhook/answered_{}", response.status));
    // A dead process answers nobody, and an answer may be lost too.
    if (!dead_ && !rng_strikes(net_->lost_answer, "webhook/lost_answer")) {
        if (response.status == 200) {
            const std::string target = parse_url(delivery.url)->target;
            receipts_.emplace_back(target.substr(target.rfind('/') + 1), delivery.body);
        }
        report.status = response.status;
    }
}

bool World::rng_strikes(double odds, const char* kind) {
    if (odds <= 0 || rng_->uniform() >= odds) return false;
    journal_.count(kind);
    return true;
}

// Most come at once; some are overtaken by what was sent after them.
Millis World::webhook_way() {
    if (!rng_strikes(net_->late_request, "webhook/overtaken")) return Millis{20};
    return Millis{static_cast<Millis::rep>(rng_->uniform() * 60'000)};
}

runtime::awaitable<void> World::submit_task(std::vector<domain::JobRequest> requests,
                                            engine::JobFiles files,
                                            std::shared_ptr<Reply> reply) {
    const auto submitted = co_await life_->engine->submit(std::move(requests), std::move(files));
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

runtime::awaitable<void> World::adopt_task(JobId id, RequestId request,
                                           std::shared_ptr<Reply> reply) {
    const auto adopted = co_await life_->engine->adopt(std::move(id), std::move(request));
    if (dead_) co_return;
    reply->given = true;
    if (adopted) {
        reply->jobs.push_back(*adopted);
    } else {
        reply->status = adopted.error();
    }
    journal_.count(adopted ? "person/adopt_taken" : "person/adopt_refused");
    note("daemon", adopted ? "the adoption is taken" : adopted.error().message());
}

const char* World::model_of(const std::string& id) const {
    const auto sum = std::accumulate(id.begin(), id.end(), std::size_t{0});
    const std::string& provider = options_.providers[sum % options_.providers.size()];
    if (provider != "fal") return eachlabs_model;
    return options_.speech && sum % 7 < 2 ? speech_model : model;
}

runtime::awaitable<void> World::backup_task(std::string name, Copy copy,
                                            std::shared_ptr<Reply> reply) {
    std::function<bool()> abandoned = [] { return false; };
    const auto done = co_await life_->engine->backup(folder_ + "/" + name, std::move(abandoned));
    if (dead_) co_return;
    reply->given = true;
    if (!done) {
        reply->status = done.error();
        co_return;
    }
    copy.jobs = done->jobs;
    copy.events = done->events;
    copies_[name] = std::move(copy);
}

json::object World::job_json(const std::string& id) const {
    json::object input;
    input["prompt"] = "night job " + id;
    // What one model cannot do without harms no other.
    if (options_.providers.back() != "fal") input["first_frame_image"] = "https://example.com/a.png";
    if (options_.speech) {
        input["text"] = "night job " + id;
        input["output_format"] = "hex";
    }
    const auto sum = std::accumulate(id.begin(), id.end(), std::size_t{0});
    if (options_.local_files && sum % 3 > 0) {
        input["first_frame_image"] = fmt::format("file://{}/{}.png", shots, sum % shot_count);
    }
    json::object object;
    object["id"] = id;
    object["model"] = model_of(id);
    object["input"] = std::move(input);
    object["batch"] = "night";
    return object;
}

void World::put_shot(int number, int edition) {
    std::string picture = sandbox::make_png(fmt::format("{} {}", number, edition), 16, 16);
    // Large enough to go in parts.
    if (number == 0) picture.append(12'000, 'x');
    const std::string path = fmt::format("{}/{}.png", shots, number);
    if (disk_->exists(path)) return disk_->overwrite(path, picture);
    disk_->put(path, std::move(picture));
}

void World::put_shots() {
    for (int i = 0; i < shot_count; ++i) put_shot(i, 0);
}

ReplyPtr World::submit(std::vector<json::object> jobs) {
    auto reply = std::make_shared<Reply>();
    std::vector<domain::JobRequest> requests;
    engine::JobFiles files;
    for (const json::object& job : jobs) {
        auto parsed = domain::parse_job(job, clock_.now());
        // What the socket would refuse, such as a deadline that has passed by now.
        if (!std::holds_alternative<domain::JobRequest>(parsed)) return reply;
        requests.push_back(std::get<domain::JobRequest>(std::move(parsed)));
        engine::CheckedFiles checked = life_->engine->check(job);
        if (!checked.mistakes.empty()) return reply;
        files.push_back(std::move(checked.files));
    }
    life_->tasks.spawn("submit", submit_task(std::move(requests), std::move(files), reply));
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

ReplyPtr World::adopt(const std::string& id, const std::string& request_id) {
    const json::object ledger = provider_->ledger();
    for (const Job& job : jobs()) {
        if (job.request.id.str() != id) continue;
        const json::value prompt = json::parse(job.request.input).at("prompt");
        for (const json::value& accepted : ledger.at("accepted").as_array()) {
            if (accepted.at("request_id").as_string() != request_id) continue;
            if (accepted.at("input").at("prompt") == prompt) continue;
            misnamed_.insert(request_id);
            misled_.insert(prompt.as_string().c_str());
        }
    }
    auto reply = std::make_shared<Reply>();
    life_->tasks.spawn("person", adopt_task(JobId(id), RequestId(request_id), reply));
    return reply;
}

ReplyPtr World::backup(const std::string& name) {
    auto reply = std::make_shared<Reply>();
    life_->tasks.spawn("backup", backup_task(name, Copy{acknowledged_, 0, 0}, reply));
    return reply;
}

ReplyPtr World::hand_over(const std::string& bytes) {
    auto reply = std::make_shared<Reply>();
    life_->tasks.spawn("hand over", hand_over_task(bytes, reply));
    return reply;
}

runtime::awaitable<void> World::hand_over_task(std::string bytes, std::shared_ptr<Reply> reply) {
    const std::string sha256 = sha256_hex(bytes);
    Status status = ok();
    for (;;) {
        const auto known = life_->engine->spooled(sha256);
        if (dead_) co_return;
        if (!known) status = known.error();
        if (!known || !known->path.empty()) break;
        engine::SpoolPiece piece;
        piece.sha256 = sha256;
        piece.name = "shot.png";
        piece.size = bytes.size();
        piece.offset = known->received;
        piece.bytes = bytes.substr(known->received, bytes.size() / 2 + 1);
        const auto put = co_await life_->engine->spool(std::move(piece));
        if (dead_) co_return;
        if (put || put.error().code() == ErrorCode::conflict) continue;
        status = put.error();
        break;
    }
    reply->status = status;
    reply->given = true;
}

void World::put_back(const std::string& name) {
    note("person", "puts back the copy " + name);
    put_back_ = true;
    receipts_.clear();
    bury();
    DiskImage image;
    const auto keep = [&](const std::string& as, const std::string& bytes) {
        const DiskImage::Handle file = image.create(as);
        file->write(0, bytes);
        image.sync(file);
    };
    for (const auto& [each, file] : databases_.files()) {
        if (!each.starts_with("reel.db") && !each.starts_with("inbox.db")) {
            keep(each, file->bytes());
        }
    }
    keep("reel.db", databases_.find(name)->bytes());
    const DiskImage::Handle rows = databases_.find(name + ".inbox");
    if (rows) keep("inbox.db", rows->bytes());
    databases_ = std::move(image);
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
    for (double* odds : {&net_->unreachable, &net_->lost_request, &net_->late_request,
                         &net_->lost_answer, &net_->reset_answer, &net_->cut_answer,
                         &net_->slow_answer}) {
        *odds = 0;
    }
    release_inbox();
    json::object faults;
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        faults[sandbox::to_string(static_cast<sandbox::Fault>(i))] = 0;
    }
    control(json::object{{"faults", faults},
                         {"locked", false},
                         {"key", ""},
                         {"concurrency", options_.provider.concurrency},
                         {"requests_per_minute", 0}});
    disk_->capacity = std::uint64_t{1} << 40;
}

std::vector<Job> World::jobs() {
    store::JobFilter filter;
    filter.limit = 100'000;
    return *life_->store->transact([&](store::Tx& tx) { return tx.list_jobs(filter); });
}

std::string World::trace() {
    std::vector<Journal::Entry> trail;
    const auto entries =
        *life_->store->transact([&](store::Tx& tx) { return tx.events_after(0, 1'000'000); });
    for (const store::AuditEntry& entry : entries) {
        trail.push_back({entry.at, fmt::format("{} {} {} -> {} {} | {}", entry.job.str(),
                                               entry.event,
                                               entry.from ? to_string(*entry.from) : "",
                                               to_string(entry.to), to_string(entry.reason),
                                               entry.note)});
    }
    return journal_.merged(trail);
}

std::map<std::string, std::uint64_t> World::counts() {
    auto counts = journal_.counts();
    const json::object ledger = provider_->ledger();
    counts["provider/accepted"] = ledger.at("accepted").as_array().size();
    counts["provider/billed"] = ledger.at("billed").to_number<std::uint64_t>();
    for (const auto& [name, times] : ledger.at("faults").as_object()) {
        counts["sandbox/" + std::string(name)] += times.to_number<std::uint64_t>();
    }
    for (const Job& job : jobs()) {
        ++counts[fmt::format("end/{}", to_string(job.state))];
        for (const domain::Output& output : job.outputs) counts["output/inlined"] += output.inlined;
        const auto attempts =
            *life_->store->transact([&](store::Tx& tx) { return tx.attempts(job.request.id); });
        for (const domain::Attempt& attempt : attempts) ++counts["attempt/" + attempt.outcome];
    }
    const auto entries =
        *life_->store->transact([&](store::Tx& tx) { return tx.events_after(0, 1'000'000); });
    for (const store::AuditEntry& entry : entries) ++counts["trail/" + entry.event];
    return counts;
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

std::vector<std::string> World::check(Disk disk) {
    std::vector<std::string> wrong;
    if (!life_->failure.empty()) wrong.push_back("a task failed: " + life_->failure);
    for (const Job& job : jobs()) {
        if (rests(job)) continue;
        wrong.push_back(fmt::format("{}: stuck in {} ({})", job.request.id.str(),
                                    to_string(job.state), to_string(job.reason)));
    }
    wrong.insert(wrong.end(), broken_.begin(), broken_.end());
    for (const std::string& url : net_->leaks) wrong.push_back("a key was sent to " + url);
    check_jobs(wrong);
    check_chain(wrong);
    check_ledger(wrong);
    check_money(wrong);
    check_submits(wrong);
    check_receipts(wrong);
    check_uploads(wrong);
    if (disk == Disk::swept) check_disk(wrong);
    check_exports(wrong);
    check_copies(wrong);
    return wrong;
}

}  // namespace reeld::test
