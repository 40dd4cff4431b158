#include "engine/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <utility>

#include "base/crash_point.hpp"
#include "base/json.hpp"
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

// Where the last lines of a file begin.
Result<std::uint64_t> tail_begin(const runtime::File& file, std::uint64_t size, int lines) {
    constexpr std::uint64_t step = 64 * 1024;
    std::string bytes;
    for (std::uint64_t end = size; end > 0;) {
        const std::uint64_t from = end - std::min(end, step);
        bytes.resize(end - from);
        const auto got = file.read_at(from, std::span<char>(bytes.data(), bytes.size()));
        if (!got) return got.error();
        for (std::size_t at = *got; at > 0; --at) {
            if (bytes[at - 1] == '\n' && lines-- == 0) return from + at;
        }
        end = from;
    }
    return std::uint64_t{0};
}

// Nothing for what is no JSON object. As deep and as odd as any input that was once taken.
std::optional<json::object> read_record(std::string_view line) {
    json::parse_options options;
    options.max_depth = 10'000;
    options.allow_invalid_utf8 = true;
    boost::system::error_code error;
    json::value value = json::parse(line, error, {}, options);
    if (error || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

// A record that was not written whole; what somebody else wrote into the file is none.
bool is_torn(std::string_view line, const std::optional<json::object>& record) {
    return !record && (line.starts_with('{') || line.find('\0') != std::string_view::npos);
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

// What was never flushed may have lost its end in a crash, and pieces from its midst in a power cut;
// or it only looks whole: after a flush that failed, the disk may never get it. Its jobs are still
// there, because none is removed before the flush, so it is taken back and they are exported anew. In
// front of a record that is all that is left of its job nothing is touched.
Status Retention::end_with_whole_lines(runtime::File& file, int looked_at) {
    const auto size = file.size();
    if (!size) return size.error();
    const auto begin = tail_begin(file, *size, looked_at);
    if (!begin) return begin.error();
    std::string tail(*size - *begin, '\0');
    const auto got = file.read_at(*begin, std::span<char>(tail.data(), tail.size()));
    if (!got) return got.error();
    std::optional<std::size_t> torn_from;
    const Status read = core_.services.store.transact([&](store::Tx& tx) {
        const std::string_view all = std::string_view(tail).substr(0, *got);
        for (std::size_t at = 0; at < all.size();) {
            const std::size_t end = std::min(all.find('\n', at), all.size());
            const std::string_view line = all.substr(at, end - at);
            const auto record = read_record(line);
            const auto id = record ? find_string(*record, "id") : std::nullopt;
            const bool is_there = id && tx.find_job(JobId(*id));
            if (end == all.size() || is_there || is_torn(line, record)) {
                if (!torn_from) torn_from = at;
            } else if (id) {
                torn_from.reset();
            }
            at = end + 1;
        }
    });
    if (!read || !torn_from) return read;
    retry_branch::taken(RetryBranch::retention_line_mended);
    const Status cut = file.truncate(*begin + *torn_from);
    if (cut) crash_point::pass(CrashPoint::retention_torn_line_cut);
    return cut;
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
    // More than one flush covers, so that a whole line behind a torn one hides nothing; what this
    // process has flushed itself is only looked at where it ends.
    const int looked_at = std::exchange(whole_, {}) == path ? 1 : 4 * core_.config.retention.slice;
    if (Status whole = end_with_whole_lines(**file, looked_at); !whole) co_return whole;
    const auto before = (*file)->size();
    if (!before) co_return before.error();
    if (Status appended = (*file)->append(lines); !appended) co_return appended;
    crash_point::pass(CrashPoint::retention_lines_appended);
    const Status flushed = co_await files.publish(path, path);
    if (flushed) {
        whole_ = path;
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
