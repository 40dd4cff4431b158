#pragma once
// What the states of transition() share. Only its files include this.
#include <optional>
#include <string>

#include "domain/transition.hpp"

namespace reeld::domain::steps {

using namespace event;
using Mark = domain::Restored;

// Owner timers of states that wait for something else than time: long, only so that nothing can be
// forgotten. The engine answers a timer of a running operation by setting it again.
inline constexpr Millis idle_check{24 * 3'600'000};
inline constexpr Millis held_evidence_check{3'600'000};
inline constexpr Millis first_evidence_search{5'000};
inline constexpr Millis after_cancel{1'500};

struct Context {
    const Job& job;
    const Policy& policy;
    Instant now;
    Jitter jitter;
};

// ---- what happens in each state ----

Outcome in_held(const Context& c, const Event& event);
Outcome in_blocked(const Context& c, const Event& event);
Outcome in_scheduled(const Context& c, const Event& event);
Outcome in_queued(const Context& c, const Event& event);
Outcome in_submitting(const Context& c, const Event& event);
Outcome in_submit_unknown(const Context& c, const Event& event);
// submitted and running
Outcome at_provider(const Context& c, const Event& event);
// A held job whose request had vanished hears of it again.
Outcome back_at_provider(const Context& c, const Event& news);
Outcome in_fetching(const Context& c, const Event& event);
Outcome in_terminal(const Context& c, const Event& event);

// ---- pieces that several states share ----

bool deadline_passed(const Context& c);
Instant capped(const Job& job, Instant at);
void clear_failures(Job& job);
void clear_polls(Job& job);
void leave_remote(Job& job);
Step finish(const Context& c, Job job, State state, Reason reason, std::string note,
            std::optional<ErrorInfo> error = std::nullopt);
Step deadline_over(const Context& c);
// Back among the pending jobs, to start as soon as it may.
Job requeue(const Context& c, Job job);
Job wait_backoff(const Context& c, Job job, int failures, std::optional<Millis> hint);
Instant next_poll(const Context& c, const Job& job);
Reason remote_reason(const Job& job);
// The provider has the request: from here on it is followed by its id.
Step accepted(const Context& c, Remote remote, std::optional<std::int64_t> queue_position,
              std::string outcome, std::string note);
// Cancelled while no submit is in flight: whether it is free depends on the submits before.
Step cancelled_here(const Context& c, Job job);
Bill bill_of(const ResultSeen& result);
// Found in a copy of the database: it may have been submitted, paid and finished since.
Outcome mark_restored(const Context& c);
// A submit of this job that nobody heard an answer of turned out to exist: it is followed instead
// of being made again.
Outcome adopt(const Context& c, const Adopted& e);
// A request that the job cannot follow: a person is told why, other evidence is recorded.
Outcome not_adopted(const Adopted& e, std::string why);
std::string follows(const Job& job);

// What a state ignores it names, event by event: without a catch-all a new event does not compile
// until every state has decided about it.
template <class E>
struct IgnoreOne {
    Outcome operator()(const E&) const { return Ignored{"came too late or too early"}; }
};
template <class... E>
struct Ignore : IgnoreOne<E>... {
    using IgnoreOne<E>::operator()...;
};
template <class E>
struct SkipOne {
    Outcome operator()(const E&) const { return Ignored{}; }
};
template <class... E>
struct Skip : SkipOne<E>... {
    using SkipOne<E>::operator()...;
};

using SubmitAnswers = Ignore<SubmitAccepted, SubmitRefused, SubmitNotSent, SubmitUnknown>;
using RemoteNews = Ignore<StatusSeen, ResultSeen, ResultFailed, RemoteCancelled>;
using RemoteNoise = Skip<PollFailed, RemoteMissing, ResultNotReady, WebhookHint, CancelAnswered>;
using UploadNews = Skip<UploadAdmitted, InputUploaded, UploadFailed>;
using FetchNews = Ignore<OutputPlanned, OutputStored, FetchFailed>;

}  // namespace reeld::domain::steps
