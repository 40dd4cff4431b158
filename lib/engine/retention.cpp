#include "engine/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "engine/export_line.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using domain::State;

constexpr int evidence_slice = 200;
constexpr Millis interval{10'000};
// With nothing to remove; a reload rings.
constexpr Millis idle_interval{3'600'000};
constexpr Millis after_trouble{60'000};
constexpr Millis shortest_pause{50};
constexpr Millis longest_pause{1'000};
// The rest of the loop gets at least this much for each part that a slice took.
constexpr int share = 4;

bool is_active(const RetentionSetup& setup) {
    return !setup.jobs.empty() || setup.evidence_max_age.has_value();
}

// A line that a crash cut short is taken back: its job is still there and is exported again.
Status end_with_whole_line(runtime::File& file) {
    constexpr std::uint64_t step = 64 * 1024;
    auto size = file.size();
    if (!size) return size.error();
    std::uint64_t end = *size;
    std::string bytes;
    while (end > 0) {
        const std::uint64_t from = end - std::min(end, step);
        bytes.resize(end - from);
        const auto got = file.read_at(from, std::span<char>(bytes.data(), bytes.size()));
        if (!got) return got.error();
        const auto newline = std::string_view(bytes.data(), *got).rfind('\n');
        end = newline == std::string_view::npos ? from : from + newline + 1;
        if (newline != std::string_view::npos) break;
    }
    if (end == *size) return ok();
    retry_branch::taken(RetryBranch::retention_line_mended);
    const Status cut = file.truncate(end);
    if (cut) crash_point::pass(CrashPoint::retention_torn_line_cut);
    return cut;
}

}  // namespace

RetentionStatus Retention::status() const {
    RetentionStatus status;
    status.active = is_active(core_.config.retention);
    status.export_folder = core_.config.retention.export_folder;
    status.trouble = trouble_;
    status.retired = retired_;
    status.evidence = evidence_;
    status.last_at = last_at_;
    return status;
}

awaitable<void> Retention::run() {
    for (;;) {
        const Millis begun = core_.services.clock.monotonic();
        const auto more = co_await sweep();
        Millis pause = is_active(core_.config.retention) ? interval : idle_interval;
        if (!more) {
            retry_branch::taken(RetryBranch::retention_later);
            pause = after_trouble;
            if (trouble_ != more.error().message()) {
                trouble_ = more.error().message();
                log::error("retention", "nothing is removed until this is mended",
                           {{"error", trouble_}});
            }
        } else {
            trouble_.clear();
            const Millis took = core_.services.clock.monotonic() - begun;
            if (*more) pause = std::clamp(took * share, shortest_pause, longest_pause);
        }
        co_await bell_.wait_for(core_.services.clock, pause);
    }
}

// True: a slice was full, there is more.
awaitable<Result<bool>> Retention::sweep() {
    // A copy: a reload may replace the configuration meanwhile.
    const RetentionSetup setup = core_.config.retention;
    bool more = false;
    for (const auto& [state, limits] : setup.jobs) {
        const auto removed = co_await retire_slice(state, limits);
        if (!removed) co_return removed.error();
        more = more || *removed == setup.slice;
    }
    if (setup.evidence_max_age) {
        const auto seen = co_await drop_evidence();
        if (!seen) co_return seen.error();
        more = more || *seen == evidence_slice;
    }
    co_return more;
}

std::vector<Job> Retention::due(store::Tx& tx, State state, const RetentionLimits& limits) const {
    std::vector<Job> jobs;
    const Instant now = core_.now();
    std::int64_t excess = limits.max_count ? tx.count_by_state()[state] - *limits.max_count : 0;
    for (const store::EndedJob& ended : tx.ended_jobs(state, core_.config.retention.slice)) {
        const bool old = limits.max_age && ended.finished_at <= now - *limits.max_age;
        if (!old && excess <= 0) break;
        --excess;
        // Something of it still runs: its news would find no row.
        if (tasks_.busy(ended.id)) continue;
        if (auto job = tx.find_job(ended.id)) jobs.push_back(std::move(*job));
    }
    return jobs;
}

awaitable<Result<int>> Retention::retire_slice(State state, RetentionLimits limits) {
    // What is exported must not be taken back by a commit that fails.
    const Status settled = co_await core_.commit.durable();
    if (!settled) co_return settled.error();
    std::vector<Job> jobs;
    std::vector<std::size_t> events;
    std::string lines;
    const Status read = core_.services.store.transact([&](store::Tx& tx) {
        jobs = due(tx, state, limits);
        for (const Job& job : jobs) {
            lines += export_line(tx, job, core_.now());
            events.push_back(tx.event_hashes(job.request.id).size());
        }
    });
    if (!read) co_return read.error();
    if (jobs.empty()) co_return 0;
    const Status exported =
        co_await export_lines(core_.config.retention.export_folder, std::move(lines));
    if (!exported) co_return exported.error();
    // The trail of an ended job may have grown while the export was flushed: a late delivery. Such a
    // one is left for the next round, which exports it anew.
    std::int64_t gone = 0;
    const Status removed = core_.services.store.transact([&](store::Tx& tx) {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const auto now = tx.find_job(jobs[i].request.id);
            const bool same = now && now->version == jobs[i].version &&
                              tx.event_hashes(jobs[i].request.id).size() == events[i];
            if (!same) {
                retry_branch::taken(RetryBranch::retention_news_came);
                continue;
            }
            tx.retire_job(*now);
            ++gone;
        }
    });
    if (removed && gone > 0) crash_point::pass(CrashPoint::retention_removal_written);
    const Status durable = co_await core_.commit.durable();
    if (!removed) co_return removed.error();
    if (!durable) co_return durable.error();
    if (gone > 0) crash_point::pass(CrashPoint::retention_removal_durable);
    retired_ += gone;
    last_at_ = core_.now();
    core_.count("jobs_retired", fmt::format("state=\"{}\"", domain::to_string(state)),
                static_cast<std::uint64_t>(gone));
    // Never again and again over what cannot go.
    co_return gone > 0 ? static_cast<int>(jobs.size()) : 0;
}

awaitable<Status> Retention::export_lines(std::string folder, std::string lines) {
    runtime::FileSystem& files = core_.services.files;
    const std::filesystem::path place(folder);
    const Status made =
        files.make_folders(place.parent_path().string(), place.filename().string());
    if (!made) co_return made;
    crash_point::pass(CrashPoint::retention_folder_made);
    const std::string path = folder + "/" + export_name(core_.now());
    auto file = files.open_append(path);
    if (!file) co_return file.error();
    crash_point::pass(CrashPoint::retention_file_opened);
    if (Status whole = end_with_whole_line(**file); !whole) co_return whole;
    const auto before = (*file)->size();
    if (!before) co_return before.error();
    if (Status appended = (*file)->append(lines); !appended) co_return appended;
    crash_point::pass(CrashPoint::retention_lines_appended);
    const Status flushed = co_await files.publish(path, path);
    if (flushed) {
        crash_point::pass(CrashPoint::retention_lines_durable);
    } else {
        retry_branch::taken(RetryBranch::retention_cut_back);
        // The kernel may have dropped these bytes, and the next flush would not tell: they are
        // written anew.
        if (Status cut = (*file)->truncate(*before); !cut) co_return cut;
        crash_point::pass(CrashPoint::retention_lines_taken_back);
    }
    co_return flushed;
}

awaitable<Result<int>> Retention::drop_evidence() {
    const Instant oldest = core_.now() - *core_.config.retention.evidence_max_age;
    int seen = 0;
    bool reached = false;
    std::int64_t dropped = 0;
    std::int64_t last = evidence_seen_;
    const Status done = core_.services.store.transact([&](store::Tx& tx) {
        for (const store::EvidenceAge& one : tx.evidence_ages(evidence_seen_, evidence_slice)) {
            reached = one.at > oldest;
            if (reached) break;
            ++seen;
            last = one.id;
            if (!one.done) continue;
            tx.prune_evidence(one.id);
            ++dropped;
        }
    });
    if (done && dropped > 0) crash_point::pass(CrashPoint::retention_evidence_pruned);
    const Status durable = co_await core_.commit.durable();
    if (!done) co_return done.error();
    if (!durable) co_return durable.error();
    if (dropped > 0) crash_point::pass(CrashPoint::retention_evidence_gone);
    evidence_ += dropped;
    // The next round begins at the oldest again: its job may have ended meanwhile.
    evidence_seen_ = reached || seen < evidence_slice ? 0 : last;
    co_return evidence_seen_ == 0 ? 0 : seen;
}

}  // namespace reeld::engine
