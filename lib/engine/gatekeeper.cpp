#include "engine/gatekeeper.hpp"

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"

namespace reeld::engine {
namespace {

using domain::ProviderState;
using domain::Reason;

void save(Core& core, store::Tx& tx, const ProviderState& before, const ProviderState& after) {
    if (after == before) return;
    tx.save_provider_state(after);
    if (after.limited_until > before.limited_until) retry_branch::taken(RetryBranch::gate_slowed_down);
    if (before.paused == Reason::none && after.paused != Reason::none) {
        retry_branch::taken(RetryBranch::gate_paused);
        log::error("engine", "provider paused: its account was refused; pending jobs are held",
                   {{"provider", after.name},
                    {"reason", std::string(domain::to_string(after.paused))},
                    {"message", after.paused_message}});
        core.count("provider_pauses", "provider=\"" + after.name + "\"");
    }
    if (before.paused != Reason::none && after.paused == Reason::none) {
        retry_branch::taken(RetryBranch::gate_resumed);
        log::info("engine", "provider resumed", {{"provider", after.name}});
    }
    core.dispatch_bell.ring();
}

bool teaches(const domain::Event& event) {
    return std::holds_alternative<domain::event::UploadFailed>(event) ||
           std::holds_alternative<domain::event::InputUploaded>(event) ||
           std::holds_alternative<domain::event::SubmitAccepted>(event) ||
           std::holds_alternative<domain::event::SubmitRefused>(event) ||
           std::holds_alternative<domain::event::SubmitNotSent>(event);
}

ProviderState after_upload_failed(const ProviderState& state, const domain::Refusal& refusal,
                                  const domain::GateLimits& limits, Instant now,
                                  domain::Jitter jitter) {
    switch (refusal.kind) {
        case domain::RefusalKind::credentials:
        case domain::RefusalKind::account:
            return domain::after_refusal(state, refusal, limits, now, jitter);
        case domain::RefusalKind::permanent: return domain::after_upload_ended(state, now);
        // A storage that asks for patience is another place than the queue.
        case domain::RefusalKind::rate_limited:
        case domain::RefusalKind::retry: break;
    }
    return state;
}

ProviderState gate_after(const ProviderState& state, const domain::Event& event,
                         const domain::GateLimits& limits, Instant now, domain::Jitter jitter) {
    if (const auto* refused = std::get_if<domain::event::SubmitRefused>(&event)) {
        return domain::after_refusal(state, refused->refusal, limits, now, jitter);
    }
    if (const auto* failed = std::get_if<domain::event::UploadFailed>(&event)) {
        return after_upload_failed(state, failed->refusal, limits, now, jitter);
    }
    if (std::holds_alternative<domain::event::InputUploaded>(event)) {
        return domain::after_upload_ended(state, now);
    }
    if (std::holds_alternative<domain::event::SubmitNotSent>(event)) {
        return domain::after_not_sent(state, limits, now, jitter);
    }
    return domain::after_accepted(state);
}

}  // namespace

void update_gate(Core& core, store::Tx& tx, const std::string& provider,
                 const domain::Event& event) {
    if (!teaches(event)) return;
    const ProviderSetup* setup = core.setup(provider);
    const domain::GateLimits limits = setup != nullptr ? setup->limits : domain::GateLimits{};
    const ProviderState before = tx.provider_state(provider);
    save(core, tx, before, gate_after(before, event, limits, core.now(), core.jitter()));
}

void settle_gate(Core& core, store::Tx& tx, const domain::Job& before, const domain::Job& after) {
    const bool was_there = before.state == domain::State::submitted ||
                           before.state == domain::State::running;
    if (!was_there || domain::is_in_hand(after.state)) return;
    const ProviderState state = tx.provider_state(after.provider);
    save(core, tx, state, domain::after_settled(state, core.now()));
}

void release_gate(Core& core, store::Tx& tx, const std::string& provider) {
    const ProviderState before = tx.provider_state(provider);
    save(core, tx, before, domain::after_release(before));
}

void read_succeeded(Core& core, store::Tx& tx, const std::string& provider) {
    const ProviderState before = tx.provider_state(provider);
    save(core, tx, before, domain::after_read(before));
}

awaitable<void> gate_after_read(Core& core, std::string provider, Exchange exchange) {
    if (exchange.delivery != Delivery::answered) co_return;
    const int status = exchange.response.status;
    const bool good = status >= 200 && status < 300;
    // Only a paused gate has something to learn from a read.
    if (!good || core.health[provider].admission.reason != Reason::credentials) co_return;
    const Status status_of_write = core.services.store.transact(
        [&](store::Tx& tx) { read_succeeded(core, tx, provider); });
    if (!status_of_write) {
        retry_branch::taken(RetryBranch::gate_not_written);
        log::warning("engine", "the gate could not be written",
                     {{"error", status_of_write.error().message()}});
    }
    const Status durable = co_await core.commit.durable();
    if (!durable) co_return;  // said by the commit already; the next read tries again
    crash_point::pass(CrashPoint::poll_gate_durable);
}

}  // namespace reeld::engine
