#include "engine/dispatcher.hpp"

#include <algorithm>
#include <iterator>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using domain::ProviderState;
using domain::Reason;

// Moved in one transaction at most, so that a large pile never stalls the loop.
constexpr int slice = 100;
constexpr Millis longest_sleep{30'000};
constexpr Millis disk_interval{30'000};

}  // namespace

awaitable<void> Dispatcher::run() {
    for (;;) {
        Round round;
        in_round_ = true;
        const Status done = co_await one_round(round);
        in_round_ = false;
        if (!done) {
            retry_branch::taken(RetryBranch::dispatch_round_again);
            log::error("engine", "queued jobs could not be started; trying again",
                       {{"error", done.error().message()}});
            co_await core_.services.clock.sleep_for(Millis{1'000});
            continue;
        }
        if (round.more) continue;
        Millis wait = longest_sleep;
        if (round.wake_at) {
            wait = std::clamp(*round.wake_at - core_.now(), Millis{1}, longest_sleep);
        }
        co_await core_.dispatch_bell.wait_for(core_.services.clock, wait);
    }
}

awaitable<Status> Dispatcher::one_round(Round& round) {
    const Status worked = work(round);
    if (!round.written.empty()) crash_point::pass(CrashPoint::dispatch_intents_written);
    // Also after a failure: the other providers' part is to be kept, and only this ends a broken
    // group.
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable;
    if (!round.written.empty()) crash_point::pass(CrashPoint::submit_intent_durable);
    for (Written& written : round.written) {
        // Not to ourselves: this round has looked at all there is.
        tell(core_, written);
        tasks_.start(written.job.request.id, std::move(written.effects));
    }
    co_return worked;
}

// Each provider in a savepoint of its own: the trouble of one is not the others'.
Status Dispatcher::work(Round& round) {
    core_.disk_low = disk_is_low();
    Status worst = ok();
    for (const auto& provider : core_.config.providers) {
        Round own;
        const Status worked = core_.services.store.transact(
            [&](store::Tx& tx) { work_on(tx, provider.first, provider.second, own); });
        if (!worked) {
            retry_branch::taken(RetryBranch::dispatch_next_provider);
            worst = worked;
            continue;
        }
        std::move(own.written.begin(), own.written.end(), std::back_inserter(round.written));
        round.more = round.more || own.more;
        if (own.wake_at && (!round.wake_at || *own.wake_at < *round.wake_at)) {
            round.wake_at = own.wake_at;
        }
    }
    return worst;
}

void Dispatcher::work_on(store::Tx& tx, const std::string& provider, const ProviderSetup& setup,
                         Round& round) {
    const auto sooner = [&](std::optional<Instant> at) {
        if (at && (!round.wake_at || *at < *round.wake_at)) round.wake_at = at;
    };
    ProviderState state = tx.provider_state(provider);
    const ProviderState before = state;
    std::int64_t in_hand = tx.count_in_hand(provider);
    domain::Admission& admission = core_.health[provider].admission;
    admission = domain::ask(state, setup.limits, in_hand, core_.now());
    if (core_.stopping) {
        admission = domain::Admission{};
    } else if (core_.disk_low) {
        retry_branch::taken(RetryBranch::dispatch_disk_low);
        admission = domain::Admission{false, false, Reason::disk, core_.now() + disk_interval};
    }
    if (state.paused == Reason::none) {
        move_held(tx, provider, Reason::credentials, slice, round);
        move_held(tx, provider, Reason::account, slice, round);
    } else if (admission.open && tx.count_queued(provider) == 0 &&
               tx.count_uploading(provider) == 0) {
        // What was held while the trouble still had the other name waits for the same probe.
        for (const Reason reason : {state.paused, Reason::credentials, Reason::account}) {
            if (move_held(tx, provider, reason, 1, round) > 0) break;
        }
    }
    if (admission.open) {
        const auto room = std::min<std::int64_t>(setup.limits.concurrency - in_hand, slice);
        for (const Job& job :
             tx.ready_jobs(provider, core_.now(), static_cast<int>(room))) {
            if (!admit(tx, job, round)) {
                // It took no slot and no token: somebody behind it may have them.
                round.more = true;
                continue;
            }
            if (admission.probe) retry_branch::taken(RetryBranch::gate_probed);
            state = domain::after_admission(state, setup.limits, core_.now());
            ++in_hand;
            admission = domain::ask(state, setup.limits, in_hand, core_.now());
            if (!admission.open) break;
        }
        if (admission.open && room == slice) {
            round.more = !tx.ready_jobs(provider, core_.now(), 1).empty();
        }
    }
    const bool may_upload = !core_.stopping && !core_.disk_low;
    if (may_upload && begin_uploads(tx, state, admission.probe, round) && admission.probe) {
        retry_branch::taken(RetryBranch::gate_probed);
        state = domain::after_upload_began(state, core_.now());
        admission = domain::ask(state, setup.limits, in_hand, core_.now());
    }
    if (!(state == before)) tx.save_provider_state(state);
    if (state.paused != Reason::none) hold_queued(tx, state, round);
    if (!admission.open) sooner(admission.until);
}

bool Dispatcher::admit(store::Tx& tx, const Job& job, Round& round) {
    domain::event::Admitted admitted;
    admitted.token = runtime::make_token(core_.services.rng);
    Written written = apply(core_, tx, job.request.id, admitted);
    const bool submits = written.job.state == domain::State::submitting;
    if (submits) {
        domain::Attempt attempt;
        attempt.job = job.request.id;
        attempt.number = written.job.attempt;
        attempt.provider = job.provider;
        attempt.token = admitted.token;
        attempt.intent_at = core_.now();
        attempt.billing = domain::Billing::reserved;
        attempt.reserved_micro_usd = written.job.money->estimate_micro_usd;
        attempt.day = core_.services.clock.day_of(attempt.intent_at);
        if (!job.files.empty()) attempt.input = domain::with_urls(job.request.input, job.files);
        tx.insert_attempt(attempt);
    }
    round.written.push_back(std::move(written));
    return submits;
}

// They take no slot and no token, and go ahead while those are all taken.
bool Dispatcher::begin_uploads(store::Tx& tx, const ProviderState& state, bool probe,
                               Round& round) {
    // Of a paused account one job tries whether it works again.
    if (state.paused != Reason::none && !probe) return false;
    const std::int64_t most = probe ? 1 : core_.config.inputs.upload_concurrency;
    const std::int64_t room = most - tx.count_uploading(state.name);
    if (room <= 0) return false;
    bool begun = false;
    for (const Job& job :
         tx.jobs_to_upload(state.name, core_.now(), static_cast<int>(room))) {
        Written written = apply(core_, tx, job.request.id, domain::event::UploadAdmitted{});
        const bool uploads = domain::is_uploading(written.job);
        begun = begun || uploads;
        if (!uploads) round.more = true;
        round.written.push_back(std::move(written));
    }
    return begun;
}

int Dispatcher::move_held(store::Tx& tx, const std::string& provider, Reason reason, int limit,
                          Round& round) {
    const std::vector<Job> held = tx.held_jobs(provider, reason, limit);
    for (const Job& job : held) {
        round.written.push_back(
            apply(core_, tx, job.request.id, domain::event::AccountResumed{}));
    }
    const int moved = static_cast<int>(held.size());
    if (limit > 1 && moved == limit) round.more = true;
    return moved;
}

void Dispatcher::hold_queued(store::Tx& tx, const ProviderState& state, Round& round) {
    domain::event::AccountPaused paused;
    paused.reason = state.paused;
    paused.error = {std::string(domain::to_string(state.paused)), state.paused_message};
    const std::vector<Job> queued = tx.queued_jobs(state.name, slice);
    for (const Job& job : queued) {
        round.written.push_back(apply(core_, tx, job.request.id, paused));
    }
    if (static_cast<int>(queued.size()) == slice) round.more = true;
}

bool Dispatcher::disk_is_low() {
    const auto free = core_.services.files.free_bytes(core_.config.downloads.outputs);
    if (!free) return false;  // the fetch itself will say what is wrong with the folder
    const bool low = *free < core_.config.downloads.disk_reserve_bytes;
    if (low && !core_.disk_low) {
        log::error("engine", "the disk is nearly full; no job is started until there is room",
                   {{"free", format_size(*free)}});
    }
    return low;
}

}  // namespace reeld::engine
