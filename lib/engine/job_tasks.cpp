#include "engine/job_tasks.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "engine/gatekeeper.hpp"
#include "engine/provider_call.hpp"
#include "engine/reconciler.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using store::EvidenceKind;

std::string labels(const Job& job, std::string_view outcome) {
    return fmt::format("provider=\"{}\",outcome=\"{}\"", job.provider, outcome);
}

std::string webhook_url(const Core& core, const Job& job, const Token& token) {
    if (core.config.webhook_public_url.empty()) return {};
    return fmt::format("{}/hooks/{}/{}", core.config.webhook_public_url, job.provider,
                       token.str());
}

bool holds_files(const domain::Event& event) {
    const auto* seen = std::get_if<domain::event::ResultSeen>(&event);
    return seen != nullptr && !seen->contents.empty();
}

}  // namespace

void JobTasks::start(const JobId& id, std::vector<domain::Effect> effects) {
    if (effects.empty()) return;
    const auto [at, fresh] = todo_.try_emplace(id);
    for (domain::Effect& effect : effects) {
        const bool waiting = std::any_of(
            at->second.begin(), at->second.end(),
            [&](const domain::Effect& other) { return other.index() == effect.index(); });
        if (waiting) continue;
        at->second.push_back(effect);
        if (std::holds_alternative<domain::effect::SendSubmit>(effect)) submits_.insert(id);
    }
    if (fresh) core_.services.tasks.spawn("job " + id.str(), run(id));
}

awaitable<void> JobTasks::run(JobId id) {
    // Also when the task is cancelled the job must not stay marked as busy.
    struct Leave {
        JobTasks& tasks;
        const JobId& id;
        ~Leave() {
            tasks.todo_.erase(id);
            tasks.submits_.erase(id);
        }
    };
    const Leave leave{*this, id};
    while (!todo_[id].empty()) {
        const domain::Effect effect = todo_[id].front();
        todo_[id].pop_front();
        co_await perform(id, effect);
    }
}

awaitable<void> JobTasks::perform(JobId id, domain::Effect effect) {
    // A plain chain: each awaited call must be named in its own statement.
    if (std::holds_alternative<domain::effect::SendSubmit>(effect)) {
        co_await submit(id);
        submits_.erase(id);
    } else if (std::holds_alternative<domain::effect::PollStatus>(effect)) {
        co_await poll(id);
    } else if (std::holds_alternative<domain::effect::ReadResult>(effect)) {
        co_await read_result(id);
    } else if (std::holds_alternative<domain::effect::SendCancel>(effect)) {
        co_await cancel(id);
    } else if (std::holds_alternative<domain::effect::SearchEvidence>(effect)) {
        co_await search(id);
    } else if (std::holds_alternative<domain::effect::Upload>(effect)) {
        co_await uploader_.upload(id);
    } else {
        std::vector<domain::Effect> following = co_await fetch_.fetch(id);
        start(id, std::move(following));
    }
}

std::optional<Job> JobTasks::load(const JobId& id) {
    auto found = core_.services.store.transact([&](store::Tx& tx) { return tx.find_job(id); });
    return found ? *found : std::nullopt;
}

awaitable<void> JobTasks::take(JobId id, domain::Event event,
                               std::optional<store::Evidence> evidence) {
    Written written = co_await record(core_, id, std::move(event), std::move(evidence));
    start(id, std::move(written.effects));
}

awaitable<void> JobTasks::submit(JobId id) {
    std::optional<Job> job;
    std::optional<domain::Attempt> attempt;
    const Status loaded = core_.services.store.transact([&](store::Tx& tx) {
        job = tx.find_job(id);
        if (job) attempt = tx.find_attempt(id, job->attempt);
    });
    // A webhook of an earlier submit may have been faster than this one's turn.
    if (loaded && (!job || job->state != domain::State::submitting)) co_return;
    const ProviderSetup* configured = job ? core_.setup(job->provider) : nullptr;
    if (!loaded || !attempt || configured == nullptr) {
        std::string why = "the provider is not configured any more";
        if (!loaded) why = loaded.error().message();
        co_await leave_unsent(id, std::move(why));
        co_return;
    }
    const ProviderSetup setup = *configured;

    provider_api::SubmitIntent intent;
    intent.job = id;
    intent.attempt = job->attempt;
    intent.model = job->request.model;
    intent.input = domain::sent_input(*job, *attempt);
    intent.webhook_url = webhook_url(core_, *job, attempt->token);
    intent.webhook_token = attempt->token;
    intent.intent_at = attempt->intent_at;
    auto request = setup.provider->build_submit(intent);
    crash_point::pass(CrashPoint::submit_request_leaves);
    const Exchange exchange = co_await exchange_with(core_, setup, std::move(request));
    crash_point::pass(CrashPoint::submit_answer_read);
    domain::Event event = setup.provider->read_submit(intent, exchange);
    core_.count("submits", labels(*job, domain::name_of(event)));
    store::Evidence evidence =
        answer_evidence(*job, EvidenceKind::submit_answer, exchange, core_.now());

    std::optional<store::Evidence> proof = std::move(evidence);
    co_await take(id, std::move(event), std::move(proof));
    crash_point::pass(CrashPoint::submit_outcome_durable);
}

// Nothing has left this machine for this intent, so it need not wait for evidence.
awaitable<void> JobTasks::leave_unsent(JobId id, std::string why) {
    domain::event::SubmitNotSent unsent;
    unsent.error = {"not_sent", std::move(why)};
    domain::Event event = std::move(unsent);
    co_await take(id, std::move(event), std::nullopt);
}

awaitable<void> JobTasks::poll(JobId id) {
    const std::optional<Job> job = load(id);
    const ProviderSetup* configured = job ? core_.setup(job->provider) : nullptr;
    if (configured == nullptr || !job->remote || domain::is_terminal(job->state)) co_return;
    const ProviderSetup setup = *configured;
    auto request = setup.provider->build_status(job->request.model, *job->remote);
    crash_point::pass(CrashPoint::poll_request_leaves);
    const Exchange exchange = co_await exchange_with(core_, setup, std::move(request));
    crash_point::pass(CrashPoint::poll_answer_read);
    domain::Event event = setup.provider->read_status(exchange);
    core_.count("polls", labels(*job, domain::name_of(event)));
    co_await gate_after_read(core_, job->provider, exchange);
    std::optional<store::Evidence> proof =
        answer_evidence(*job, EvidenceKind::status_answer, exchange, core_.now());
    co_await take(id, std::move(event), std::move(proof));
    crash_point::pass(CrashPoint::poll_outcome_durable);
}

awaitable<void> JobTasks::read_result(JobId id) {
    const std::optional<Job> job = load(id);
    const ProviderSetup* configured = job ? core_.setup(job->provider) : nullptr;
    if (configured == nullptr || !job->remote || domain::is_terminal(job->state)) co_return;
    const ProviderSetup setup = *configured;
    auto request = setup.provider->build_result(job->request.model, *job->remote);
    crash_point::pass(CrashPoint::result_request_leaves);
    Exchange exchange = co_await exchange_with(core_, setup, std::move(request),
                                               setup.provider->limits().result_bytes);
    crash_point::pass(CrashPoint::result_answer_read);
    domain::Event event = setup.provider->read_result(exchange);
    core_.count("results", labels(*job, domain::name_of(event)));
    // The files in it become files; a copy as evidence would be half of one, or none.
    if (holds_files(event)) exchange.response.body = without_long_texts(exchange.response.body);
    std::optional<store::Evidence> proof =
        answer_evidence(*job, EvidenceKind::result_answer, exchange, core_.now());
    co_await take(id, std::move(event), std::move(proof));
    crash_point::pass(CrashPoint::result_outcome_durable);
}

awaitable<void> JobTasks::cancel(JobId id) {
    const std::optional<Job> job = load(id);
    const ProviderSetup* configured = job ? core_.setup(job->provider) : nullptr;
    if (configured == nullptr || !job->remote || domain::is_terminal(job->state)) co_return;
    const ProviderSetup setup = *configured;
    auto request = setup.provider->build_cancel(job->request.model, *job->remote);
    crash_point::pass(CrashPoint::cancel_request_leaves);
    const Exchange exchange = co_await exchange_with(core_, setup, std::move(request));
    crash_point::pass(CrashPoint::cancel_answer_read);
    domain::Event event = setup.provider->read_cancel(exchange);
    core_.count("cancels", labels(*job, domain::name_of(event)));
    std::optional<store::Evidence> proof =
        answer_evidence(*job, EvidenceKind::cancel_answer, exchange, core_.now());
    co_await take(id, std::move(event), std::move(proof));
    crash_point::pass(CrashPoint::cancel_outcome_durable);
}

awaitable<void> JobTasks::search(JobId id) {
    const std::optional<Job> job = load(id);
    const ProviderSetup* configured = job ? core_.setup(job->provider) : nullptr;
    const bool undecided = job && (job->state == domain::State::submit_unknown ||
                                   (job->state == domain::State::held &&
                                    job->reason == domain::Reason::submit_unknown));
    if (configured == nullptr || !undecided) co_return;
    const ProviderSetup setup = *configured;
    store::Evidence evidence;
    evidence.job = id;
    evidence.attempt = job->attempt;
    evidence.kind = EvidenceKind::history_answer;
    evidence.at = core_.now();
    evidence.head = "{}";
    domain::Event event = co_await search_evidence(core_, setup, *job, evidence);
    core_.count("reconciliations", labels(*job, domain::name_of(event)));
    std::optional<store::Evidence> proof = std::move(evidence);
    co_await take(id, std::move(event), std::move(proof));
    crash_point::pass(CrashPoint::search_outcome_durable);
}

}  // namespace reeld::engine
