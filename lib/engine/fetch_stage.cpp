#include "engine/fetch_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "domain/naming.hpp"
#include "engine/part_file.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using domain::Output;

constexpr int collisions_max = 10'000;

DownloadConfig download_config(const DownloadSetup& setup) {
    DownloadConfig config;
    config.outputs = setup.outputs;
    config.stall_timeout = setup.stall_timeout;
    config.total_timeout = setup.total_timeout;
    config.max_bytes = setup.max_bytes;
    config.allowed_hosts = setup.allowed_hosts;
    config.named_hosts = setup.named_hosts;
    config.disk_reserve_bytes = setup.disk_reserve_bytes;
    return config;
}

DownloadDeps deps_of(const Services& services) {
    return DownloadDeps{services.clock, services.files, services.client};
}

std::string_view outcome_of(const domain::Event& event) {
    return std::holds_alternative<domain::event::OutputStored>(event) ? "stored" : "failed";
}

bool is_path_taken(const domain::Event& event) {
    const auto* failed = std::get_if<domain::event::FetchFailed>(&event);
    return failed != nullptr && failed->error.code == "path_taken";
}

}  // namespace

FetchStage::FetchStage(Core& core)
    : core_(core),
      downloader_(deps_of(core.services), download_config(core.config.downloads)),
      slots_(core.services.tasks.executor(), core.config.downloads.concurrency) {}

void FetchStage::reconfigure() {
    downloader_.configure(download_config(core_.config.downloads));
    slots_.resize(core_.config.downloads.concurrency);
}

std::optional<Job> FetchStage::load(const JobId& id) const {
    auto found = core_.services.store.transact([&](store::Tx& tx) { return tx.find_job(id); });
    if (!found || !*found || (*found)->state != domain::State::fetching) return std::nullopt;
    return std::move(*found);
}

awaitable<std::vector<domain::Effect>> FetchStage::fetch(JobId id) {
    const Slots::Place place = co_await slots_.take();
    std::vector<domain::Effect> following;
    // Loaded anew for each output: a cancel may have come between two of them.
    for (std::optional<Job> job = load(id); job; job = load(id)) {
        const auto missing = std::find_if(job->outputs.begin(), job->outputs.end(),
                                          [](const Output& o) { return !o.stored; });
        if (missing == job->outputs.end()) break;
        const int index = missing->index;
        domain::Event event;
        Planned planned = co_await plan(*job, *missing, false);
        if (planned.output) {
            event = co_await fetch_planned(id, *planned.output);
            if (is_path_taken(event)) {
                retry_branch::taken(RetryBranch::fetch_path_taken);
                planned = co_await plan(*job, *missing, true);
                if (planned.output) event = co_await fetch_planned(id, *planned.output);
            }
        } else {
            domain::event::FetchFailed failed;
            failed.index = index;
            failed.problem = planned.problem;
            failed.error = planned.error;
            event = std::move(failed);
        }
        core_.count("downloads", fmt::format("outcome=\"{}\"", outcome_of(event)));
        const bool stored = std::holds_alternative<domain::event::OutputStored>(event);
        const std::string path = planned.output ? planned.output->path : std::string{};
        Written written = co_await record(core_, id, std::move(event), std::nullopt);
        crash_point::pass(CrashPoint::fetch_outcome_durable);
        // A cancel came while it was fetched: the file belongs to nobody.
        if (written.job.state == domain::State::cancelled) forget(id, path, stored);
        // What is not needed any more is gone by now, but for what the disk refused to remove.
        if (stored || domain::is_terminal(written.job.state)) owe_removal(id, path);
        following.insert(following.end(), written.effects.begin(), written.effects.end());
        if (!stored) break;
    }
    co_return following;
}

awaitable<domain::Event> FetchStage::fetch_planned(JobId id, Output output) {
    FetchTask task = make_fetch_task(id, output);
    if (output.inlined) {
        task.content = load_content(id, output.index);
        if (!task.content) {
            domain::event::FetchFailed lost;
            lost.index = output.index;
            lost.problem = domain::event::FetchProblem::refused;
            lost.error = {"content_missing",
                          "the file came with the answer, and the database does not have it any more"};
            co_return domain::Event(std::move(lost));
        }
    }
    domain::Event event = co_await downloader_.fetch(std::move(task));
    co_return event;
}

std::shared_ptr<const std::string> FetchStage::load_content(const JobId& id, int index) const {
    auto found =
        core_.services.store.transact([&](store::Tx& tx) { return tx.find_content(id, index); });
    if (!found || !*found) return nullptr;
    return std::make_shared<const std::string>(std::move(**found));
}

// The path is durable before the first byte is written, so that a file under it can be told from a
// stranger's after a crash.
awaitable<FetchStage::Planned> FetchStage::plan(Job job, Output output, bool taken) {
    Planned planned;
    const std::string root = core_.config.downloads.outputs;
    if (!output.path.empty() && !taken) {
        planned.output = std::move(output);
        co_return planned;
    }
    const std::string extension = domain::extension_of(output.content_type, output.url, output.kind);
    for (int collision = 0; collision < collisions_max; ++collision) {
        const std::string relative = domain::file_name(job, output, extension, collision);
        const std::string path = root + "/" + relative;
        if (core_.services.files.exists(path)) continue;
        const auto slash = relative.rfind('/');
        if (slash != std::string::npos) {
            const Status made =
                core_.services.files.make_folders(root, relative.substr(0, slash));
            if (!made) {
                planned.problem = domain::event::FetchProblem::disk;
                planned.error = {"outputs_folder", made.error().message()};
                co_return planned;
            }
            crash_point::pass(CrashPoint::fetch_folder_made);
        }
        domain::event::OutputPlanned event;
        event.index = output.index;
        event.path = path;
        const domain::Event named = std::move(event);
        bool is_free = false;
        Written written;
        // Together: when this is lost with its group, another job may have the name.
        Status status = core_.services.store.transact([&](store::Tx& tx) {
            is_free = tx.is_path_free(path);
            if (is_free) written = apply(core_, tx, job.request.id, named);
        });
        crash_point::pass(CrashPoint::fetch_path_written);
        const Status durable = co_await core_.commit.durable();
        if (status) status = durable;
        if (!status) {
            planned.error = {"database", status.error().message()};
            co_return planned;
        }
        if (!is_free) continue;
        announce(core_, written);
        if (written.kind != Written::Kind::stepped) {
            planned.error = {"not_wanted", "the job wants no output any more"};
            co_return planned;
        }
        crash_point::pass(CrashPoint::fetch_path_durable);
        output.path = path;
        planned.output = std::move(output);
        co_return planned;
    }
    planned.error = {"file_name", "every variant of the file name is taken"};
    co_return planned;
}

void FetchStage::forget(const JobId& id, const std::string& path, bool stored) {
    if (path.empty()) return;
    const std::string part = part_path(path, id);
    for (const std::string& file : {part, note_path(part), stored ? path : part}) {
        const Status removed = core_.services.files.remove(file);
        crash_point::pass(CrashPoint::fetch_file_forgotten);
        if (!removed) {
            log::warning("engine", "a file of a cancelled job stays behind",
                         {{"job", id.str()}, {"file", file}, {"error", removed.error().message()}});
            owe(file);
        }
    }
}

void FetchStage::owe_removal(const JobId& id, const std::string& path) {
    if (path.empty()) return;
    const std::string part = part_path(path, id);
    for (const std::string& file : {part, note_path(part)}) {
        if (core_.services.files.exists(file)) owe(file);
    }
}

void FetchStage::owe(const std::string& file) {
    retry_branch::taken(RetryBranch::fetch_removal_owed);
    leftovers_.insert(file);
}

void FetchStage::remove_leftovers() {
    std::erase_if(leftovers_, [this](const std::string& file) {
        const bool removed = core_.services.files.remove(file).has_value();
        if (removed) retry_branch::taken(RetryBranch::fetch_removed_later);
        return removed;
    });
}

void FetchStage::sweep() {
    std::set<std::string> owned;
    std::set<std::string> folders{core_.config.downloads.outputs};
    const Status read = core_.services.store.transact([&](store::Tx& tx) {
        for (const store::UnstoredFile& file : tx.unstored_files()) {
            folders.insert(file.path.substr(0, file.path.rfind('/')));
            if (!domain::is_terminal(file.state)) owned.insert(part_path(file.path, file.job));
        }
    });
    if (!read) {
        // Nothing may be called ownerless without the owners' list.
        retry_branch::taken(RetryBranch::fetch_sweep_skipped);
        return;
    }
    for (const std::string& folder : folders) {
        const auto removed = downloader_.remove_stale_parts(
            folder, [&](const std::string& part) { return owned.contains(part); });
        if (!removed || removed->empty()) continue;
        log::info("engine", "removed partial files that no job needs",
                  {{"folder", folder}, {"files", std::to_string(removed->size())}});
    }
}

}  // namespace reeld::engine
