#include "runtime/publish_steps.hpp"

#include <map>

#include "base/crash_point.hpp"
#include "base/retry_branch.hpp"

namespace reeld::runtime {
namespace {

Status give_name(PublishDisk& disk, const Publication& one) {
    Status renamed = disk.rename_new(one.part, one.target);
    if (!renamed && renamed.error().code() == ErrorCode::unsupported) {
        // A hard link can refuse where the rename cannot.
        retry_branch::taken(RetryBranch::publish_linked);
        renamed = disk.link_new(one.part, one.target);
        if (renamed) crash_point::pass(CrashPoint::publish_linked);
        if (renamed) renamed = disk.unlink(one.part);
    }
    if (renamed) crash_point::pass(CrashPoint::publish_renamed);
    return renamed;
}

Status sync_and_name(PublishDisk& disk, const Publication& one) {
    const bool stands_there = one.part == one.target;
    const Status synced = disk.sync_file(one.part);
    if (!synced && !stands_there) static_cast<void>(disk.unlink(one.part));
    if (!synced || stands_there) return synced;
    crash_point::pass(CrashPoint::publish_file_synced);
    const Status named = give_name(disk, one);
    if (named && !one.note.empty()) {
        // Before the folder's flush, so that no power cut brings it back beside a finished file.
        static_cast<void>(disk.unlink(one.note));
        crash_point::pass(CrashPoint::publish_note_removed);
    }
    return named;
}

}  // namespace

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

Published publish_batch(PublishDisk& disk, const std::vector<Publication>& batch,
                        const std::set<std::string>& owed) {
    Published published;
    std::map<std::string, Status> folders;
    for (const std::string& folder : owed) folders.emplace(folder, ok());
    // The blocks of all files are chosen before the first flush commits the file system's journal,
    // so that one commit serves them all.
    if (batch.size() > 1) {
        for (const Publication& one : batch) disk.begin_writing(one.part);
    }
    for (const Publication& one : batch) {
        published.results.push_back(sync_and_name(disk, one));
        if (!published.results.back()) continue;
        folders.emplace(folder_of(one.target), ok());
        folders.emplace(folder_of(one.part), ok());
    }
    Status owed_status = ok();
    for (auto& [folder, status] : folders) {
        status = disk.sync_folder(folder);
        if (status) crash_point::pass(CrashPoint::publish_folder_synced);
        // A folder that is gone has nothing left to lose.
        if (status || status.error().code() == ErrorCode::not_found) continue;
        if (owed.contains(folder)) owed_status = status;
        retry_branch::taken(RetryBranch::publish_flush_owed);
        published.owed.insert(folder);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Status& status = published.results[i];
        if (status) status = folders.at(folder_of(batch[i].target));
        if (status) status = folders.at(folder_of(batch[i].part));
        if (status) status = owed_status;
    }
    return published;
}

}  // namespace reeld::runtime
