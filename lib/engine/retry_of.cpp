#include "engine/retry_of.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace reeld::engine {
namespace {

using namespace domain::event;
using domain::Reason;
using domain::RefusalKind;
using domain::State;
using enum RetryBranch;

using Found = std::optional<RetryBranch>;

template <class Effect>
bool leads_to(const domain::Step& step) {
    return std::any_of(step.effects.begin(), step.effects.end(), [](const domain::Effect& effect) {
        return std::holds_alternative<Effect>(effect);
    });
}

RetryBranch of_fetch(const FetchFailed& failed) {
    switch (failed.problem) {
        case FetchProblem::expired: return fetch_link_expired;
        case FetchProblem::bad_media: return fetch_bad_media;
        case FetchProblem::disk:
            return failed.error.code == "disk_full" ? fetch_disk_full : fetch_disk_refuses;
        case FetchProblem::retry:
        case FetchProblem::refused: break;
    }
    constexpr std::array codes{std::pair{std::string_view("cut_short"), fetch_cut_short},
                               std::pair{std::string_view("timeout"), fetch_stalled},
                               std::pair{std::string_view("size_mismatch"), fetch_wrong_size},
                               std::pair{std::string_view("redirects"), fetch_bad_redirect},
                               std::pair{std::string_view("path_taken"), fetch_path_taken_again},
                               std::pair{std::string_view("database"), fetch_plan_not_kept}};
    for (const auto& [code, branch] : codes) {
        if (failed.error.code == code) return branch;
    }
    return failed.error.code.starts_with("http_") ? fetch_server_error : fetch_unreachable;
}

// Of the steps that do not end the job.
struct RetryOf {
    const domain::Job& before;
    const domain::Step& step;

    bool is(State state) const { return step.job.state == state; }
    bool pending() const { return is(State::queued) || is(State::scheduled); }

    Found unknown() const {
        if (!is(State::submit_unknown) || before.state != State::submitting) return std::nullopt;
        if (step.job.reason == Reason::timeout) return submit_unanswered;
        if (step.job.reason == Reason::reset) return submit_reset;
        return step.job.reason == Reason::interrupted ? submit_interrupted : submit_garbled;
    }
    Found undecided(RetryBranch still) const {
        if (is(State::submit_unknown)) return still;
        if (is(State::held)) return search_person_asked;
        return pending() ? Found(search_submitted_again) : std::nullopt;
    }
    // A request that nobody knew any more.
    Found news() const {
        const bool forgotten =
            before.state == State::held && before.reason == Reason::remote_missing;
        return forgotten ? Found(poll_found_again) : std::nullopt;
    }

    // A job whose files have had URLs already.
    Found renewed() const {
        const bool had = std::any_of(before.files.begin(), before.files.end(),
                                     [](const domain::InputFile& f) { return !f.url.empty(); });
        return had && domain::is_uploading(step.job) ? Found(upload_url_expired) : std::nullopt;
    }

    Found operator()(const SubmitRefused& e) const {
        if (is(State::held)) return submit_account_refused;
        if (!pending()) return std::nullopt;
        return e.refusal.kind == RefusalKind::rate_limited ? submit_slowed_down : submit_refused;
    }
    Found operator()(const UploadFailed&) const {
        return is(State::held) ? upload_account_refused : upload_again;
    }
    Found operator()(const SubmitNotSent&) const {
        return pending() ? Found(submit_not_sent) : std::nullopt;
    }
    Found operator()(const SubmitUnknown&) const { return unknown(); }
    Found operator()(const SubmitInterrupted&) const { return unknown(); }
    Found operator()(const Adopted& e) const {
        switch (e.by) {
            case AdoptedBy::webhook: return search_found_by_webhook;
            case AdoptedBy::history: return search_found_in_history;
            case AdoptedBy::header: return search_found_by_header;
            case AdoptedBy::person: return search_found_by_person;
        }
        return std::nullopt;
    }
    Found operator()(const EvidenceSearched&) const { return undecided(search_looked_again); }
    Found operator()(const PollFailed&) const {
        if (before.state == State::submit_unknown) return undecided(search_asked_again);
        return before.reason == Reason::result ? result_asked_again : poll_asked_again;
    }
    Found operator()(const RemoteMissing&) const {
        if (is(State::held)) return poll_person_asked;
        return before.reason == Reason::result ? result_missing_again : poll_missing_again;
    }
    Found operator()(const ResultNotReady&) const { return result_not_ready; }
    Found operator()(const ResultFailed&) const {
        return is(State::scheduled) ? Found(attempt_again) : news();
    }
    Found operator()(const ResultSeen&) const {
        return before.state == State::fetching ? Found(fetch_link_renewed) : news();
    }
    Found operator()(const StatusSeen&) const { return news(); }
    Found operator()(const RemoteCancelled&) const { return news(); }
    Found operator()(const Due&) const {
        if (before.state == State::submitting) return unknown();
        if (before.cancel_requested && leads_to<domain::effect::SendCancel>(step)) {
            return cancel_repeated;
        }
        if (leads_to<domain::effect::Upload>(step)) return upload_taken_up;
        const bool searches = leads_to<domain::effect::SearchEvidence>(step);
        return before.state == State::held && searches ? Found(search_goes_on) : std::nullopt;
    }
    Found operator()(const FetchFailed& e) const { return of_fetch(e); }
    Found operator()(const AccountResumed&) const { return gate_jobs_released; }

    Found operator()(const Admitted&) const { return renewed(); }
    Found operator()(const UploadAdmitted&) const { return renewed(); }
    Found operator()(const InputUploaded&) const { return std::nullopt; }
    Found operator()(const SubmitAccepted&) const { return std::nullopt; }
    Found operator()(const WebhookHint&) const { return std::nullopt; }
    Found operator()(const CancelAnswered&) const { return std::nullopt; }
    Found operator()(const OutputPlanned&) const { return std::nullopt; }
    Found operator()(const OutputStored&) const { return std::nullopt; }
    Found operator()(const CancelRequested&) const { return std::nullopt; }
    Found operator()(const HoldRequested&) const { return std::nullopt; }
    Found operator()(const ReleaseRequested&) const { return std::nullopt; }
    Found operator()(const AccountPaused&) const { return std::nullopt; }
    Found operator()(const Restored&) const { return std::nullopt; }
};

}  // namespace

std::optional<RetryBranch> retry_of(const domain::Job& before, const domain::Event& event,
                                    const domain::Step& step) {
    if (domain::is_terminal(step.job.state)) return std::nullopt;
    return std::visit(RetryOf{before, step}, event);
}

}  // namespace reeld::engine
