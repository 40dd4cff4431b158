#include "reeld/app.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "api/api.hpp"
#include "base/log.hpp"
#include "engine/engine.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "reeld/catalogue_folder.hpp"
#include "reeld/config.hpp"
#include "reeld/config_report.hpp"
#include "reeld/credentials.hpp"
#include "reeld/log_sink.hpp"
#include "reeld/service_notify.hpp"
#include "reeld/setup.hpp"
#include "runtime/file_watch.hpp"
#include "sandbox/host.hpp"

namespace reeld::daemon {
namespace {

namespace asio = boost::asio;
using runtime::awaitable;

constexpr unsigned socket_mode = 0660;
constexpr Millis status_interval{15'000};

Status make_folder(const std::string& path) {
    std::error_code failure;
    std::filesystem::create_directories(path, failure);
    if (!failure) return ok();
    return Error(ErrorCode::io, fmt::format("the folder {} cannot be made: {}", path,
                                            failure.message()));
}

// Any key will do in the sandbox; nothing outside is read.
class SandboxKeys : public KeySources {
  public:
    std::optional<std::string> environment(const std::string& name) const override {
        if (name == "FAL_KEY" || name.ends_with("_API_KEY")) return "sandbox-key:any";
        return std::nullopt;
    }
    Result<std::optional<KeyFile>> read(const std::string&) const override {
        return std::optional<KeyFile>{};
    }
};

class App {
  public:
    App(Options options, const char* version)
        : options_(std::move(options)),
          version_(version),
          clock_(runtime::make_system_clock(loop_.get_executor())),
          rng_(runtime::make_system_rng()),
          files_(runtime::make_system_file_system(loop_.get_executor())),
          tasks_(loop_.get_executor(), [this](const std::string& name, std::exception_ptr) {
              on_failure(name);
          }),
          outer_tasks_(loop_.get_executor(), [this](const std::string& name, std::exception_ptr) {
              on_failure(name);
          }) {
        http::ClientConfig client;
        client.user_agent = fmt::format("reeld/{}", version_);
        client_ = http::make_client(loop_.get_executor(), *clock_, std::move(client));
        log::set_sink(make_log_sink(*clock_));
    }

    int run() {
        const Status started = start();
        if (!started) {
            fmt::print(stderr, "reeld: {}\n", started.error().message());
            return 1;
        }
        if (options_.check_config) return 0;
        loop_.run();
        // What still runs ends before anything it uses is destroyed.
        tasks_.stop();
        outer_tasks_.stop();
        loop_.restart();
        loop_.run_for(std::chrono::seconds(2));
        return exit_code_;
    }

  private:
    Status start();
    Status load();
    Status start_sandbox();
    Status open_state();
    Status listen();
    void spawn_all();
    void say_ready();

    awaitable<void> run_signals();
    awaitable<void> run_inbox_watch();
    awaitable<void> run_watchdog();
    awaitable<void> run_status();
    awaitable<void> shut_down();
    void reload();
    std::string sandbox_models() const;
    void on_failure(const std::string& name);
    const KeySources& keys() const { return *keys_; }

    Options options_;
    std::string version_;
    int exit_code_ = 0;
    bool stopping_ = false;
    Config config_;
    engine::EngineConfig sandbox_setup_;
    ServiceNotify notify_;
    std::unique_ptr<KeySources> keys_;

    // Declared in the order of need: what stands below may use what stands above, and goes first.
    asio::io_context loop_{1};
    std::unique_ptr<runtime::Clock> clock_;
    std::unique_ptr<runtime::Rng> rng_;
    std::unique_ptr<runtime::FileSystem> files_;
    std::unique_ptr<http::Client> client_;
    runtime::TaskGroup tasks_;        // the engine's
    runtime::TaskGroup outer_tasks_;  // servers, signals, sandbox
    std::unique_ptr<asio::signal_set> signals_;
    std::unique_ptr<sandbox::Host> sandbox_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<store::Inbox> inbox_;
    std::unique_ptr<engine::Engine> engine_;
    std::unique_ptr<runtime::FileWatch> watch_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<http::Server> webhook_server_;
    std::unique_ptr<http::Server> api_server_;
};

// The sandbox has no configuration: a folder beside its state does.
std::string App::sandbox_models() const {
    const auto folder = std::filesystem::absolute(options_.sandbox->folder) / "models";
    return std::filesystem::is_directory(folder) ? folder.string() : std::string();
}

Status App::load() {
    if (options_.sandbox) {
        keys_ = std::make_unique<SandboxKeys>();
        const std::vector<std::string_view> names = registered_providers();
        config_ = default_config(names);
        const std::string folder = std::filesystem::absolute(options_.sandbox->folder).string();
        config_.paths.state = folder + "/state";
        config_.paths.outputs = folder + "/outputs";
        config_.paths.socket = folder + "/reeld.sock";
        config_.catalogue.folder = sandbox_models();
        return ok();
    }
    keys_ = system_key_sources();
    auto loaded = load_config(options_.config_file);
    if (!loaded) return loaded.error();
    config_ = std::move(*loaded);
    return ok();
}

Status App::start_sandbox() {
    sandbox::Options options;
    options.seed = options_.sandbox->seed;
    options.speed = options_.sandbox->speed;
    options.public_url.clear();
    options.concurrency = 0;
    for (const auto& [name, provider] : config_.providers) {
        options.concurrency += static_cast<std::size_t>(provider.concurrency);
    }
    if (!options_.sandbox->faults_file.empty()) {
        std::ifstream file(options_.sandbox->faults_file);
        std::ostringstream text;
        text << file.rdbuf();
        if (!file) return Error(ErrorCode::not_found, options_.sandbox->faults_file);
        auto faults = sandbox::parse_faults(text.str());
        if (!faults) return faults.error();
        options.faults = *faults;
    }
    sandbox_ = std::make_unique<sandbox::Host>(outer_tasks_, *clock_, *client_, options);
    const Status listening = sandbox_->listen("127.0.0.1:0");
    if (!listening) return listening;
    // One server plays them all: each takes the URLs that it knows.
    for (auto& [name, provider] : config_.providers) {
        provider.named = true;
        provider.api.queue_url = sandbox_->url();
        provider.api.rest_url = sandbox_->url();
        provider.api.platform_url = sandbox_->url() + "/v1";
        provider.api.base_url = sandbox_->url();
        // With webhooks the distance is four times as long; jobs here live for seconds.
        provider.poll_interval = Millis{250};
        provider.submit_unknown_wait = Millis{30'000};
        provider.requests_per_minute = 6'000;
    }
    return ok();
}

Status App::open_state() {
    const std::string spool = config_.paths.state + "/files";
    for (const std::string& folder : {config_.paths.state, config_.paths.outputs, spool}) {
        const Status made = make_folder(folder);
        if (!made) return made;
    }
    store::StoreConfig store_config;
    store_config.path = config_.paths.state + "/reel.db";
    auto opened = store::Store::open(store_config);
    if (!opened) return opened.error();
    store_ = std::move(*opened);
    auto inbox = store::Inbox::open(config_.paths.state + "/inbox.db");
    if (!inbox) return inbox.error();
    inbox_ = std::move(*inbox);
    return ok();
}

Status App::listen() {
    const bool wants_webhooks = options_.sandbox || config_.webhook;
    if (wants_webhooks) {
        const std::string address = options_.sandbox ? "127.0.0.1:0" : config_.webhook->listen;
        http::ServerLimits limits;
        limits.body_bytes_max = 1024 * 1024;
        auto server =
            http::listen_tcp(outer_tasks_, address, engine_->webhook_handler(), limits);
        if (!server) return server.error();
        webhook_server_ = std::move(*server);
        engine_->set_webhook_address(webhook_server_->address());
    }
    const std::string folder = std::filesystem::path(config_.paths.socket).parent_path().string();
    if (options_.sandbox) {
        const Status made = make_folder(folder);
        if (!made) return made;
    }
    auto server = http::listen_unix(outer_tasks_, config_.paths.socket, socket_mode, *api_);
    if (!server) return server.error();
    api_server_ = std::move(*server);
    return ok();
}

Status App::start() {
    const Status loaded = load();
    if (!loaded) return loaded;
    log::set_level(config_.log_level);
    if (options_.check_config) {
        const auto setup = make_setup(config_, keys());
        if (!setup) return setup.error();
        fmt::print("{}", summary(config_));
        for (const std::string& line : setup->notes) fmt::print("{}\n", line);
        for (const std::string& line : setup->warnings) fmt::print("warning: {}\n", line);
        return ok();
    }
    for (const std::string& warning : config_.warnings) log::warning("config", warning);
    if (options_.sandbox) {
        const Status started = start_sandbox();
        if (!started) return started;
    }
    auto setup = make_setup(config_, keys());
    if (!setup) return setup.error();
    for (const std::string& line : setup->notes) log::info("config", line);
    for (const std::string& line : setup->warnings) log::warning("catalogue", line);
    const Status opened = open_state();
    if (!opened) return opened;
    const engine::Services services{*clock_,  *rng_,        *files_, *client_,
                                    *store_, inbox_.get(), tasks_};
    engine_ = std::make_unique<engine::Engine>(services, setup->engine);
    api_ = std::make_unique<api::Api>(*engine_, *clock_, version_);
    const Status listening = listen();
    if (!listening) return listening;
    if (options_.sandbox) {
        // The port is known only now, and nothing has started yet.
        setup->engine.webhook_public_url = "http://" + webhook_server_->address();
        for (auto& [name, provider] : setup->engine.providers) provider.policy.webhook = true;
        engine_->reconfigure(setup->engine);
        sandbox_setup_ = setup->engine;
    }
    engine_->start();
    spawn_all();
    say_ready();
    return ok();
}

void App::spawn_all() {
    signals_ = std::make_unique<asio::signal_set>(loop_, SIGTERM, SIGINT, SIGHUP);
    outer_tasks_.spawn("signals", run_signals());
    auto watch = runtime::watch_file(loop_.get_executor(), config_.paths.state, "inbox.db");
    if (watch) {
        watch_ = std::move(*watch);
        outer_tasks_.spawn("inbox watch", run_inbox_watch());
    } else {
        log::warning("inbox", "no file notification; dropped rows are noticed by a slow timer",
                     {{"error", watch.error().message()}});
    }
    if (ServiceNotify::watchdog_period()) outer_tasks_.spawn("watchdog", run_watchdog());
    outer_tasks_.spawn("service status", run_status());
}

void App::say_ready() {
    notify_.ready("ready");
    log::info("reeld", "ready",
              {{"version", version_},
               {"socket", config_.paths.socket},
               {"state", config_.paths.state},
               {"outputs", config_.paths.outputs},
               {"webhooks", webhook_server_ ? webhook_server_->address() : "none: polling only"}});
    if (!options_.sandbox) return;
    fmt::print("reeld is ready, with the sandbox as its providers (no key, no cost)\n");
    fmt::print("  socket   {}\n", config_.paths.socket);
    fmt::print("  inbox    {}/inbox.db\n", config_.paths.state);
    fmt::print("  outputs  {}\n", config_.paths.outputs);
    fmt::print("  sandbox  {}\n", sandbox_->url());
    fmt::print("try: reel --socket {} submit fal-ai/minimax/hailuo-02/standard/text-to-video "
               "prompt='waves at dusk' --wait\n",
               config_.paths.socket);
    std::fflush(stdout);
}

awaitable<void> App::run_signals() {
    for (;;) {
        const auto token = asio::as_tuple(asio::use_awaitable);
        const auto [error, number] = co_await signals_->async_wait(token);
        if (error) co_return;
        if (number == SIGHUP) {
            reload();
            continue;
        }
        if (stopping_) {
            // A second signal: the person does not want to wait.
            log::warning("reeld", "stopping at once");
            exit_code_ = 130;
            loop_.stop();
            co_return;
        }
        stopping_ = true;
        log::info("reeld", "stopping", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
        outer_tasks_.spawn("shut down", shut_down());
    }
}

awaitable<void> App::shut_down() {
    notify_.stopping("stopping: submits in flight get their answers");
    if (webhook_server_) webhook_server_->close();
    api_server_->close();
    co_await engine_->stop();
    log::info("reeld", "stopped; every job goes on at the next start");
    loop_.stop();
}

void App::reload() {
    if (options_.sandbox) {
        config_.catalogue.folder = sandbox_models();
        sandbox_setup_.catalogue = load_catalogue(config_.catalogue.folder);
        for (const std::string& line : sandbox_setup_.catalogue->mistakes()) {
            log::warning("catalogue", line);
        }
        engine_->reconfigure(sandbox_setup_);
        log::info("reeld", "models read again; the sandbox has no configuration to reload");
        return;
    }
    notify_.reloading();
    auto fresh = load_config(options_.config_file);
    ReloadDiff diff;
    if (fresh) {
        diff = diff_reload(config_, *fresh);
        // What needs a restart stays as it was started.
        fresh->paths = config_.paths;
        if (fresh->webhook && config_.webhook) {
            fresh->webhook->listen = config_.webhook->listen;
        } else {
            fresh->webhook = config_.webhook;
        }
    }
    auto setup = fresh ? make_setup(*fresh, keys()) : Result<Setup>(fresh.error());
    if (!setup) {
        log::error("config", "the new configuration is not taken; the old one stays in force",
                   {{"error", setup.error().message()}});
        notify_.ready("reload refused: the old configuration stays in force");
        return;
    }
    for (const std::string& line : diff.live) log::info("config", "changed: " + line);
    for (const std::string& line : setup->warnings) log::warning("catalogue", line);
    for (const std::string& line : diff.restart) {
        log::warning("config", "in force after a restart: " + line);
    }
    log::set_level(fresh->log_level);
    engine_->reconfigure(std::move(setup->engine));
    config_ = std::move(*fresh);
    log::info("config", "reloaded");
    notify_.ready("reloaded");
}

awaitable<void> App::run_inbox_watch() {
    for (;;) {
        const Status changed = co_await watch_->changed();
        if (!changed) {
            if (stopping_) co_return;
            log::warning("inbox", "the file notification ended; the slow timer goes on",
                         {{"error", changed.error().message()}});
            co_return;
        }
        engine_->inbox_changed();
    }
}

awaitable<void> App::run_watchdog() {
    const Millis period = *ServiceNotify::watchdog_period();
    for (;;) {
        notify_.watchdog();
        co_await clock_->sleep_for(period);
    }
}

awaitable<void> App::run_status() {
    for (;;) {
        co_await clock_->sleep_for(status_interval);
        if (stopping_) co_return;
        std::string text;
        for (const auto& [state, jobs] : engine_->status().counts) {
            if (jobs == 0 || domain::is_terminal(state)) continue;
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", jobs, domain::to_string(state));
        }
        notify_.status(text.empty() ? "idle" : text);
    }
}

void App::on_failure(const std::string& name) {
    // A broken invariant: stop, let the service manager start a fresh process on the durable state.
    log::error("reeld", "stopping because a task failed", {{"task", name}});
    exit_code_ = 1;
    loop_.stop();
}

}  // namespace

int run_app(const Options& options, const char* version) { return App(options, version).run(); }

}  // namespace reeld::daemon
