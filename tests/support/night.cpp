#include "support/night.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "base/crypto.hpp"
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

constexpr auto model = "fal-ai/minimax/hailuo-02/standard/text-to-video";
constexpr auto provider_url = "http://127.0.0.1:8470";
constexpr auto hooks_url = "http://127.0.0.1:8460";
constexpr auto outputs = "/outputs";

std::string fresh_folder(std::uint64_t seed) {
    std::string pattern = (fs::temp_directory_path() / fmt::format("reeld-night-{}-XXXXXX", seed)).string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return pattern;
}

engine::EngineConfig config_for(const NightPlan& plan) {
    engine::EngineConfig config;
    for (const providers::Entry& entry : providers::registry()) {
        if (entry.name != "fal") continue;
        provider_api::ProviderConfig api;
        api.key = Secret("night:key");
        api.queue_url = provider_url;
        api.rest_url = provider_url;
        api.platform_url = std::string(provider_url) + "/v1";
        engine::ProviderSetup setup;
        setup.provider = std::shared_ptr<const provider_api::Provider>(entry.make(api));
        setup.policy.webhook = plan.webhooks;
        setup.policy.resubmit_unknown = plan.resubmit_unknown;
        setup.limits.concurrency = 4;
        setup.has_key = true;
        setup.allow_plain_http = true;
        setup.allow_private_addresses = true;
        config.providers.emplace("fal", std::move(setup));
    }
    config.downloads.outputs = outputs;
    config.downloads.named_hosts = {"127.0.0.1:8470"};
    config.downloads.disk_reserve_bytes = 1 << 20;
    if (plan.webhooks) config.webhook_public_url = hooks_url;
    return config;
}

sandbox::Options provider_options(const NightPlan& plan, runtime::Rng& rng) {
    sandbox::Options options;
    options.seed = plan.seed;
    options.public_url = provider_url;
    options.run_min = Millis{20'000};
    options.run_max = Millis{240'000};
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        // Each night has its own few troubles; some have all of them.
        const bool chosen = rng.uniform() < 0.4;
        options.faults[static_cast<sandbox::Fault>(i)] =
            chosen ? plan.fault_level * 2 * rng.uniform() : 0;
    }
    return options;
}

bool rests(const Job& job) {
    return domain::is_terminal(job.state) ||
           (job.state == State::held &&
            (job.reason == Reason::user || job.reason == Reason::submit_unknown ||
             job.reason == Reason::remote_missing));
}

void copy_database(const std::string& from, const std::string& to) {
    fs::create_directories(to);
    for (const char* name : {"reel.db", "reel.db-wal", "inbox.db", "inbox.db-journal"}) {
        std::error_code ignored;
        fs::copy_file(from + "/" + name, to + "/" + name, ignored);
    }
}

}  // namespace

// One process of the daemon: everything that is gone when it dies.
struct Night::Life {
    Life(Night& night, const std::string& folder)
        : tasks(night.loop_.get_executor(),
                [this](const std::string& name, std::exception_ptr) { failure = name; }) {
        fs::create_directories(folder);
        store::StoreConfig config;
        config.path = folder + "/reel.db";
        config.durable = false;
        auto opened = store::Store::open(config);
        if (!opened) throw std::runtime_error(opened.error().message());
        store = std::move(*opened);
        auto box = store::Inbox::open(folder + "/inbox.db");
        if (!box) throw std::runtime_error(box.error().message());
        inbox = std::move(*box);
        const engine::Services services{night.clock_, *night.daemon_rng_, *night.disk_,
                                        *night.net_,  *store,             inbox.get(),
                                        tasks};
        engine = std::make_unique<engine::Engine>(services, config_for(night.plan_));
        engine->start();
    }

    runtime::TaskGroup tasks;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<store::Inbox> inbox;
    std::unique_ptr<engine::Engine> engine;
    std::string failure;

    std::vector<Job> jobs() {
        store::JobFilter filter;
        filter.limit = 100'000;
        return *store->transact([&](store::Tx& tx) { return tx.list_jobs(filter); });
    }
};

NightPlan plan_of(std::uint64_t seed) {
    const auto rng = runtime::make_seeded_rng(seed);
    NightPlan plan;
    plan.seed = seed;
    plan.jobs = 4 + static_cast<int>(rng->uniform() * 16);
    plan.crashes = static_cast<int>(rng->uniform() * 5);
    plan.webhooks = rng->uniform() < 0.7;
    plan.resubmit_unknown = rng->uniform() < 0.25;
    plan.people = rng->uniform() < 0.6;
    plan.fault_level = rng->uniform() < 0.2 ? 0 : rng->uniform() * 0.3;
    plan.unreachable = rng->uniform() < 0.5 ? 0 : rng->uniform() * 0.1;
    plan.lost_answer = rng->uniform() < 0.5 ? 0 : rng->uniform() * 0.1;
    return plan;
}

Night::Night(NightPlan plan)
    : plan_(plan),
      folder_(fresh_folder(plan.seed)),
      clock_(loop_.get_executor()),
      rng_(runtime::make_seeded_rng(plan.seed)),
      daemon_rng_(runtime::make_seeded_rng(plan.seed + 1)),
      provider_changed_(loop_.get_executor()),
      disk_(std::make_unique<SimulatedDisk>()) {
    provider_ = std::make_unique<sandbox::Service>(provider_options(plan_, *rng_));
    net_ = std::make_unique<SimulatedNet>(clock_, *rng_, *provider_, provider_changed_);
    net_->unreachable = plan_.unreachable;
    net_->lost_answer = plan_.lost_answer;
}

Night::~Night() {
    if (life_) {
        life_->tasks.stop();
        settle(loop_);
        life_.reset();
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void Night::begin_life() {
    ++lives_;
    life_ = std::make_unique<Life>(*this, fmt::format("{}/{}", folder_, lives_));
    if (plan_.webhooks) life_->tasks.spawn("webhook pump", pump_webhooks());
}

void Night::crash() {
    // Somewhere in the middle of a turn, not only between turns.
    const int steps = static_cast<int>(rng_->uniform() * 40);
    loop_.restart();
    for (int i = 0; i < steps && loop_.poll_one() > 0; ++i) {
    }
    // What a dead process leaves is what its files hold at this moment.
    copy_database(fmt::format("{}/{}", folder_, lives_), fmt::format("{}/{}", folder_, lives_ + 1));
    std::unique_ptr<SimulatedDisk> survived = disk_->copy();
    net_->down = true;
    life_->tasks.stop();
    settle(loop_);
    life_.reset();
    disk_ = std::move(survived);
    net_->down = false;
    clock_.advance(Millis{static_cast<Millis::rep>(rng_->uniform() * 600'000)});
    begin_life();
}

runtime::awaitable<void> Night::pump_webhooks() {
    for (;;) {
        for (sandbox::WebhookDelivery& delivery : provider_->due(clock_.now())) {
            life_->tasks.spawn("webhook", deliver(std::move(delivery)));
        }
        Millis wait{60'000};
        if (const auto next = provider_->next_due()) {
            wait = std::clamp(*next - clock_.now(), Millis{1}, wait);
        }
        co_await provider_changed_.wait_for(clock_, wait);
    }
}

runtime::awaitable<void> Night::deliver(sandbox::WebhookDelivery delivery) {
    // However this ends, the provider learns whether it was heard.
    struct Report {
        Night& night;
        std::uint64_t id;
        std::optional<int> status;
        ~Report() { night.provider_->delivered(id, status, night.clock_.now()); }
    };
    Report report{*this, delivery.id, std::nullopt};
    co_await clock_.sleep_for(Millis{20});
    http::ServerRequest request;
    request.method = "POST";
    request.target = parse_url(delivery.url)->target;
    request.headers = delivery.headers;
    request.body = delivery.body;
    const http::ServerResponse response =
        co_await life_->engine->webhook_handler().handle(std::move(request));
    report.status = response.status;
}

namespace {

runtime::awaitable<void> submit_task(engine::Engine& engine, std::vector<domain::JobRequest> asked,
                                     std::set<std::string>& acknowledged) {
    const auto submitted = co_await engine.submit(std::move(asked));
    if (!submitted) co_return;
    for (const engine::Submitted& one : *submitted) {
        acknowledged.insert(one.job.request.id.str());
    }
}

runtime::awaitable<void> act_task(engine::Engine& engine, JobId id, engine::Action action) {
    const auto ignored = co_await engine.act(std::move(id), action);
    if (!ignored) co_return;
}

json::object request_json(const std::string& id) {
    json::object input;
    input["prompt"] = "night job " + id;
    json::object object;
    object["id"] = id;
    object["model"] = model;
    object["input"] = std::move(input);
    object["batch"] = "night";
    return object;
}

}  // namespace

void Night::submit_some(int count) {
    std::vector<domain::JobRequest> requests;
    for (int i = 0; i < count; ++i) {
        json::object object = request_json(fmt::format("job-{}", next_job_++));
        object["priority"] = static_cast<int>(rng_->uniform() * 3);
        if (rng_->uniform() < 0.1) {
            object["not_before"] = to_rfc3339(clock_.now() + Millis{1'800'000});
        }
        if (rng_->uniform() < 0.1) {
            object["deadline"] = to_rfc3339(clock_.now() + Millis{2'400'000});
        }
        auto parsed = domain::parse_job(object, clock_.now());
        requests.push_back(std::get<domain::JobRequest>(std::move(parsed)));
    }
    life_->tasks.spawn("submit", submit_task(*life_->engine, std::move(requests), acknowledged_));
}

void Night::drop_row() {
    const std::string id = fmt::format("row-{}", next_job_++);
    const bool broken = rng_->uniform() < 0.2;
    const json::object object = request_json(id);
    const bool landed =
        test::drop_row(life_->inbox->path(), id, broken ? "not a model" : model,
                 json::serialize(object.at("input")));
    if (landed && !broken) dropped_.insert(id);
    if (rng_->uniform() < 0.7) life_->engine->inbox_changed();
}

void Night::interfere() {
    const std::vector<Job> jobs = life_->jobs();
    if (jobs.empty()) return;
    const Job& job = jobs[static_cast<std::size_t>(rng_->uniform() * static_cast<double>(jobs.size()))];
    const double dice = rng_->uniform();
    const auto action = dice < 0.3   ? engine::Action::hold
                        : dice < 0.7 ? engine::Action::release
                        : dice < 0.85 ? engine::Action::cancel
                                      : engine::Action::retry;
    const bool undecided = job.state == State::held && (job.reason == Reason::submit_unknown ||
                                                        job.reason == Reason::remote_missing);
    const bool chooses = (action == engine::Action::release && undecided) ||
                         action == engine::Action::retry;
    if (chooses) risked_.insert(json::parse(job.request.input).at("prompt").as_string().c_str());
    life_->tasks.spawn("person", act_task(*life_->engine, job.request.id, action));
}

void Night::pass(Millis duration) {
    const Millis end = clock_.monotonic() + duration;
    settle(loop_);
    for (auto next = clock_.next_wakeup(); next && *next <= end; next = clock_.next_wakeup()) {
        clock_.advance(*next - clock_.monotonic());
        settle(loop_);
    }
    if (clock_.monotonic() < end) clock_.advance(end - clock_.monotonic());
    settle(loop_);
}

bool Night::quiet() {
    if (!life_->failure.empty()) return true;
    for (const Job& job : life_->jobs()) {
        if (!rests(job)) return false;
    }
    const auto rows = life_->inbox->pending(1);
    return rows && rows->empty();
}

void Night::release_everything() {
    net_->unreachable = 0;
    net_->lost_answer = 0;
    json::object faults;
    for (std::size_t i = 0; i < sandbox::fault_count; ++i) {
        faults[sandbox::to_string(static_cast<sandbox::Fault>(i))] = 0;
    }
    HttpRequest request;
    request.method = "POST";
    request.url = "/_sandbox/control";
    request.body = json::serialize(json::object{{"faults", faults}, {"locked", false}});
    provider_->handle(request, clock_.now());
    disk_->capacity = std::uint64_t{1} << 40;
}

std::vector<std::string> Night::run() {
    begin_life();
    int to_submit = plan_.jobs;
    int to_crash = plan_.crashes;
    const int turns = 40;
    for (int turn = 0; turn < turns; ++turn) {
        if (to_submit > 0 && rng_->uniform() < 0.4) {
            const int count = std::min(to_submit, 1 + static_cast<int>(rng_->uniform() * 4));
            to_submit -= count;
            if (rng_->uniform() < 0.7) {
                submit_some(count);
            } else {
                for (int i = 0; i < count; ++i) drop_row();
            }
        }
        if (plan_.people && rng_->uniform() < 0.15) interfere();
        if (rng_->uniform() < 0.03) clock_.jump(Millis{static_cast<Millis::rep>((rng_->uniform() - 0.5) * 7'200'000)});
        if (rng_->uniform() < 0.03) disk_->capacity = disk_->used() + 20'000;
        if (rng_->uniform() < 0.1) disk_->capacity = std::uint64_t{1} << 40;
        if (rng_->uniform() < 0.04) {
            HttpRequest request;
            request.method = "POST";
            request.url = "/_sandbox/control";
            request.body = rng_->uniform() < 0.5 ? R"({"locked":true})" : R"({"locked":false})";
            provider_->handle(request, clock_.now());
        }
        // Short and long: into the middle of an exchange, or hours on.
        const double length = rng_->uniform();
        pass(Millis{static_cast<Millis::rep>(length * length * length * 1'200'000)});
        if (to_crash > 0 && rng_->uniform() < 0.25) {
            --to_crash;
            crash();
        }
    }
    release_everything();
    for (int hour = 0; hour < 96 && !quiet(); ++hour) pass(Millis{3'600'000});
    // A last start sweeps what the night left behind.
    crash();
    pass(Millis{120'000});
    std::vector<std::string> wrong;
    check_all(wrong);
    return wrong;
}

void Night::check_all(std::vector<std::string>& wrong) {
    if (!life_->failure.empty()) wrong.push_back("a task failed: " + life_->failure);
    check_jobs(wrong);
    check_ledger(wrong);
    for (const auto& [path, content] : disk_->files()) {
        if (path.find(".part") != std::string::npos) wrong.push_back("ownerless file " + path);
    }
}

void Night::check_jobs(std::vector<std::string>& wrong) {
    std::set<std::string> present;
    for (const Job& job : life_->jobs()) {
        const std::string id = job.request.id.str();
        const auto say = [&](std::string_view what) { wrong.push_back(fmt::format("{}: {}", id, what)); };
        present.insert(id);
        if (!rests(job)) {
            say(fmt::format("stuck in {} ({})", to_string(job.state), to_string(job.reason)));
        }
        if (domain::is_terminal(job.state) == job.due_at.has_value()) say("owner timer is wrong");
        json::object folded;
        const auto events =
            *life_->store->transact([&](store::Tx& tx) { return tx.events(job.request.id); });
        for (const store::AuditEntry& entry : events) domain::fold_audit(folded, entry.patch);
        if (folded != domain::to_audit(job)) {
            say("events do not fold to the row: " +
                json::serialize(domain::diff_audit(folded, domain::to_audit(job))));
        }
        if (job.state != State::completed) continue;
        for (const domain::Output& output : job.outputs) {
            const auto file = disk_->files().find(output.path);
            if (file == disk_->files().end()) {
                say("completed without its file " + output.path);
                continue;
            }
            HttpRequest request;
            request.url = output.url;
            const sandbox::Answer media = provider_->handle(request, clock_.now());
            if (*file->second != media.body || sha256_hex(*file->second) != output.sha256 ||
                file->second->size() != output.bytes) {
                say("its file is not what the provider made");
            }
        }
    }
    for (const std::string& id : acknowledged_) {
        if (!present.contains(id)) wrong.push_back(id + ": acknowledged, and lost");
    }
    for (const std::string& id : dropped_) {
        if (!present.contains(id)) wrong.push_back(id + ": dropped, and lost");
    }
}

void Night::check_ledger(std::vector<std::string>& wrong) {
    const json::object ledger = provider_->ledger();
    std::map<std::string, int> billed;
    std::set<std::string> webhooks;
    for (const json::value& entry : ledger.at("accepted").as_array()) {
        const json::object& accepted = entry.as_object();
        const std::string prompt(accepted.at("input").as_object().at("prompt").as_string());
        if (accepted.at("billed").as_bool()) ++billed[prompt];
        const auto hook = find_string(accepted, "webhook");
        if (hook && !hook->empty() && !webhooks.insert(*hook).second) {
            wrong.push_back("one intent was sent twice: " + prompt);
        }
    }
    for (const auto& [prompt, count] : billed) {
        if (count > 1 && !plan_.resubmit_unknown && !risked_.contains(prompt)) {
            wrong.push_back(fmt::format("\"{}\" was paid {} times", prompt, count));
        }
    }
}

std::string Night::trace() {
    std::string text = fmt::format(
        "seed {}: jobs {} crashes {} webhooks {} resubmit {} people {} faults {:.2f}\n", plan_.seed,
        plan_.jobs, plan_.crashes, plan_.webhooks, plan_.resubmit_unknown, plan_.people,
        plan_.fault_level);
    const auto entries =
        *life_->store->transact([&](store::Tx& tx) { return tx.events_after(0, 1'000'000); });
    for (const store::AuditEntry& entry : entries) {
        text += fmt::format("{} {} {} {} -> {} {} | {}\n", to_rfc3339(entry.at), entry.job.str(),
                            entry.event, entry.from ? to_string(*entry.from) : "",
                            to_string(entry.to), to_string(entry.reason), entry.note);
    }
    return text;
}

std::string Night::summary() const {
    std::map<std::string, int> counts;
    for (const Job& job : life_->jobs()) {
        ++counts[fmt::format("{}/{}", to_string(job.state), to_string(job.reason))];
    }
    std::string text;
    for (const auto& [name, count] : counts) text += fmt::format("{} {} ", count, name);
    return text;
}

}  // namespace reeld::test
