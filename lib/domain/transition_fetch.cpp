#include "domain/transition_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::domain::steps {
namespace {

constexpr Millis disk_check{30'000};
constexpr int expired_max = 4;
constexpr int bad_media_max = 3;

// A figure that comes after the result takes the place of the estimate, whatever became of the job.
Outcome late_figure(const Context& c, const std::optional<std::int64_t>& micro_usd,
                    std::string otherwise) {
    const bool open = c.job.money && (c.job.money->by_estimate_micro_usd > 0 ||
                                      c.job.money->possible_micro_usd > 0 ||
                                      c.job.money->unpriced > 0);
    if (!micro_usd || !open) return Ignored{std::move(otherwise)};
    Step step{c.job, {}, "the provider tells what it cost", {}};
    step.bills.push_back({0, Billing::settled, micro_usd});
    return step;
}

struct InFetching : UploadNews, SubmitAnswers, RemoteNoise,
                    Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                         AccountResumed>,
                    Ignore<StatusSeen, ResultFailed, RemoteCancelled> {
    const Context& c;
    explicit InFetching(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using RemoteNoise::operator();
    using Skip<Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed>::operator();
    using Ignore<StatusSeen, ResultFailed, RemoteCancelled>::operator();
    Outcome operator()(const Adopted& e) const { return not_adopted(e, follows(c.job)); }

    Outcome operator()(const event::Restored&) const { return mark_restored(c); }
    Outcome operator()(const Due&) const {
        Job job = c.job;
        job.due_at = c.now + operation_check;
        return Step{std::move(job), {effect::Fetch{}}, {}, {}};
    }
    Outcome operator()(const ResultSeen& e) const {
        // Asked again because a file's URL had expired: only the addresses are news.
        Job job = c.job;
        bool changed = false;
        for (std::size_t i = 0; i < job.outputs.size() && i < e.outputs.size(); ++i) {
            if (job.outputs[i].stored || job.outputs[i].url == e.outputs[i].url) continue;
            // What came with an answer is here; what had an address and came so now is not.
            if (job.outputs[i].inlined || e.outputs[i].inlined) continue;
            job.outputs[i].url = e.outputs[i].url;
            changed = true;
        }
        if (!changed) return late_figure(c, e.cost_micro_usd, "the result is known already");
        Step step{std::move(job), {}, "fresh addresses of the result", {}};
        if (e.cost_micro_usd) step.bills.push_back(bill_of(e));
        return step;
    }
    Outcome operator()(const OutputPlanned& e) const {
        if (!waits_for(e.index)) return Ignored{"no such output to fetch"};
        Job job = c.job;
        output(job, e.index).path = e.path;
        return Step{std::move(job), {}, {}, {}};
    }
    Outcome operator()(const OutputStored& e) const {
        if (!waits_for(e.index)) return Ignored{"no such output to fetch"};
        Job job = c.job;
        Output& stored = output(job, e.index);
        stored.stored = true;
        stored.path = e.path;
        stored.bytes = e.bytes;
        stored.sha256 = e.sha256;
        if (!e.content_type.empty()) stored.content_type = e.content_type;
        job.fetch_failures = 0;
        job.reason = Reason::none;
        const bool all = std::all_of(job.outputs.begin(), job.outputs.end(),
                                     [](const Output& o) { return o.stored; });
        if (!all) {
            job.due_at = c.now + operation_check;
            return Step{std::move(job), {}, "one more output is on disk", {}};
        }
        job.error.reset();
        return finish(c, std::move(job), State::completed, Reason::none,
                      "every output is on disk, verified");
    }
    Outcome operator()(const FetchFailed& e) const {
        if (!waits_for(e.index)) return Ignored{"no such output to fetch"};
        Job job = c.job;
        job.error = e.error;
        if (e.problem == FetchProblem::disk) {
            const bool known = job.reason == Reason::disk;
            job.reason = Reason::disk;
            job.due_at = c.now + disk_check;
            return Step{std::move(job), {}, known ? "" : "waits for room on the disk", {}};
        }
        ++job.fetch_failures;
        const auto over = [&](Reason reason) {
            return finish(c, std::move(job), State::failed, reason,
                          "the paid result did not arrive; retry fetches it without paying again");
        };
        switch (e.problem) {
            case FetchProblem::refused: return over(Reason::download);
            case FetchProblem::expired:
                if (job.fetch_failures >= expired_max) return over(Reason::result_expired);
                break;
            case FetchProblem::bad_media:
                if (job.fetch_failures >= bad_media_max) return over(Reason::media_invalid);
                break;
            case FetchProblem::retry:
                if (job.fetch_failures >= c.policy.fetch_failures_max) {
                    return over(Reason::download);
                }
                break;
            case FetchProblem::disk: break;
        }
        job.reason = Reason::backoff;
        job.due_at = c.now + backoff(c.policy.retry_base, c.policy.retry_max, job.fetch_failures,
                                     c.jitter, e.retry_after);
        Step step{std::move(job), {}, "the fetch failed and is tried again", {}};
        // The address may have expired while the result has not.
        if (e.problem == FetchProblem::expired) step.effects.emplace_back(effect::ReadResult{});
        return step;
    }
    Outcome operator()(const CancelRequested&) const {
        Job job = c.job;
        job.cancel_requested = true;
        return finish(c, std::move(job), State::cancelled, Reason::after_submit,
                      "cancelled while its result was being fetched; it is billed");
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{"its result is being fetched; there is nothing left to hold"};
    }
    Outcome operator()(const ReleaseRequested&) const { return Rejected{"nobody holds it"}; }

    bool waits_for(int index) const {
        return index >= 0 && static_cast<std::size_t>(index) < c.job.outputs.size() &&
               !c.job.outputs[static_cast<std::size_t>(index)].stored;
    }
    static Output& output(Job& job, int index) {
        return job.outputs[static_cast<std::size_t>(index)];
    }
};

struct InTerminal : UploadNews, SubmitAnswers, Ignore<StatusSeen>, RemoteNoise, FetchNews,
                    Skip<Due, Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
                         AccountResumed, event::Restored> {
    const Context& c;
    explicit InTerminal(const Context& context) : c(context) {}
    using UploadNews::operator();
    using SubmitAnswers::operator();
    using Ignore<StatusSeen>::operator();
    using RemoteNoise::operator();
    using FetchNews::operator();
    using Skip<Due, Admitted, SubmitInterrupted, EvidenceSearched, AccountPaused,
               AccountResumed, event::Restored>::operator();

    Outcome operator()(const ResultSeen& e) const { return late(e.cost_micro_usd); }
    Outcome operator()(const ResultFailed& e) const { return late(e.cost_micro_usd); }
    Outcome operator()(const RemoteCancelled& e) const { return late(e.cost_micro_usd); }
    Outcome late(const std::optional<std::int64_t>& micro_usd) const {
        return late_figure(c, micro_usd, "came too late or too early");
    }
    Outcome operator()(const Adopted& e) const {
        return not_adopted(e, fmt::format("it is over already: {}", to_string(c.job.state)));
    }
    Outcome operator()(const CancelRequested&) const {
        if (c.job.state == State::cancelled) return Ignored{};
        return Rejected{fmt::format("it is over already: {}", to_string(c.job.state))};
    }
    Outcome operator()(const HoldRequested&) const {
        return Rejected{fmt::format("it is over already: {}", to_string(c.job.state))};
    }
    Outcome operator()(const ReleaseRequested&) const {
        return Rejected{fmt::format("it is over: {}; use retry", to_string(c.job.state))};
    }
};

}  // namespace

Outcome in_fetching(const Context& c, const Event& event) {
    return std::visit(InFetching(c), event);
}

Outcome in_terminal(const Context& c, const Event& event) {
    return std::visit(InTerminal(c), event);
}

}  // namespace reeld::domain::steps
