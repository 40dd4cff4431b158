#include "engine/adoption.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/json_equality.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::Attempt;
using domain::Job;
using domain::Reason;
using domain::State;
using namespace domain::event;

struct Target {
    Job job;
    int attempt = 0;
    bool followed = false;  // it follows this request already
    std::string input{};    // that the attempt sends
};

std::string attempt_words(const Attempt& attempt) {
    return fmt::format("attempt {} ({})", attempt.number, attempt.outcome);
}

bool is_over(const Attempt& attempt) {
    return attempt.outcome == "failed" || attempt.outcome == "cancelled" ||
           attempt.outcome == "completed";
}

// The submit that the request may belong to: the one that has it, else the newest whose request
// nobody knows, else (only for a vanished request) the current one.
std::optional<int> attempt_for(const Job& job, const std::vector<Attempt>& attempts,
                               const RequestId& request) {
    for (const Attempt& attempt : attempts) {
        if (attempt.remote && attempt.remote->request_id == request) return attempt.number;
    }
    for (auto at = attempts.rbegin(); at != attempts.rend(); ++at) {
        if (!at->remote && at->outcome == "unknown") return at->number;
    }
    const bool vanished = job.state == State::held && job.reason == Reason::remote_missing;
    return vanished ? std::optional(job.attempt) : std::nullopt;
}

std::string why_none(const Job& job, const std::vector<Attempt>& attempts) {
    if (attempts.empty()) return "it was never submitted, so no request can be its own";
    return fmt::format("none of its submits is of unknown outcome; the last is {}{}",
                       attempt_words(attempts.back()),
                       job.remote ? ", request " + job.remote->request_id.str() : "");
}

// The refusal names earlier submits that may still be on the bill.
std::string with_open_submits(std::string why, const std::vector<Attempt>& attempts) {
    for (const Attempt& attempt : attempts) {
        if (attempt.outcome == "unknown" && !attempt.remote) {
            why += fmt::format("; attempt {} stays of unknown outcome and may be billed as well",
                               attempt.number);
        }
    }
    return why;
}

// Whether the job may take the request now, without changing anything.
Result<Target> find_target(Core& core, store::Tx& tx, const JobId& id, const RequestId& request) {
    auto job = tx.find_job(id);
    if (!job) return Error(ErrorCode::not_found, "there is no such job");
    const std::vector<Attempt> attempts = tx.attempts(id);
    Target target;
    target.job = *job;
    const bool follows = job->remote && job->remote->request_id == request &&
                         (job->state == State::submitted || job->state == State::running ||
                          job->state == State::fetching);
    if (follows) {
        target.followed = true;
        return target;
    }
    const auto owner = tx.find_attempt_by_request(job->provider, request);
    if (owner && owner->job != id) {
        return Error(ErrorCode::conflict,
                     fmt::format("request {} is bound to job {} (attempt {}) already",
                                 request.str(), owner->job.str(), owner->number));
    }
    const auto ended = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
        return owner && attempt.number == owner->number && is_over(attempt);
    });
    if (ended != attempts.end()) {
        return Error(ErrorCode::conflict, fmt::format("request {} is that of {} and over",
                                                      request.str(), attempt_words(*ended)));
    }
    const auto number = attempt_for(*job, attempts, request);
    Adopted adopted;
    adopted.attempt = number.value_or(job->attempt);
    adopted.remote.request_id = request;
    adopted.by = AdoptedBy::person;
    const auto outcome = domain::transition(*job, adopted, core.policy(job->provider), core.now(),
                                            domain::Jitter{});
    if (const auto* rejected = std::get_if<domain::Rejected>(&outcome)) {
        return Error(ErrorCode::conflict, with_open_submits(rejected->note, attempts));
    }
    if (!number) return Error(ErrorCode::conflict, why_none(*job, attempts));
    target.attempt = *number;
    for (const Attempt& attempt : attempts) {
        if (attempt.number == *number) target.input = domain::sent_input(*job, attempt);
    }
    return target;
}

// Every member that the job gives stands in the provider's input with the same value. What the
// provider has added to it are its defaults.
bool holds_input(const std::string& theirs, const std::string& ours) {
    const auto kept = parse_json(theirs);
    const auto given = parse_json(ours);
    if (!kept || !given || !kept->is_object() || !given->is_object()) return false;
    return std::all_of(given->get_object().begin(), given->get_object().end(),
                       [&](const auto& member) {
                           const json::value* other = kept->get_object().if_contains(member.key());
                           return other != nullptr && same_value(member.value(), *other);
                       });
}

struct Confirmed {
    domain::Event seen;  // what the status says
    Exchange exchange;
    std::string lookup;  // what the history says of it
};

// An answer that says that the request exists; an error says what the provider told instead.
awaitable<Result<Confirmed>> confirm(Core& core, ProviderSetup setup, Job job, std::string input,
                                     RequestId request) {
    domain::Remote remote;
    remote.request_id = request;
    auto built = setup.provider->build_status(job.request.model, remote);
    Confirmed confirmed;
    confirmed.exchange = co_await exchange_with(core, setup, std::move(built));
    crash_point::pass(CrashPoint::adopt_status_asked);
    confirmed.seen = setup.provider->read_status(confirmed.exchange);
    if (const auto* failed = std::get_if<PollFailed>(&confirmed.seen)) {
        co_return Error(ErrorCode::unreachable,
                        fmt::format("{} could not be asked for request {}: {}", job.provider,
                                    request.str(), failed->refusal.error.message));
    }
    if (std::holds_alternative<RemoteMissing>(confirmed.seen)) {
        co_return Error(ErrorCode::conflict,
                        fmt::format("{} knows no request {} of {}", job.provider, request.str(),
                                    job.request.model));
    }
    auto lookup = setup.provider->build_lookup(job.request.model, request);
    if (!lookup) co_return confirmed;
    Result<HttpRequest> asked = std::move(*lookup);
    const Exchange exchange = co_await exchange_with(core, setup, std::move(asked));
    crash_point::pass(CrashPoint::adopt_lookup_asked);
    const auto read = setup.provider->read_lookup(job.request.model, request, exchange);
    // The history may be late or closed to this key; the status has said that the request exists.
    if (!read || !*read) {
        confirmed.lookup = "not listed in the request history";
        co_return confirmed;
    }
    const provider_api::HistoryItem& item = **read;
    if (!item.model.empty() && item.model != job.request.model) {
        co_return Error(ErrorCode::conflict,
                        fmt::format("request {} was made to {}, the job is for {}", request.str(),
                                    item.model, job.request.model));
    }
    if (!item.input.empty() && !holds_input(item.input, input)) {
        co_return Error(ErrorCode::conflict,
                        fmt::format("request {} was made with another input than the job's",
                                    request.str()));
    }
    confirmed.lookup = item.input.empty() ? "listed, without its input" : "listed with this input";
    co_return confirmed;
}

}  // namespace

store::Evidence person_evidence(const Job& job, const Person& person, std::string action,
                                json::object more, Instant now) {
    json::object head;
    head["action"] = std::move(action);
    head["over"] = "socket";
    head["uid"] = person.uid() ? json::value(*person.uid()) : nullptr;
    for (const auto& member : more) head[member.key()] = member.value();
    store::Evidence evidence;
    evidence.job = job.request.id;
    evidence.attempt = job.attempt;
    evidence.kind = store::EvidenceKind::person;
    evidence.at = now;
    evidence.head = json::serialize(head);
    return evidence;
}

awaitable<Result<std::vector<Written>>> adopt_request(Core& core, JobId id, RequestId request,
                                                      Person person) {
    std::vector<Written> all;
    std::optional<Result<Target>> found;
    const Status looked = core.services.store.transact(
        [&](store::Tx& tx) { found = find_target(core, tx, id, request); });
    if (!looked) co_return looked.error();
    if (!*found) co_return found->error();
    if ((*found)->followed) co_return all;
    const Job job = (*found)->job;
    const ProviderSetup* configured = core.setup(job.provider);
    if (configured == nullptr) {
        co_return Error(ErrorCode::conflict, "its provider is not configured any more");
    }
    const ProviderSetup setup = *configured;
    auto confirmed = co_await confirm(core, setup, job, (*found)->input, request);
    if (!confirmed) co_return confirmed.error();

    Error refused;
    bool is_refused = false;
    const Status stored = core.services.store.transact([&](store::Tx& tx) {
        // Much may have happened while the provider was asked.
        const auto again = find_target(core, tx, id, request);
        if (!again) {
            refused = again.error();
            is_refused = true;
            return;
        }
        if (again->followed) return;
        store::Evidence answer = answer_evidence(job, store::EvidenceKind::person,
                                                 confirmed->exchange, core.now());
        json::object more;
        more["request_id"] = request.str();
        more["history"] = confirmed->lookup;
        const auto told = parse_json(answer.head);
        more["answer"] = told ? *told : json::value(nullptr);
        store::Evidence proof =
            person_evidence(again->job, person, "adopt", std::move(more), core.now());
        proof.attempt = again->attempt;
        proof.body = std::move(answer.body);
        Adopted adopted;
        adopted.attempt = again->attempt;
        adopted.remote.request_id = request;
        adopted.by = AdoptedBy::person;
        Written taken =
            apply(core, tx, id, adopted, std::move(proof), std::nullopt, person.words());
        if (taken.kind != Written::Kind::stepped) {
            refused = Error(ErrorCode::conflict, taken.note);
            is_refused = true;
            return;
        }
        all.push_back(std::move(taken));
        all.push_back(apply(core, tx, id, confirmed->seen));
    });
    if (!stored) co_return stored.error();
    if (is_refused) co_return refused;
    co_return all;
}

}  // namespace reeld::engine
