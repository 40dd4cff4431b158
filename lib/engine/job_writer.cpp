#include "engine/job_writer.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <stdexcept>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "catalogue/price.hpp"
#include "domain/account.hpp"
#include "domain/invariants.hpp"
#include "engine/gatekeeper.hpp"
#include "engine/retry_of.hpp"

namespace reeld::engine {
namespace {

using domain::Attempt;
using domain::Job;
using domain::Step;

// A decision that breaks a rule is not written: the exception ends the savepoint, and the job stays as
// it is until somebody has looked.
void hold_to(Core& core, const Job& job, std::string_view event,
             const domain::Violations& violations) {
    if (violations.empty()) return;
    for (const domain::Violation& violation : violations) {
        log::error("engine", "a decision would break an invariant and was not written",
                   {{"job", job.request.id.str()},
                    {"event", std::string(event)},
                    {"invariant", std::string(violation.name)},
                    {"what", violation.what}});
        core.count("invariant_violations", fmt::format("invariant=\"{}\"", violation.name));
    }
    throw std::logic_error(fmt::format("{}: {}", violations.front().name, violations.front().what));
}

// The attempt that an event and its step speak of: the adopted one, the one whose request is
// followed, else the newest intent.
std::optional<Attempt> attempt_of(store::Tx& tx, const Job& before, const domain::Event& event) {
    if (const auto* adopted = std::get_if<domain::event::Adopted>(&event)) {
        return tx.find_attempt(before.request.id, adopted->attempt);
    }
    if (before.remote && before.state != domain::State::submit_unknown) {
        auto found = tx.find_attempt_by_request(before.provider, before.remote->request_id);
        if (found && found->job == before.request.id) return found;
    }
    return tx.find_attempt(before.request.id, before.attempt);
}

void write_outcome(Attempt& attempt, const Step& step, Instant now) {
    if (step.attempt_outcome.empty()) return;
    attempt.outcome = step.attempt_outcome;
    if (!attempt.answered_at) attempt.answered_at = now;
    if (step.job.remote && step.job.state != domain::State::submit_unknown) {
        attempt.remote = step.job.remote;
    }
    const bool open = step.attempt_outcome == "accepted" || step.attempt_outcome == "adopted" ||
                      step.attempt_outcome == "unknown";
    // What had been called refused is open again when the provider turns out to have it.
    attempt.ended_at = open ? std::nullopt : std::optional(now);
    attempt.detail = step.job.error ? step.job.error->message : step.note;
}

// Answers words for the trail.
std::string write_bill(Core& core, Job& job, Attempt& attempt, const domain::Bill& bill) {
    // It was made before days were counted.
    if (attempt.day.empty()) attempt.day = core.services.clock.day_of(attempt.intent_at);
    return domain::enter(job, attempt, bill);
}

// The submits that a step speaks of, and what their money does to the job's row and to the note.
void write_attempts(Core& core, store::Tx& tx, const Job& before, const domain::Event& event,
                    Step& step) {
    auto spoken_of = step.attempt_outcome.empty() && step.bills.empty()
                         ? std::nullopt
                         : attempt_of(tx, before, event);
    if (spoken_of) write_outcome(*spoken_of, step, core.now());
    std::string words;
    const auto add = [&](const std::string& text) {
        if (!text.empty()) words += (words.empty() ? "" : "; ") + text;
    };
    for (const domain::Bill& bill : step.bills) {
        if (bill.attempt == 0 || (spoken_of && spoken_of->number == bill.attempt)) {
            if (spoken_of) add(write_bill(core, step.job, *spoken_of, bill));
            continue;
        }
        auto other = tx.find_attempt(before.request.id, bill.attempt);
        if (!other) continue;
        add(write_bill(core, step.job, *other, bill));
        tx.update_attempt(*other);
    }
    if (spoken_of) tx.update_attempt(*spoken_of);
    if (!words.empty()) step.note += (step.note.empty() ? "" : "; ") + words;
}

store::AuditEntry entry_for(const Job& job, Instant now, std::string event, std::string text) {
    store::AuditEntry entry;
    entry.job = job.request.id;
    entry.at = now;
    entry.event = std::move(event);
    entry.from = job.state;
    entry.to = job.state;
    entry.reason = job.reason;
    entry.note = std::move(text);
    return entry;
}

// What came inline is known nowhere else: it becomes durable with the result that tells of it.
void keep_contents(store::Tx& tx, const Job& job, const domain::Event& event) {
    const auto* seen = std::get_if<domain::event::ResultSeen>(&event);
    if (seen == nullptr) return;
    for (const domain::event::OutputContent& content : seen->contents) {
        const auto index = static_cast<std::size_t>(content.index);
        const bool wanted = index < job.outputs.size() && job.outputs[index].inlined &&
                            !job.outputs[index].stored;
        if (wanted) tx.save_content(job, content.index, *content.bytes);
    }
}

// What a model gives. Only the program's own word: by a mistake in a user's file a paid result would
// count as broken.
domain::MediaKind kind_given(const Core& core, const std::string& id) {
    const catalogue::Model* model =
        core.config.catalogue ? core.config.catalogue->find(id) : nullptr;
    if (model == nullptr || !model->source.empty()) return domain::MediaKind::any;
    return domain::parse_media_kind(catalogue::to_string(model->output))
        .value_or(domain::MediaKind::any);
}

// What was asked for tells of a result's files where the result itself does not.
domain::Event described(Core& core, const Job& job, domain::Event event) {
    auto* seen = std::get_if<domain::event::ResultSeen>(&event);
    const ProviderSetup* setup = core.setup(job.provider);
    if (seen != nullptr && setup != nullptr && setup->provider) {
        setup->provider->describe_outputs(job.request.input, seen->outputs);
        // Among several files may be others beside what the model is there for.
        const bool untold =
            seen->outputs.size() == 1 && seen->outputs[0].kind == domain::MediaKind::any;
        if (untold) seen->outputs[0].kind = kind_given(core, job.request.model);
    }
    return event;
}

Written step_forward(Core& core, store::Tx& tx, const Job& before, const domain::Event& event,
                     Step step, std::optional<store::Evidence> evidence,
                     std::optional<std::int64_t> evidence_id) {
    const std::string_view name = domain::name_of(event);
    write_attempts(core, tx, before, event, step);
    hold_to(core, before, name, domain::check_step(before, step.job));
    hold_to(core, before, name, domain::check_row(step.job));
    const Instant now = core.now();
    Written written;
    written.kind = Written::Kind::stepped;
    written.effects = std::move(step.effects);
    written.note = step.note;
    json::object patch = domain::audit_patch(before, step.job);
    bool saved = true;
    if (patch.empty() && step.note.empty()) {
        if (!(step.job == before)) saved = tx.update_timer(step.job);
    } else {
        saved = tx.update_job(step.job);
        if (saved) keep_contents(tx, step.job, event);
        store::AuditEntry entry =
            entry_for(before, now, std::string(name), step.note);
        entry.to = step.job.state;
        entry.reason = step.job.reason;
        entry.patch = std::move(patch);
        if (evidence) evidence_id = tx.insert_evidence(*evidence);
        entry.evidence = evidence_id;
        tx.append_event(std::move(entry));
    }
    // One connection, one thread, one transaction: nobody can have been faster.
    if (!saved) throw std::logic_error("a job's row changed under its own transaction");
    settle_gate(core, tx, before, step.job);
    written.job = std::move(step.job);
    return written;
}

std::string job_and_attempt(const Attempt& attempt) {
    return fmt::format("job {} (attempt {})", attempt.job.str(), attempt.number);
}

// Nothing when the request of an adoption is free or this very submit's.
std::optional<Attempt> owner_elsewhere(store::Tx& tx, const Job& job, const domain::Event& event) {
    const auto* adopted = std::get_if<domain::event::Adopted>(&event);
    if (adopted == nullptr) return std::nullopt;
    auto owner = tx.find_attempt_by_request(job.provider, adopted->remote.request_id);
    const bool own = owner && owner->job == job.request.id && owner->number == adopted->attempt;
    return own ? std::nullopt : owner;
}

// A request that exists at the provider stays with its submit also when the job does not follow it:
// it may stand on the bill. Answers what the trail says of it; empty when it is known already.
std::string keep_unfollowed(Core& core, store::Tx& tx, Job& job, const domain::Event& event) {
    const Instant now = core.now();
    const auto* adopted = std::get_if<domain::event::Adopted>(&event);
    auto attempt = adopted == nullptr ? std::nullopt
                                      : tx.find_attempt(job.request.id, adopted->attempt);
    if (!attempt || attempt->remote) return {};
    const std::string where =
        domain::is_terminal(job.state)
            ? fmt::format("the job was {} already", domain::to_string(job.state))
            : fmt::format("the job follows request {}",
                          job.remote ? job.remote->request_id.str() : "-");
    attempt->remote = adopted->remote;
    attempt->outcome = "also_billed";
    if (!attempt->answered_at) attempt->answered_at = now;
    attempt->ended_at = now;
    attempt->detail = fmt::format("request {} exists at the provider and is not followed, because {}",
                                  adopted->remote.request_id.str(), where);
    const std::string words = write_bill(core, job, *attempt, {0, domain::Billing::possible});
    tx.update_attempt(*attempt);
    return fmt::format("attempt {} was accepted as well, as request {}: it is billed too; {}{}{}",
                       attempt->number, adopted->remote.request_id.str(), where,
                       words.empty() ? "" : "; ", words);
}

// What an event that the state does not take leaves behind.
void leave_mark(Core& core, store::Tx& tx, Written& written, const domain::Event& event,
                std::optional<store::Evidence>& evidence,
                std::optional<std::int64_t> evidence_id) {
    std::string name(domain::name_of(event));
    const Job before = written.job;
    std::string late = keep_unfollowed(core, tx, written.job, event);
    if (!late.empty()) {
        name = "also_billed";
        written.note = std::move(late);
    }
    if (written.note.empty()) return;
    if (evidence) {
        evidence_id = tx.insert_evidence(*evidence);
        evidence.reset();
    }
    store::AuditEntry entry = entry_for(before, core.now(), std::move(name), written.note);
    entry.evidence = evidence_id;
    entry.patch = domain::audit_patch(before, written.job);
    if (!entry.patch.empty() && !tx.update_job(written.job)) {
        throw std::logic_error("a job's row changed under its own transaction");
    }
    tx.append_event(std::move(entry));
}

Written decide(Core& core, store::Tx& tx, const JobId& id, const domain::Event& event,
               std::optional<store::Evidence> evidence, std::optional<std::int64_t> evidence_id,
               std::string_view who) {
    Written written;
    std::optional<Job> job = tx.find_job(id);
    if (!job) return written;
    domain::Outcome outcome;
    if (const auto owner = owner_elsewhere(tx, *job, event)) {
        const auto& adopted = std::get<domain::event::Adopted>(event);
        std::string why = fmt::format("request {} is bound to {} already",
                                      adopted.remote.request_id.str(), job_and_attempt(*owner));
        if (adopted.by == domain::event::AdoptedBy::person) {
            outcome = domain::Rejected{std::move(why)};
        } else {
            written.job = std::move(*job);
            written.kind = Written::Kind::ignored;
            written.note = std::move(why);
            if (evidence) evidence_id = tx.insert_evidence(*evidence);
            note(core, tx, written.job, "adopt_refused", written.note, evidence_id);
            return written;
        }
    } else {
        outcome = domain::transition(*job, described(core, *job, event),
                                     core.policy(job->provider), core.now(), core.jitter());
    }
    const auto sign = [&](std::string& text) {
        if (!text.empty() && !who.empty()) text += fmt::format(" ({})", who);
    };
    const bool always = evidence && evidence->always;
    if (auto* step = std::get_if<Step>(&outcome)) {
        if (const auto branch = retry_of(*job, event, *step)) retry_branch::taken(*branch);
        sign(step->note);
        const bool silent = step->note.empty() && domain::audit_patch(*job, step->job).empty();
        if (always && silent) tx.insert_evidence(*evidence);
        return step_forward(core, tx, *job, event, std::move(*step), std::move(evidence),
                            evidence_id);
    }
    written.job = std::move(*job);
    if (const auto* rejected = std::get_if<domain::Rejected>(&outcome)) {
        written.kind = Written::Kind::rejected;
        written.note = rejected->note;
        return written;
    }
    written.kind = Written::Kind::ignored;
    written.note = std::get<domain::Ignored>(outcome).note;
    sign(written.note);
    leave_mark(core, tx, written, event, evidence, evidence_id);
    if (always && evidence) tx.insert_evidence(*evidence);
    return written;
}

// Of one submit, as the catalogue stands now; the words for the trail.
std::string set_estimate(const Core& core, Job& job) {
    // What only fetches a result makes no submit.
    if (!job.money || !job.outputs.empty()) return {};
    const auto& catalogue = core.config.catalogue;
    const auto* model = catalogue == nullptr ? nullptr : catalogue->find(job.request.model);
    const auto input = parse_json(job.request.input);
    if (model == nullptr || !input || !input->is_object()) return {};
    const catalogue::Estimate estimate = catalogue::estimate(*model, input->get_object());
    job.money->estimate_micro_usd = estimate.micro_usd;
    job.money->sure = estimate.sure;
    if (!estimate.micro_usd) return {};
    return fmt::format("it costs {}{}", estimate.sure ? "" : "about ",
                       domain::dollars(*estimate.micro_usd));
}

}  // namespace

Written apply(Core& core, store::Tx& tx, const JobId& id, const domain::Event& event,
              std::optional<store::Evidence> evidence, std::optional<std::int64_t> evidence_id,
              std::string_view who) {
    Written written =
        decide(core, tx, id, event, std::move(evidence), evidence_id, who);
    const auto* seen = std::get_if<domain::event::StatusSeen>(&event);
    if (seen != nullptr && written.kind == Written::Kind::stepped) {
        keep_logs(core, tx, written.job, seen->logs);
    }
    return written;
}

void keep_logs(Core& core, store::Tx& tx, const Job& job,
               const std::vector<domain::LogLine>& lines) {
    constexpr std::size_t shown = 200;
    if (lines.empty()) return;
    const store::LogsAdded added = tx.add_logs(job, lines);
    if (added.lines == 0 || !added.first) return;
    note(core, tx, job, "log_begins",
         fmt::format("the provider's log begins: {}", clip_utf8(lines.front().message, shown)));
}

store::InsertOutcome create(Core& core, store::Tx& tx, Job& job, std::string text) {
    hold_to(core, job, "created", domain::check_row(job));
    const std::string estimate = set_estimate(core, job);
    if (!estimate.empty()) text += "; " + estimate;
    const Job asked = job;
    const store::InsertOutcome outcome = tx.insert_job(job);
    if (outcome != store::InsertOutcome::inserted) return outcome;
    store::AuditEntry entry = entry_for(job, core.now(), "created", std::move(text));
    entry.from.reset();
    entry.patch = domain::to_audit(job);
    tx.append_event(std::move(entry));
    core.count("jobs_created", fmt::format("provider=\"{}\"", asked.provider));
    return outcome;
}

std::string retired_words(const store::RetiredJob& job) {
    return fmt::format(
        "\"{}\" was {} on {}, and retention has removed its record; it is not made again. For a new "
        "job choose another id",
        job.id.str(), domain::to_string(job.state), to_rfc3339(job.finished_at));
}

void note(Core& core, store::Tx& tx, const Job& job, std::string event, std::string text,
          std::optional<std::int64_t> evidence) {
    store::AuditEntry entry = entry_for(job, core.now(), std::move(event), std::move(text));
    entry.evidence = evidence;
    tx.append_event(std::move(entry));
}

awaitable<Written> record(Core& core, JobId id, domain::Event event,
                          std::optional<store::Evidence> evidence) {
    constexpr Millis longest_wait{30'000};
    Millis wait{250};
    for (;;) {
        Written written;
        Status status = core.services.store.transact([&](store::Tx& tx) {
            written = apply(core, tx, id, event, evidence);
            // What a submit's outcome teaches the gate is part of the same change.
            if (written.kind != Written::Kind::missing) {
                update_gate(core, tx, written.job.provider, event);
            }
        });
        // Also after a failure: a group that SQLite has rolled back ends only here.
        const Status durable = co_await core.commit.durable();
        if (status) status = durable;
        if (status) {
            announce(core, written);
            co_return written;
        }
        if (status.error().code() == ErrorCode::internal) {
            // Not the disk but a rule of our own refuses: another try cannot help, and one bad row
            // must not stop the others. The owner timer asks the outside world again.
            retry_branch::taken(RetryBranch::news_refused_by_rule);
            log::error("engine", "a job's news broke a rule of the database and was not kept",
                       {{"job", id.str()},
                        {"event", std::string(domain::name_of(event))},
                        {"error", status.error().message()}});
            core.count("store_refusals");
            co_return Written{};
        }
        retry_branch::taken(RetryBranch::news_written_again);
        log::error("engine", "a job's news could not be written; trying again",
                   {{"job", id.str()},
                    {"event", std::string(domain::name_of(event))},
                    {"error", status.error().message()}});
        core.count("store_retries");
        co_await core.services.clock.sleep_for(wait);
        wait = std::min(wait * 2, longest_wait);
    }
}

void announce(Core& core, const Written& written) {
    tell(core, written);
    // A job that is queued wants a slot; one that is not in hand may have freed one.
    if (written.kind != Written::Kind::missing && !domain::is_in_hand(written.job.state)) {
        core.dispatch_bell.ring();
    }
}

void tell(Core& core, const Written& written) {
    if (written.kind == Written::Kind::missing) return;
    core.event_bell.ring();
    const Job& job = written.job;
    const ProviderSetup* setup = core.setup(job.provider);
    const bool there = job.state == domain::State::submitted || job.state == domain::State::running;
    if (there && setup != nullptr && setup->status_streams > 0) core.stream_bell.ring();
    if (job.due_at && (!core.next_timer || *job.due_at < *core.next_timer)) core.timer_bell.ring();
    if (written.kind == Written::Kind::stepped && domain::is_terminal(job.state)) {
        core.count("jobs_ended", fmt::format("state=\"{}\"", domain::to_string(job.state)));
        log::info("engine", "job ended",
                  {{"job", job.request.id.str()},
                   {"state", std::string(domain::to_string(job.state))},
                   {"reason", std::string(domain::to_string(job.reason))}});
    }
    if (written.kind == Written::Kind::stepped && job.error) core.remember(job);
}

void Core::remember(const Job& job) {
    constexpr std::size_t kept = 10;
    if (!last_errors.empty() && last_errors.front().job == job.request.id &&
        last_errors.front().message == job.error->message) {
        return;
    }
    last_errors.push_front(LastError{now(), job.request.id, job.error->code, job.error->message});
    if (last_errors.size() > kept) last_errors.pop_back();
}

}  // namespace reeld::engine
