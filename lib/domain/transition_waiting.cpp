#include "domain/transition_steps.hpp"

#include "domain/account.hpp"

namespace reeld::domain::steps {
namespace {

Step hold(const Context& c) {
    Job job = c.job;
    job.state = State::held;
    job.reason = Reason::user;
    job.due_at = capped(job, c.now + idle_check);
    return Step{std::move(job), {}, "held by a person", {}};
}

// No attempt begins for it, and nothing of the account is taken.
Step begin_upload(const Context& c) {
    Job job = c.job;
    job.state = State::scheduled;
    job.reason = Reason::upload;
    job.due_at = capped(job, c.now + operation_check);
    return Step{std::move(job), {effect::Upload{}}, "its files go to the provider first", {}};
}

Outcome uploaded(const Context& c, const InputUploaded& e) {
    Job job = c.job;
    InputFile& file = job.files[e.index];
    file.sha256 = e.sha256;
    file.url = e.url;
    file.uploaded_at = e.uploaded_at;
    file.expires_at = e.expires_at;
    if (!all_usable(job.files, c.now)) {
        if (job.files == c.job.files) return Ignored{};
        job.due_at = capped(job, c.now + operation_check);
        return Step{std::move(job), {}, e.how, {}};
    }
    job.error.reset();
    job.refusals = 0;
    return Step{requeue(c, std::move(job)), {}, e.how + "; every file is there", {}};
}

Step upload_failed(const Context& c, const Refusal& refusal) {
    Job job = c.job;
    job.error = refusal.error;
    switch (refusal.kind) {
        case RefusalKind::permanent: break;
        case RefusalKind::credentials:
        case RefusalKind::account:
            job.state = State::held;
            job.reason = refusal.kind == RefusalKind::credentials ? Reason::credentials
                                                                  : Reason::account;
            job.due_at = capped(job, c.now + idle_check);
            return Step{std::move(job), {}, "the account was refused an upload; nothing was made",
                        {}};
        case RefusalKind::rate_limited:
        case RefusalKind::retry:
            ++job.refusals;
            return Step{wait_backoff(c, job, job.refusals, refusal.retry_after),
                        {},
                        "an upload failed and is tried again; nothing was made or billed",
                        {}};
    }
    return finish(c, std::move(job), State::failed, refusal.reason,
                  "its files cannot be uploaded; nothing was made or billed");
}

struct InHeld : UploadNews, SubmitAnswers, RemoteNoise, FetchNews,
                Skip<Admitted, SubmitInterrupted, AccountPaused> {
    const Context& c;
    explicit InHeld(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, AccountPaused>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        Job job = c.job;
        const bool searching = job.reason == Reason::submit_unknown;
        job.due_at = capped(job, c.now + (searching ? held_evidence_check : idle_check));
        Step step{std::move(job), {}, {}, {}};
        if (searching) step.effects.emplace_back(effect::SearchEvidence{});
        return step;
    }
    Outcome operator()(const EvidenceSearched& e) const {
        return Ignored{e.news && c.job.reason == Reason::submit_unknown ? e.detail : std::string{}};
    }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }
    Outcome operator()(const StatusSeen& e) const { return news(e); }
    Outcome operator()(const ResultSeen& e) const { return news(e); }
    Outcome operator()(const ResultFailed& e) const { return news(e); }
    Outcome operator()(const RemoteCancelled& e) const { return news(e); }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const {
        if (c.job.reason == Reason::user) return Ignored{};
        // Whoever holds an undecided submit must not hide that it is undecided.
        if (undecided()) return Ignored{"it is held already"};
        return hold(c);
    }
    Outcome operator()(const ReleaseRequested&) const {
        Job job = c.job;
        if (job.restored == Mark::ask) job.restored = Mark::released;
        Step step{requeue(c, std::move(job)),
                  {},
                  undecided() ? "a person decided to submit again; the earlier submit may be billed"
                              : "released by a person",
                  {}};
        // Its request is known by name and was taken: that must not look open for ever.
        if (c.job.reason == Reason::remote_missing) step.attempt_outcome = "missing";
        return step;
    }
    Outcome operator()(const AccountResumed&) const {
        if (c.job.reason != Reason::credentials && c.job.reason != Reason::account) {
            return Ignored{};
        }
        return Step{requeue(c, c.job), {}, "the account works again", {}};
    }

    bool undecided() const {
        return c.job.reason == Reason::submit_unknown || c.job.reason == Reason::remote_missing;
    }
    // A request that had vanished shows up again: follow it instead of paying for another.
    template <class E>
    Outcome news(const E& e) const {
        if (c.job.reason == Reason::remote_missing) return back_at_provider(c, e);
        return Ignored{"came too late or too early"};
    }
};

struct InBlocked : UploadNews, SubmitAnswers, RemoteNews, RemoteNoise, FetchNews,
                   Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                        AccountResumed> {
    const Context& c;
    explicit InBlocked(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        Job job = c.job;
        job.due_at = capped(job, c.now + idle_check);
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const Adopted& e) const {
        return not_adopted(e, "it waits for another job and was not submitted");
    }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const { return hold(c); }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{"it waits for another job, nobody holds it"};
    }
};

struct InScheduled : SubmitAnswers, RemoteNews, RemoteNoise, FetchNews,
                     Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                          AccountResumed> {
    const Context& c;
    explicit InScheduled(const Context& context) : c(context) {}
    using SubmitAnswers::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        if (is_uploading(c.job)) {
            Job job = c.job;
            job.due_at = capped(job, c.now + operation_check);
            return Step{std::move(job), {effect::Upload{}}, {}, {}};
        }
        return Step{requeue(c, c.job), {}, "its time has come", {}};
    }
    Outcome operator()(const UploadAdmitted&) const { return Ignored{}; }
    Outcome operator()(const InputUploaded& e) const {
        if (!is_uploading(c.job) || e.index >= c.job.files.size()) return Ignored{};
        return uploaded(c, e);
    }
    Outcome operator()(const UploadFailed& e) const {
        if (!is_uploading(c.job)) return Ignored{};
        return upload_failed(c, e.refusal);
    }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const { return hold(c); }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{is_uploading(c.job) ? "its files are on their way, nobody holds it"
                                            : "it waits for its time, nobody holds it"};
    }
};

struct InQueued : SubmitAnswers, RemoteNews, RemoteNoise, FetchNews,
                  Skip<SubmitInterrupted, EvidenceSearched, AccountResumed, InputUploaded,
                       UploadFailed> {
    const Context& c;
    explicit InQueued(const Context& context) : c(context) {}
    using SubmitAnswers::operator();
    using RemoteNews::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<SubmitInterrupted, EvidenceSearched, AccountResumed, InputUploaded,
               UploadFailed>::operator();

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        if (deadline_passed(c)) return deadline_over(c);
        Job job = c.job;
        job.due_at = capped(job, c.now + idle_check);
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const UploadAdmitted&) const {
        if (deadline_passed(c)) return deadline_over(c);
        if (all_usable(c.job.files, c.now)) return Ignored{};
        return begin_upload(c);
    }
    Outcome operator()(const Admitted&) const {
        if (deadline_passed(c)) return deadline_over(c);
        if (!all_usable(c.job.files, c.now)) return begin_upload(c);
        Job job = c.job;
        leave_remote(job);
        job.state = State::submitting;
        job.reason = Reason::none;
        ++job.attempt;
        job.due_at = c.now + c.policy.submit_timeout + operation_check;
        const std::string reserved = reserve(job);
        return Step{std::move(job),
                    {effect::SendSubmit{}},
                    "the intent is durable" + (reserved.empty() ? "" : "; " + reserved),
                    {}};
    }
    Outcome operator()(const Adopted& e) const { return adopt(c, e); }
    Outcome operator()(const CancelRequested&) const { return cancelled_here(c, c.job); }
    Outcome operator()(const HoldRequested&) const { return hold(c); }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{"it is queued already, nobody holds it"};
    }
    Outcome operator()(const AccountPaused& e) const {
        Job job = c.job;
        job.state = State::held;
        job.reason = e.reason;
        job.error = e.error;
        job.due_at = capped(job, c.now + idle_check);
        return Step{std::move(job), {}, "the provider's account is paused", {}};
    }
};

}  // namespace

Outcome in_held(const Context& c, const Event& event) {
    return std::visit(InHeld(c), event);
}

Outcome in_blocked(const Context& c, const Event& event) {
    return std::visit(InBlocked(c), event);
}

Outcome in_scheduled(const Context& c, const Event& event) {
    return std::visit(InScheduled(c), event);
}

Outcome in_queued(const Context& c, const Event& event) {
    return std::visit(InQueued(c), event);
}

}  // namespace reeld::domain::steps
