#include "engine/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "runtime/beside.hpp"
#include "runtime/race.hpp"
#include "store/copy.hpp"

namespace reeld::engine {
namespace {

using store::CopyFacts;
using store::CopyWatch;

constexpr Millis look_for_caller{250};

std::string part_of(const std::string& path) { return path + ".copying"; }

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_plain_path(std::string_view path) {
    const bool control = std::any_of(path.begin(), path.end(),
                                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return path.size() > 1 && path.front() == '/' && path.back() != '/' && !control &&
           path.find("/../") == std::string_view::npos && !path.ends_with("/..");
}

// What the system says of a path, and what to do about it.
Error explained(const Error& error, const std::string& path) {
    namespace errc = boost::system::errc;
    const auto& cause = error.cause();
    if (cause == errc::no_such_file_or_directory || cause == errc::not_a_directory) {
        return Error(ErrorCode::not_found,
                     fmt::format("there is no folder {}: make it, so that the daemon's user may "
                                 "write there",
                                 folder_of(path)));
    }
    if (cause == errc::permission_denied || cause == errc::read_only_file_system ||
        cause == errc::operation_not_permitted) {
        return Error(ErrorCode::refused,
                     fmt::format("the daemon may not write to {}. Run by its systemd unit it may "
                                 "write below its state folder only; ReadWritePaths= in a drop-in "
                                 "of the unit adds another folder, which its user must own",
                                 folder_of(path)));
    }
    if (error.code() == ErrorCode::disk_full) {
        return Error(ErrorCode::disk_full,
                     fmt::format("there is no room for the copy in {}", folder_of(path)));
    }
    return error;
}

Status remove_leftover(runtime::FileSystem& files, const std::string& path) {
    if (!files.exists(path)) return ok();
    const Status gone = files.remove(path);
    if (gone) crash_point::pass(CrashPoint::backup_leftover_removed);
    return gone;
}

// Takes the unfinished files away, whatever ends the backup.
struct Leftovers {
    runtime::FileSystem& files;
    std::vector<std::string> paths;
    ~Leftovers() {
        for (const std::string& path : paths) {
            if (const Status gone = remove_leftover(files, path); !gone) {
                log::warning("backup", "an unfinished copy could not be removed",
                             {{"error", gone.error().message()}});
            }
        }
    }
};

std::vector<std::string> unfinished(const BackupDone& wanted) {
    std::vector<std::string> paths;
    for (const std::string* path : {&wanted.path, &wanted.inbox_path}) {
        const std::string part = part_of(*path);
        for (const char* end : {"", "-journal", "-wal", "-shm"}) paths.push_back(part + end);
    }
    return paths;
}

awaitable<void> until_abandoned(runtime::Clock& clock, std::function<bool()> abandoned) {
    while (!abandoned()) co_await clock.sleep_for(look_for_caller);
}

}  // namespace

BackupStatus Backup::status() const {
    BackupStatus status;
    status.last_at = last_at_;
    status.last_path = last_path_;
    if (!running_) return status;
    status.running = running_path_;
    status.checking = running_->checking;
    status.pages_done = running_->pages_done;
    status.pages_total = running_->pages_total;
    return status;
}

Status Backup::clear_target(const BackupDone& wanted) const {
    runtime::FileSystem& files = core_.services.files;
    if (!is_plain_path(wanted.path)) {
        return Error(ErrorCode::invalid,
                     "path: must be an absolute path of a file, without \"..\"");
    }
    // Of an earlier daemon that was killed over it: these names are used for nothing else. First of
    // all, because what that one has finished may stand in the way of this name for ever.
    for (const std::string& old : unfinished(wanted)) {
        if (Status gone = remove_leftover(files, old); !gone) {
            return explained(gone.error(), wanted.path);
        }
    }
    for (const std::string* path : {&wanted.path, &wanted.inbox_path}) {
        if (!files.exists(*path)) continue;
        return Error(ErrorCode::conflict,
                     fmt::format("{} exists, and no file is ever replaced: name another, for "
                                 "example with the date in it",
                                 *path));
    }
    const auto free = files.free_bytes(folder_of(wanted.path));
    if (!free) return explained(free.error(), wanted.path);
    const store::StoreFacts facts = core_.services.store.facts();
    if (*free < facts.database_bytes + facts.wal_bytes) {
        return explained(Error(ErrorCode::disk_full, wanted.path), wanted.path);
    }
    return ok();
}

awaitable<Result<BackupDone>> Backup::make(std::string path, std::function<bool()> abandoned) {
    if (running_) {
        co_return Error(ErrorCode::busy,
                        fmt::format("a backup to {} is being made; wait for its end",
                                    running_path_));
    }
    BackupDone wanted;
    wanted.path = path;
    wanted.inbox_path = path + ".inbox";
    if (Status fits = clear_target(wanted); !fits) co_return fits.error();
    // What was told to anybody is to be in it.
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return durable.error();
    if (running_) co_return Error(ErrorCode::busy, "a backup was begun at the same moment");

    running_ = std::make_shared<CopyWatch>();
    running_path_ = path;
    struct Ended {
        Backup& backup;
        ~Ended() { backup.running_.reset(); }
    };
    const Ended ended{*this};
    const Leftovers leftovers{core_.services.files, unfinished(wanted)};
    auto copying = copy_all(wanted, running_);
    auto gone = until_abandoned(core_.services.clock, std::move(abandoned));
    auto copied = co_await runtime::until(std::move(copying), std::move(gone));
    if (!copied) {
        log::info("backup", "given up: who asked for it has gone", {{"path", path}});
        co_return Error(ErrorCode::cancelled, "whoever asked for the backup has gone");
    }
    if (!*copied) {
        Error error = explained(copied->error(), path);
        retry_branch::taken(RetryBranch::backup_failed);
        log::error("backup", "no backup was made", {{"path", path}, {"error", error.message()}});
        co_return error;
    }
    last_at_ = core_.now();
    last_path_ = path;
    log::info("backup", "made",
              {{"path", path}, {"sha256", (*copied)->sha256}});
    co_return std::move(*copied);
}

awaitable<Result<BackupDone>> Backup::copy_all(BackupDone done,
                                               std::shared_ptr<CopyWatch> watch) {
    const std::string source = core_.services.store.path();
    const std::string inbox = core_.services.inbox == nullptr ? std::string()
                                                              : core_.services.inbox->path();
    const Instant now = core_.now();
    Result<CopyFacts> facts(Error(ErrorCode::internal, "the copy never began"));
    Result<std::int64_t> rows(std::int64_t{0});
    // The inbox first: a row that becomes a job in between is in both, and is one job by its id.
    std::function<void()> work = [&facts, &rows, &source, &inbox, &done, &watch, now] {
        if (!inbox.empty()) rows = store::copy_inbox(inbox, part_of(done.inbox_path), *watch);
        if (rows) facts = store::copy_store(source, part_of(done.path), now, *watch);
    };
    std::function<void()> stop = [&watch] { watch->stop = true; };
    co_await runtime::run_beside(core_.services.tasks.executor(), std::move(work),
                                 std::move(stop), core_.services.beside);
    if (!rows) co_return rows.error();
    if (!facts) co_return facts.error();
    done.bytes = facts->bytes;
    done.jobs = facts->jobs;
    done.events = facts->events;
    done.sha256 = facts->sha256;
    done.chain_head = facts->chain_head;
    done.inbox_rows = *rows;
    // An empty inbox needs no file.
    if (*rows == 0) done.inbox_path.clear();
    co_return co_await publish(std::move(done));
}

awaitable<Result<BackupDone>> Backup::publish(BackupDone done) {
    runtime::FileSystem& files = core_.services.files;
    if (!done.inbox_path.empty()) {
        const Status inbox = co_await files.publish(part_of(done.inbox_path), done.inbox_path);
        if (!inbox) co_return inbox.error();
        crash_point::pass(CrashPoint::backup_inbox_named);
    }
    const Status copied = co_await files.publish(part_of(done.path), done.path);
    if (copied) {
        crash_point::pass(CrashPoint::backup_named);
        co_return done;
    }
    if (!done.inbox_path.empty()) {
        // Half a backup is none.
        retry_branch::taken(RetryBranch::backup_half_undone);
        const Status gone = files.remove(done.inbox_path);
        if (gone) {
            crash_point::pass(CrashPoint::backup_inbox_taken_back);
        } else {
            log::warning("backup", "the inbox's copy stayed alone",
                         {{"error", gone.error().message()}});
        }
    }
    if (copied.error().code() == ErrorCode::conflict) {
        co_return Error(ErrorCode::conflict,
                        fmt::format("{} came to be meanwhile, and no file is ever replaced",
                                    done.path));
    }
    co_return copied.error();
}

}  // namespace reeld::engine
