#include "engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "engine/adoption.hpp"
#include "engine/gatekeeper.hpp"
#include "engine/health_check.hpp"
#include "engine/intake_check.hpp"

namespace reeld::engine {
namespace {

using domain::Job;

constexpr int slice = 200;
constexpr Millis longest_sleep{30'000};
// How far the timer of a job is moved whose operation is still running.
constexpr Millis busy_again{60'000};
constexpr Millis upkeep_interval{60'000};
constexpr int key_check_rounds = 60;
constexpr int prune_rounds = 60;

void push_timer(store::Tx& tx, Job& job, Instant now) {
    job.due_at = now + busy_again;
    if (domain::is_uploading(job) && job.request.deadline) {
        job.due_at = std::min(*job.due_at, *job.request.deadline);
    }
    if (!tx.update_timer(job)) throw std::logic_error("a job's timer was lost");
}

// Providers' hints are taken up to an hour.
Millis longest_wait(const Core& core) {
    Millis longest = std::chrono::hours{1};
    for (const auto& [name, setup] : core.config.providers) {
        longest = std::max({longest, setup.policy.retry_max, setup.policy.poll_interval_max});
    }
    return longest + upkeep_interval;
}

void cap_gates(const Core& core, store::Tx& tx) {
    const auto cap = [&](std::optional<Instant>& at, Millis longest) {
        if (at) at = std::min(*at, core.now() + longest);
    };
    for (const auto& [name, setup] : core.config.providers) {
        const domain::ProviderState before = tx.provider_state(name);
        domain::ProviderState state = before;
        cap(state.probe_at, longest_wait(core));
        cap(state.limited_until, longest_wait(core));
        cap(state.next_submit_at, 2 * upkeep_interval);
        if (!(state == before)) tx.save_provider_state(state);
    }
}

}  // namespace

Engine::Engine(Services services, EngineConfig config)
    : core_(services, std::move(config)),
      clock_watch_(core_),
      fetch_(core_),
      uploader_(core_),
      tasks_(core_, fetch_, uploader_),
      streams_(core_, tasks_),
      dispatcher_(core_, tasks_),
      webhooks_(core_, tasks_),
      inbox_(core_),
      backup_(core_),
      retention_(core_, tasks_),
      spool_(core_),
      started_(core_.services.clock.elapsed()) {}

void Engine::start() {
    if (const Status known = hold_restored(); !known) {
        log::error("engine", "nothing is begun before it is known whether this database is a copy",
                   {{"error", known.error().message()}});
        core_.services.tasks.spawn("start", start_later());
        return;
    }
    begin();
}

awaitable<void> Engine::start_later() {
    constexpr Millis again{1'000};
    Status known = Error(ErrorCode::busy, "not yet asked");
    while (!known) {
        co_await core_.services.clock.sleep_for(again);
        retry_branch::taken(RetryBranch::start_copy_asked_again);
        known = hold_restored();
    }
    begin();
}

void Engine::begin() {
    std::vector<Written> written;
    Status named = name_interrupted(written);
    if (named) named = take_up_operations();
    crash_point::pass(CrashPoint::start_leftovers_named);
    if (!named) {
        // The owner timers say the same some minutes later.
        retry_branch::taken(RetryBranch::start_taken_up_later);
        log::error("engine", "interrupted operations could not be taken up at once",
                   {{"error", named.error().message()}});
    }
    spawn_loops();
}

void Engine::spawn_loops() {
    runtime::TaskGroup& tasks = core_.services.tasks;
    tasks.spawn("dispatcher", dispatcher_.run());
    tasks.spawn("clock", clock_watch_.run());
    tasks.spawn("timers", run_timers());
    tasks.spawn("status streams", streams_.run());
    tasks.spawn("inbox", inbox_.run());
    tasks.spawn("upkeep", run_upkeep());
    tasks.spawn("retention", retention_.run());
    tasks.spawn("spool", spool_.run());
    if (!core_.config.webhook_public_url.empty()) tasks.spawn("webhook keys", webhooks_.warm_up());
}

Status Engine::name_interrupted(std::vector<Written>& written) {
    return core_.services.store.transact([&](store::Tx& tx) {
        constexpr int all = 1'000'000;
        for (const Job& job : tx.jobs_in_state(store::State::submitting, all)) {
            written.push_back(
                apply(core_, tx, job.request.id, domain::event::SubmitInterrupted{}));
        }
    });
}

// Durable before anything may be submitted, and not in a group that a failing commit takes back.
Status Engine::hold_restored() {
    bool is_copy = false;
    const Status marked = mark_restored(is_copy);
    if (!marked) return marked;
    if (is_copy) crash_point::pass(CrashPoint::restored_held_written);
    const Status durable = core_.services.store.commit();
    if (durable && is_copy) crash_point::pass(CrashPoint::restored_held_durable);
    return durable;
}

Status Engine::mark_restored(bool& is_copy) {
    return core_.services.store.transact([&](store::Tx& tx) {
        const auto made_at = tx.copied_at();
        if (!made_at) return;
        is_copy = true;
        log::warning("engine", "this database is a copy: its pending jobs are held, because they "
                               "may have been submitted since",
                     {{"made_at", to_rfc3339(*made_at)}});
        constexpr int all = 1'000'000;
        for (const store::State state : domain::all_states) {
            if (domain::is_terminal(state)) continue;
            for (const Job& job : tx.jobs_in_state(state, all)) {
                // A job is met twice when it has been moved to a state that comes later.
                if (job.restored == domain::Restored::ask) continue;
                apply(core_, tx, job.request.id, domain::event::Restored{});
            }
        }
        tx.forget_copied();
    });
}

Status Engine::take_up_operations() {
    // Nothing is in flight yet: a timer this near may stand for a search, a poll or a fetch that
    // ended with the last process. A longer one is a wait that somebody asked for; one that nobody
    // asks for comes from a clock that was set back while no process looked.
    const Instant now = core_.now();
    return core_.services.store.transact([&](store::Tx& tx) {
        constexpr int all = 1'000'000;
        for (const store::State state : {store::State::submit_unknown, store::State::submitted,
                                         store::State::running, store::State::fetching}) {
            for (Job& job : tx.jobs_in_state(state, all)) {
                if (!job.due_at || *job.due_at <= now) continue;
                const bool is_near = *job.due_at <= now + domain::operation_check;
                if (!is_near && *job.due_at <= now + longest_wait(core_)) continue;
                job.due_at = now;
                const Instant latest = now + core_.policy(job.provider).submit_unknown_wait;
                if (job.unknown_until) job.unknown_until = std::min(*job.unknown_until, latest);
                if (!tx.update_timer(job)) throw std::logic_error("a job's timer was lost");
            }
        }
        for (const auto& [name, setup] : core_.config.providers) {
            for (Job& job : tx.uploading_jobs(name)) {
                job.due_at = now;
                if (!tx.update_timer(job)) throw std::logic_error("a job's timer was lost");
            }
        }
        cap_gates(core_, tx);
    });
}

awaitable<void> Engine::stop() {
    core_.stopping = true;
    core_.dispatch_bell.ring();
    constexpr Millis step{50};
    Millis waited{0};
    // An answer that arrives now saves a night's wait for evidence.
    while (is_submitting() && waited < core_.config.stop_grace) {
        co_await core_.services.clock.sleep_for(step);
        waited += step;
    }
    crash_point::pass(CrashPoint::stop_begins);
    core_.services.tasks.stop();
    const bool ended = co_await core_.services.tasks.join(core_.services.clock, Millis{5'000});
    if (!ended) log::warning("engine", "some tasks did not end in time");
    crash_point::pass(CrashPoint::stop_tasks_ended);
    const Status committed = core_.services.store.commit();
    if (committed) crash_point::pass(CrashPoint::stop_committed);
    if (!committed) {
        log::error("engine", "the last changes could not be written",
                   {{"error", committed.error().message()}});
    }
}

void Engine::reconfigure(EngineConfig config) {
    core_.config = std::move(config);
    fetch_.reconfigure();
    // A mended key is the usual reason for a reload: let the paused accounts try at once.
    const Status released = core_.services.store.transact([&](store::Tx& tx) {
        for (const auto& [name, setup] : core_.config.providers) {
            if (tx.provider_state(name).paused == domain::Reason::credentials) {
                release_gate(core_, tx, name);
            }
        }
    });
    crash_point::pass(CrashPoint::reload_gates_written);
    if (!released) {
        log::warning("engine", "paused providers stay paused after the reload",
                     {{"error", released.error().message()}});
    }
    core_.dispatch_bell.ring();
    core_.timer_bell.ring();
    core_.stream_bell.ring();
    retention_.look_again();
    core_.services.tasks.spawn("key check", check_keys(core_));
}

void Engine::follow(std::vector<Written> written) {
    for (Written& one : written) {
        announce(core_, one);
        tasks_.start(one.job.request.id, std::move(one.effects));
    }
}

Status Engine::fire_due(std::vector<Written>& written, bool& more) {
    const Instant now = core_.now();
    std::vector<Job> due;
    const Status read = core_.services.store.transact([&](store::Tx& tx) {
        due = tx.due_jobs(now, slice);
        core_.next_timer.reset();
    });
    if (!read) return read;
    more = static_cast<int>(due.size()) == slice;
    Status worst = ok();
    for (Job& job : due) {
        // Each in a savepoint of its own: one bad row must not stop the others.
        Written one;
        const Status fired = core_.services.store.transact([&](store::Tx& tx) {
            // A long upload must not hide the end of its job's time.
            const bool too_late = domain::is_uploading(job) && job.request.deadline &&
                                  *job.request.deadline <= now;
            if (tasks_.busy(job.request.id) && !too_late) {
                push_timer(tx, job, now);
            } else {
                one = apply(core_, tx, job.request.id, domain::event::Due{});
            }
        });
        if (fired) {
            if (one.kind != Written::Kind::missing) written.push_back(std::move(one));
            continue;
        }
        // Not this job's trouble: nobody can write now.
        if (fired.error().code() == ErrorCode::busy) return fired;
        log::error("engine", "a job's timer could not be served",
                   {{"job", job.request.id.str()}, {"error", fired.error().message()}});
        // It must not stand at the head of every slice either.
        retry_branch::taken(RetryBranch::timers_pushed_back);
        const Status pushed = core_.services.store.transact(
            [&](store::Tx& tx) { push_timer(tx, job, now); });
        if (!pushed) worst = pushed;
    }
    return worst;
}

awaitable<void> Engine::run_timers() {
    for (;;) {
        std::vector<Written> written;
        bool more = false;
        // First, so that nothing is decided by a time that only the clock has passed.
        Status fired = clock_watch_.follow();
        if (fired) fired = fire_due(written, more);
        if (!written.empty()) crash_point::pass(CrashPoint::timers_fired);
        // Also after a failure: what went well is to be kept, and only this ends a broken group.
        const Status durable = co_await core_.commit.durable();
        if (durable) {
            if (!written.empty()) crash_point::pass(CrashPoint::timers_durable);
            follow(std::move(written));
        }
        if (!fired || !durable) {
            retry_branch::taken(RetryBranch::timers_round_again);
            log::error("engine", "owner timers could not be served; trying again",
                       {{"error", (fired ? durable : fired).error().message()}});
            co_await core_.services.clock.sleep_for(Millis{1'000});
            continue;
        }
        if (more) continue;
        const auto next = core_.services.store.transact(
            [](store::Tx& tx) { return tx.next_due(); });
        const Instant now = core_.now();
        Instant wake = now + longest_sleep;
        if (next && *next) wake = std::clamp(**next, now + Millis{1}, wake);
        core_.next_timer = wake;
        co_await core_.timer_bell.wait_for(core_.services.clock, wake - now);
    }
}

void Engine::prune_uploads() {
    const Status pruned = core_.services.store.transact(
        [&](store::Tx& tx) { tx.prune_uploads(core_.now()); });
    if (pruned) return;
    log::warning("engine", "what is known of old uploads could not be removed",
                 {{"error", pruned.error().message()}});
}

awaitable<void> Engine::run_upkeep() {
    fetch_.sweep();
    for (int round = 0;; ++round) {
        watch_outputs(core_);
        fetch_.remove_leftovers();
        if (round % key_check_rounds == 0) co_await check_keys(core_);
        if (round % prune_rounds == 0) prune_uploads();
        co_await webhooks_.process_stored();
        const Status status = co_await core_.commit.durable();
        if (status) core_.commit.checkpoint();
        watch_store(core_, core_.services.store.facts());
        co_await core_.services.clock.sleep_for(upkeep_interval);
    }
}

awaitable<Result<std::vector<Submitted>>> Engine::submit(
    std::vector<domain::JobRequest> requests, JobFiles files) {
    std::vector<Submitted> submitted;
    Error refused;
    bool is_refused = false;
    // Thrown to roll back the whole array: all or nothing.
    struct Abandon : std::runtime_error {
        Abandon() : std::runtime_error("the submit was refused") {}
    };
    const auto refuse = [&](ErrorCode code, std::string why) {
        refused = Error(code, std::move(why));
        is_refused = true;
        throw Abandon();
    };
    const Status stored = core_.services.store.transact([&](store::Tx& tx) {
        for (std::size_t i = 0; i < requests.size(); ++i) {
            domain::JobRequest& request = requests[i];
            const auto provider = provider_of(request.model);
            if (!provider) {
                refuse(ErrorCode::invalid,
                       fmt::format("model: no configured provider serves \"{}\"", request.model));
            }
            if (request.id.empty()) {
                request.id = JobId(runtime::uuid_v7(core_.now(), core_.services.rng));
            }
            Submitted one;
            std::string text = created_words("submitted over the socket", request);
            one.job = domain::first_row(std::move(request), *provider, core_.now());
            if (i < files.size()) one.job.files = std::move(files[i]);
            const auto outcome = create(core_, tx, one.job, std::move(text));
            if (outcome == store::InsertOutcome::conflict) {
                refuse(ErrorCode::conflict, one.job.request.id.str());
            }
            if (outcome == store::InsertOutcome::retired) {
                refuse(ErrorCode::conflict, retired_words(*tx.find_retired(one.job.request.id)));
            }
            one.existed = outcome == store::InsertOutcome::existed;
            submitted.push_back(std::move(one));
        }
    });
    if (is_refused) co_return refused;
    if (!stored) co_return stored.error();
    crash_point::pass(CrashPoint::intake_jobs_written);
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable.error();
    crash_point::pass(CrashPoint::intake_jobs_durable);
    core_.dispatch_bell.ring();
    core_.timer_bell.ring();
    core_.event_bell.ring();
    co_return submitted;
}

CheckedFiles Engine::check(const json::object& job, const json::array* told) {
    return check_job(file_check(core_, find_string(job, "model").value_or(""), told),
                     core_.services.store, job);
}

bool Engine::is_uploaded(std::string_view model, const domain::InputFile& file) {
    const auto provider = provider_of(model);
    if (!provider || file.fresh || file.sha256.empty()) return false;
    const auto known = core_.services.store.transact([&](store::Tx& tx) {
        return tx.find_upload(*provider, file.sha256, file.content_type);
    });
    if (!known || !*known || (*known)->file_url.empty()) return false;
    const auto last = domain::last_use((*known)->uploaded_at, (*known)->expires_at);
    return !last || core_.now() < *last;
}

awaitable<Result<Job>> Engine::act(JobId id, Action action, Person person) {
    switch (action) {
        case Action::cancel: {
            domain::Event event = domain::event::CancelRequested{};
            co_return co_await apply_action(std::move(id), std::move(event), person);
        }
        case Action::hold: {
            domain::Event event = domain::event::HoldRequested{};
            co_return co_await apply_action(std::move(id), std::move(event), person);
        }
        case Action::release: {
            domain::Event event = domain::event::ReleaseRequested{};
            co_return co_await apply_action(std::move(id), std::move(event), person);
        }
        case Action::retry: co_return co_await retry(std::move(id), person);
    }
    co_return Error(ErrorCode::internal, "no such action");
}

awaitable<Result<Job>> Engine::adopt(JobId id, RequestId request, Person person) {
    auto written = co_await adopt_request(core_, id, std::move(request), person);
    if (!written) co_return written.error();
    crash_point::pass(CrashPoint::adopt_written);
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable.error();
    crash_point::pass(CrashPoint::adopt_durable);
    follow(std::move(*written));
    const auto job = core_.services.store.transact([&](store::Tx& tx) { return tx.find_job(id); });
    if (!job) co_return job.error();
    if (!*job) co_return Error(ErrorCode::not_found, "there is no such job");
    co_return **job;
}

awaitable<Result<Job>> Engine::apply_action(JobId id, domain::Event event, Person person) {
    const bool release = std::holds_alternative<domain::event::ReleaseRequested>(event);
    Written written;
    const Status stored = core_.services.store.transact([&](store::Tx& tx) {
        const auto before = tx.find_job(id);
        std::optional<store::Evidence> proof;
        if (before) {
            proof = person_evidence(*before, person, std::string(domain::name_of(event)), {},
                                    core_.now());
        }
        written = apply(core_, tx, id, event, std::move(proof), std::nullopt, person.words());
        const bool account = before && before->state == domain::State::held &&
                             (before->reason == domain::Reason::credentials ||
                              before->reason == domain::Reason::account);
        if (release && account) release_gate(core_, tx, before->provider);
    });
    if (!stored) co_return stored.error();
    if (written.kind == Written::Kind::missing) {
        co_return Error(ErrorCode::not_found, "there is no such job");
    }
    if (written.kind == Written::Kind::rejected) co_return Error(ErrorCode::conflict, written.note);
    crash_point::pass(CrashPoint::action_written);
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable.error();
    crash_point::pass(CrashPoint::action_durable);
    Job job = written.job;
    std::vector<Written> all;
    all.push_back(std::move(written));
    follow(std::move(all));
    co_return job;
}

awaitable<Result<Job>> Engine::retry(JobId id, Person person) {
    std::optional<Job> answer;
    Error refused(ErrorCode::not_found, "there is no such job");
    const Status stored = core_.services.store.transact([&](store::Tx& tx) {
        const auto ended = tx.find_job(id);
        if (!ended) return;
        // A second retry of one job would pay twice for one wish.
        answer = tx.find_retry_of(id);
        if (answer) return;
        if (const auto retired = tx.find_retired_retry_of(id)) {
            refused = Error(ErrorCode::conflict,
                            fmt::format("it was tried again already: {}", retired_words(*retired)));
            return;
        }
        JobId fresh(runtime::uuid_v7(core_.now(), core_.services.rng));
        auto row = domain::retry_row(*ended, std::move(fresh), core_.now());
        if (!row) {
            refused = Error(ErrorCode::conflict,
                            fmt::format("it is {}; only failed and cancelled jobs can be retried",
                                        domain::to_string(ended->state)));
            return;
        }
        create(core_, tx, *row, fmt::format("retries {}", id.str()));
        tx.copy_contents(id, *row);
        const std::int64_t proof =
            tx.insert_evidence(person_evidence(*ended, person, "retry", {}, core_.now()));
        note(core_, tx, *ended, "retried",
             fmt::format("tried again as {} ({})", row->request.id.str(), person.words()), proof);
        answer = std::move(row);
    });
    if (!stored) co_return stored.error();
    if (!answer) co_return refused;
    crash_point::pass(CrashPoint::retry_written);
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable.error();
    crash_point::pass(CrashPoint::retry_durable);
    core_.dispatch_bell.ring();
    core_.timer_bell.ring();
    core_.event_bell.ring();
    co_return *answer;
}

awaitable<Result<BackupDone>> Engine::backup(std::string path, std::function<bool()> abandoned) {
    return backup_.make(std::move(path), std::move(abandoned));
}

std::optional<std::string> Engine::provider_of(std::string_view model) const {
    for (const auto& [name, setup] : core_.config.providers) {
        if (setup.provider->serves(model)) return name;
    }
    return std::nullopt;
}

domain::Reason Engine::shown_reason(const Job& job) const {
    if (job.state != domain::State::queued) return job.reason;
    const auto at = core_.health.find(job.provider);
    if (at == core_.health.end() || at->second.admission.open) return domain::Reason::none;
    return at->second.admission.reason;
}

awaitable<Status> Engine::read_barrier() {
    const Status durable = co_await core_.commit.durable();
    if (durable) crash_point::pass(CrashPoint::read_durable);
    co_return durable;
}

awaitable<void> Engine::wait_for_event(std::int64_t after, Millis timeout) {
    const auto last = core_.services.store.transact(
        [](store::Tx& tx) { return tx.last_event_id(); });
    if (last && *last > after) co_return;
    co_await core_.event_bell.wait_for(core_.services.clock, timeout);
}

std::unique_ptr<Verifier> Engine::verifier(VerifyOptions options) {
    return std::make_unique<Verifier>(core_.services.store, core_.services.files,
                                      std::move(options));
}

EngineStatus Engine::status() {
    EngineStatus status;
    status.now = core_.now();
    // As the clock shows it now, so that a clock that was set does not change the time since.
    status.started_at = status.now - (core_.services.clock.elapsed() - started_);
    status.clock_set = core_.clock_set;
    status.clock_slept = core_.clock_slept;
    if (core_.config.catalogue != nullptr) {
        status.models = core_.config.catalogue->models().size();
        status.catalogue_mistakes = core_.config.catalogue->mistakes();
    }
    const Status read = core_.services.store.transact([&](store::Tx& tx) {
        status.counts = tx.count_by_state();
        status.money = money_status(tx, core_.services.clock.day_of(status.now));
        for (const auto& [name, setup] : core_.config.providers) {
            const domain::ProviderState gate = tx.provider_state(name);
            const ProviderHealth& health = core_.health[name];
            ProviderStatus one;
            one.name = name;
            one.in_hand = tx.count_in_hand(name);
            one.queued = tx.count_queued(name);
            one.concurrency = setup.limits.concurrency;
            one.has_key = setup.has_key;
            one.key = setup.has_key ? health.key : "missing";
            one.clock_ahead = health.clock_ahead;
            one.resubmit_unknown = setup.policy.resubmit_unknown;
            one.limited_until = gate.limited_until;
            one.probe_at = gate.probe_at;
            one.last_success_at = health.last_success_at;
            one.last_error = health.last_error;
            one.message = gate.paused_message;
            const bool limited = gate.limited_until && *gate.limited_until > status.now;
            one.health = gate.paused != domain::Reason::none ? "paused"
                         : limited                           ? "limited"
                         : health.failures >= 3              ? "failing"
                                                             : "ok";
            status.providers.push_back(std::move(one));
        }
    });
    if (!read) {
        log::warning("engine", "the status could not be read", {{"error", read.error().message()}});
    }
    status.downloads_active = fetch_.active();
    status.downloads_concurrency = fetch_.concurrency();
    status.disk_low = core_.disk_low;
    const auto free = core_.services.files.free_bytes(core_.config.downloads.outputs);
    if (free) status.disk_free_bytes = *free;
    status.outputs = core_.config.downloads.outputs;
    status.outputs_trouble = core_.outputs_trouble;
    status.webhook_address = webhook_address_;
    status.webhook_public_url = core_.config.webhook_public_url;
    status.last_errors.assign(core_.last_errors.begin(), core_.last_errors.end());
    status.store = core_.services.store.facts();
    watch_store(core_, status.store);
    status.store_trouble = core_.store_trouble;
    status.inbox_trouble = core_.inbox_trouble;
    status.backup = backup_.status();
    status.retention = retention_.status();
    return status;
}

Counters Engine::counters() const {
    Counters all = core_.counters;
    all["commits"][""] = core_.commit.commits();
    return all;
}

}  // namespace reeld::engine
