#include "engine/inbox_intake.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "domain/intake.hpp"
#include "engine/intake_check.hpp"
#include "engine/job_writer.hpp"

namespace reeld::engine {
namespace {

constexpr int at_once = 100;
constexpr Millis busy_first{20};
constexpr Millis busy_longest{2'000};
constexpr Millis trouble_interval{5'000};
constexpr Millis busy_patience{5'000};

std::string in_words(const std::vector<domain::FieldError>& errors) {
    std::string text;
    for (const domain::FieldError& error : errors) {
        if (!text.empty()) text += "; ";
        text += fmt::format("{}: {}", error.field, error.message);
    }
    return text;
}

std::optional<std::string> provider_for(const Core& core, const std::string& model) {
    for (const auto& [name, setup] : core.config.providers) {
        if (setup.provider->serves(model)) return name;
    }
    return std::nullopt;
}

// Everything that keeps the row from becoming a job, the catalogue's word included; and its files.
CheckedFiles check_row(const Core& core, const store::InboxRow& row, const domain::Intake& parsed) {
    CheckedFiles all;
    if (const auto* errors = std::get_if<std::vector<domain::FieldError>>(&parsed)) {
        all.mistakes = *errors;
    }
    const bool model_told = std::any_of(all.mistakes.begin(), all.mistakes.end(),
                                        [](const auto& error) { return error.field == "model"; });
    const auto model = find_string(row.job, "model");
    if (model_told || !model) return all;
    if (!provider_for(core, *model)) {
        all.mistakes.push_back(
            {"model", fmt::format("no configured provider serves \"{}\"", *model)});
        return all;
    }
    auto checked = check_job(file_check(core, *model), core.services.store, row.job);
    checked.mistakes.insert(checked.mistakes.begin(), all.mistakes.begin(), all.mistakes.end());
    return checked;
}

}  // namespace

awaitable<void> InboxIntake::run() {
    if (core_.services.inbox == nullptr) co_return;
    Millis busy_wait = busy_first;
    for (;;) {
        const auto looked = co_await drain();
        tell(looked);
        if (looked && *looked == at_once) continue;
        Millis wait = core_.config.inbox_interval;
        if (looked) {
            busy_wait = busy_first;
        } else if (looked.error().code() == ErrorCode::busy) {
            retry_branch::taken(RetryBranch::inbox_busy);
            wait = busy_wait;
            busy_wait = std::min(busy_wait * 2, busy_longest);
        } else {
            retry_branch::taken(RetryBranch::inbox_unreadable);
            wait = trouble_interval;
        }
        co_await bell_.wait_for(core_.services.clock, wait);
    }
}

void InboxIntake::tell(const Result<int>& looked) {
    if (looked) {
        busy_since_.reset();
        if (core_.inbox_trouble) log::info("inbox", "dropped rows are taken again");
        core_.inbox_trouble.reset();
        return;
    }
    if (looked.error().code() != ErrorCode::busy) {
        const std::string what = looked.error().message();
        if (core_.inbox_trouble && core_.inbox_trouble->what == what) return;
        log::error("inbox", "dropped rows cannot be taken; they are kept where they are",
                   {{"error", what}});
        core_.inbox_trouble = Trouble{core_.now(), what};
        return;
    }
    // Every writer holds it for a moment; who stays sits in an open transaction.
    if (!busy_since_) busy_since_ = core_.now();
    if (core_.now() - *busy_since_ < busy_patience || core_.inbox_trouble) return;
    const std::string who = core_.services.inbox->holders();
    const std::string what =
        fmt::format("{} has held {} in a transaction for some time: dropped rows wait until it ends",
                    who.empty() ? "another program" : who, core_.services.inbox->path());
    log::warning("inbox", what);
    core_.inbox_trouble = Trouble{*busy_since_, what};
}

awaitable<Result<int>> InboxIntake::drain() {
    auto rows = core_.services.inbox->pending(at_once);
    if (!rows) co_return rows.error();
    std::vector<store::InboxRow> taken;
    Status worst = ok();
    for (const store::InboxRow& row : *rows) {
        std::string refusal;
        const Status status = take(row, refusal);
        if (!status) {
            // Not a reason to leave the rows behind it waiting.
            retry_branch::taken(RetryBranch::inbox_row_waits);
            worst = status;
            continue;
        }
        if (refusal.empty()) {
            taken.push_back(row);
            crash_point::pass(CrashPoint::inbox_row_copied);
        } else {
            const Status told = core_.services.inbox->reject(row, refusal);
            if (!told) {
                retry_branch::taken(RetryBranch::inbox_refusal_waits);
                worst = told;
            } else {
                core_.count("inbox_refused");
            }
        }
    }
    // The job is durable before its row goes: a crash in between repeats the row, which is the
    // same job by its id.
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable.error();
    if (!taken.empty()) {
        crash_point::pass(CrashPoint::inbox_jobs_durable);
        core_.dispatch_bell.ring();
        core_.timer_bell.ring();
        core_.event_bell.ring();
        const Status removed = core_.services.inbox->remove(taken);
        if (!removed) {
            retry_branch::taken(RetryBranch::inbox_removal_waits);
            co_return removed.error();
        }
    }
    if (!worst) co_return worst.error();
    co_return static_cast<int>(rows->size());
}

Status InboxIntake::take(const store::InboxRow& row, std::string& refusal) {
    auto parsed = domain::parse_job(row.job, core_.now());
    CheckedFiles checked = check_row(core_, row, parsed);
    if (!checked.mistakes.empty()) {
        refusal = in_words(checked.mistakes);
        return ok();
    }
    auto& request = std::get<domain::JobRequest>(parsed);
    const auto provider = provider_for(core_, request.model);
    const std::string id = request.id.str();
    std::string text = created_words("dropped into the inbox", request);
    domain::Job job = domain::first_row(std::move(request), *provider, core_.now());
    job.files = std::move(checked.files);
    store::InsertOutcome outcome = store::InsertOutcome::inserted;
    std::optional<store::RetiredJob> retired;
    const Status status = core_.services.store.transact(
        [&](store::Tx& tx) {
            outcome = create(core_, tx, job, text);
            if (outcome == store::InsertOutcome::retired) retired = tx.find_retired(JobId(id));
        });
    if (!status) return status;
    if (retired) refusal = "id: " + retired_words(*retired);
    if (outcome == store::InsertOutcome::conflict) {
        refusal = fmt::format(
            "id: \"{}\" is a job with other content already; choose another id, or leave it out",
            id);
    }
    return ok();
}

}  // namespace reeld::engine
