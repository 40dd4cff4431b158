#include "engine/file_spool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "engine/hash_file.hpp"
#include "engine/input_files.hpp"

namespace reeld::engine {
namespace {

constexpr std::string_view part_end = ".part";
constexpr std::size_t entries_max = 10'000;
constexpr std::size_t name_max = 100;
// A part that nobody continues; the sender of a whole file waits for nothing.
constexpr Millis part_keep{24 * 3'600'000};

}  // namespace

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string harmless_name(std::string_view name) {
    name = name.substr(name.rfind('/') + 1);  // npos + 1 is 0
    std::string kept;
    for (const char c : name.substr(name.size() > name_max ? name.size() - name_max : 0)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        kept += plain ? c : '_';
    }
    if (kept.starts_with('.')) kept.front() = '_';
    return kept.empty() ? "file" : kept;
}

std::string FileSpool::part_of(const std::string& sha256) const {
    return fmt::format("{}/{}{}", setup().spool, sha256, part_end);
}

std::string FileSpool::path_of(const std::string& sha256, const Entry& entry) const {
    return entry.name.empty() ? part_of(sha256)
                              : fmt::format("{}/{}/{}", setup().spool, sha256, entry.name);
}

Status FileSpool::load() {
    if (setup().spool.empty()) {
        return Error(ErrorCode::unsupported, "this daemon takes no files over its socket");
    }
    if (loaded_) return ok();
    // Makes it a root: no call below it goes through a link.
    if (const Status made = core_.services.files.make_folders(setup().spool, ""); !made) {
        return made;
    }
    const auto names = core_.services.files.list(setup().spool);
    if (!names) return names.error();
    for (const std::string& name : *names) {
        if (name.ends_with(part_end)) {
            const std::string sha256 = name.substr(0, name.size() - part_end.size());
            const auto part = core_.services.files.open_below(setup().spool, part_of(sha256));
            const auto facts = part ? (*part)->facts() : part.error();
            if (is_sha256(sha256) && facts) entries_[sha256].bytes = facts->bytes;
        }
    }
    for (const std::string& name : *names) {
        if (is_sha256(name)) load_whole(name);
    }
    loaded_ = true;
    return ok();
}

void FileSpool::load_whole(const std::string& sha256) {
    const std::string folder = setup().spool + "/" + sha256;
    const auto names = core_.services.files.list(folder);
    if (!names) return;
    // Made for a file that did not come so far, or left by one that was taken away.
    if (names->empty()) static_cast<void>(core_.services.files.remove_folder(folder));
    if (!names->empty() && entries_.contains(sha256)) {
        static_cast<void>(core_.services.files.remove(part_of(sha256)));
    }
    for (const std::string& name : *names) {
        const auto file = core_.services.files.open_below(setup().spool, folder + "/" + name);
        const auto facts = file ? (*file)->facts() : file.error();
        if (!facts) continue;
        entries_[sha256] = Entry{name, facts->bytes, facts->bytes, false, std::nullopt};
    }
}

SpooledFile FileSpool::shown(const std::string& sha256, const Entry& entry) {
    SpooledFile file;
    file.sha256 = sha256;
    file.received = entry.bytes;
    if (entry.name.empty()) return file;
    file.path = path_of(sha256, entry);
    const auto opened = core_.services.files.open_below(setup().spool, file.path);
    const auto seen = opened ? look_at(**opened) : Result<catalogue::FileSeen>(opened.error());
    file.content_type = seen ? seen->content_type : "application/octet-stream";
    return file;
}

Result<SpooledFile> FileSpool::find(const std::string& sha256) {
    if (!is_sha256(sha256)) {
        return Error(ErrorCode::invalid, "a SHA-256 of 64 lower-case hex digits has to stand here");
    }
    if (const Status ready = load(); !ready) return ready.error();
    const auto at = entries_.find(sha256);
    if (at == entries_.end()) {
        SpooledFile none;
        none.sha256 = sha256;
        return none;
    }
    // Somebody may have tidied up by hand.
    if (!at->second.finishing && !core_.services.files.exists(path_of(sha256, at->second))) {
        entries_.erase(at);
        return find(sha256);
    }
    at->second.asked_at = core_.services.clock.monotonic();
    return shown(sha256, at->second);
}

Status FileSpool::check(const SpoolPiece& piece) const {
    if (piece.size == 0) return Error(ErrorCode::invalid, "an empty file is no input");
    if (piece.size > setup().file_max_bytes) {
        return Error(ErrorCode::too_large,
                     fmt::format("the file has {} bytes; [inputs] max_bytes allows {}", piece.size,
                                 setup().file_max_bytes));
    }
    if (piece.offset > piece.size || piece.bytes.size() > piece.size - piece.offset) {
        return Error(ErrorCode::invalid,
                     fmt::format("{} bytes from {} on do not fit into a file of {}",
                                 piece.bytes.size(), piece.offset, piece.size));
    }
    if (piece.bytes.empty() && piece.offset < piece.size) {
        return Error(ErrorCode::invalid, "a piece has to hold bytes");
    }
    return ok();
}

Status FileSpool::has_room(const SpoolPiece& piece, const Entry& entry) const {
    std::uint64_t used = 0;
    for (const auto& [sha256, other] : entries_) {
        if (sha256 != piece.sha256) used += std::max(other.bytes, other.promised);
    }
    if (entries_.size() >= entries_max || used + piece.size > setup().spool_max_bytes) {
        return Error(ErrorCode::disk_full,
                     fmt::format("{} bytes of files wait for their jobs already; [inputs] "
                                 "spool_max_bytes allows {}. They go when no job needs them and "
                                 "[inputs] keep has passed",
                                 used, setup().spool_max_bytes));
    }
    const auto free = core_.services.files.free_bytes(setup().spool);
    const std::uint64_t more = piece.size - std::min(entry.bytes, piece.size);
    if (free && *free < more + core_.config.downloads.disk_reserve_bytes) {
        return Error(ErrorCode::disk_full,
                     fmt::format("the disk of {} has no room for {} more bytes", setup().spool,
                                 more));
    }
    return ok();
}

Status FileSpool::append(const SpoolPiece& piece, Entry& entry) {
    if (piece.bytes.empty()) return ok();
    auto part = core_.services.files.open_append(part_of(piece.sha256));
    if (!part) return part.error();
    const auto size = (*part)->size();
    if (!size) return size.error();
    if (*size != entry.bytes) {
        entry.bytes = *size;
        return Error(ErrorCode::conflict, "the part has another length than it had");
    }
    const Status written = (*part)->append(piece.bytes);
    if (!written) return written;
    crash_point::pass(CrashPoint::spool_piece_written);
    entry.bytes += piece.bytes.size();
    return ok();
}

awaitable<Result<SpooledFile>> FileSpool::put(SpoolPiece piece) {
    auto known = find(piece.sha256);
    if (!known) co_return known.error();
    if (!known->path.empty()) co_return known;
    if (const Status checked = check(piece); !checked) co_return checked.error();
    Entry& entry = entries_[piece.sha256];
    entry.asked_at = core_.services.clock.monotonic();
    if (entry.finishing) co_return Error(ErrorCode::busy, "the file is being checked");
    // A failed first piece leaves no empty entry behind.
    const auto give_up = [&](Error why) {
        if (entry.bytes == 0) entries_.erase(piece.sha256);
        return why;
    };
    if (piece.offset != entry.bytes) {
        co_return give_up(Error(ErrorCode::conflict,
                                fmt::format("the next piece begins at {}", entry.bytes)));
    }
    if (const Status room = has_room(piece, entry); !room) co_return give_up(room.error());
    entry.promised = piece.size;
    if (const Status added = append(piece, entry); !added) co_return give_up(added.error());
    if (entry.bytes < piece.size) co_return shown(piece.sha256, entry);
    co_return co_await finish(std::move(piece.sha256), harmless_name(piece.name));
}

awaitable<Result<std::string>> FileSpool::hash(std::string path) {
    auto opened = core_.services.files.open_below(setup().spool, path);
    if (!opened) co_return opened.error();
    const auto hashes = co_await hash_file(core_, **opened, {});
    if (!hashes) co_return hashes.error();
    co_return hashes->whole;
}

awaitable<Result<SpooledFile>> FileSpool::finish(std::string sha256, std::string name) {
    // Another caller's pieces wait meanwhile; the mark goes whatever happens here.
    struct Mark {
        Entries& entries;
        const std::string& sha256;
        ~Mark() {
            const auto at = entries.find(sha256);
            if (at != entries.end()) at->second.finishing = false;
        }
    };
    const std::uint64_t bytes = entries_[sha256].bytes;
    entries_[sha256].finishing = true;
    const Mark mark{entries_, sha256};
    const auto digest = co_await hash(part_of(sha256));
    if (!digest) co_return digest.error();
    if (*digest != sha256) {
        const Status gone = core_.services.files.remove(part_of(sha256));
        entries_.erase(sha256);
        if (!gone) co_return gone.error();
        co_return Error(ErrorCode::invalid,
                        fmt::format("the bytes have the SHA-256 {}, not {}: the file has changed "
                                    "or was damaged on the way; send it from the beginning",
                                    *digest, sha256));
    }
    const Status made = core_.services.files.make_folders(setup().spool, sha256);
    if (!made) co_return made.error();
    crash_point::pass(CrashPoint::spool_folder_made);
    const std::string target = fmt::format("{}/{}/{}", setup().spool, sha256, name);
    const Status named = co_await core_.services.files.publish(part_of(sha256), target);
    Entry& entry = entries_[sha256];
    if (!named && !core_.services.files.exists(part_of(sha256))) entry.bytes = 0;
    if (!named) co_return named.error();
    crash_point::pass(CrashPoint::spool_published);
    entry.name = name;
    entry.bytes = entry.promised = bytes;
    core_.count("files_received");
    co_return shown(sha256, entry);
}

awaitable<void> FileSpool::run() {
    for (;;) {
        // After the wait: whoever asked before a restart had time to name his file.
        co_await core_.services.clock.sleep_for(setup().tidy_interval);
        if (setup().spool.empty()) continue;
        const Status swept = sweep();
        if (!swept) {
            log::warning("inputs", "files that no job needs could not be removed",
                         {{"error", swept.error().message()}});
        }
    }
}

Result<std::uint64_t> FileSpool::age_ms(const std::string& path) const {
    const auto file = core_.services.files.open_below(setup().spool, path);
    if (!file) return file.error();
    const auto facts = (*file)->facts();
    if (!facts) return facts.error();
    const std::int64_t age =
        to_unix_ms(core_.services.clock.now()) - facts->modified_ns / 1'000'000;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, age));
}

bool FileSpool::is_kept(const std::string& sha256, const Entry& entry) const {
    if (entry.finishing) return true;
    const Millis now = core_.services.clock.monotonic();
    if (entry.asked_at && now - *entry.asked_at < setup().tidy_interval) return true;
    const auto age = age_ms(path_of(sha256, entry));
    const Millis keep = entry.name.empty() ? std::min(setup().keep, part_keep) : setup().keep;
    return !age || *age < static_cast<std::uint64_t>(keep.count());
}

Status FileSpool::drop(const std::string& sha256, const Entry& entry) {
    const Status gone = core_.services.files.remove(path_of(sha256, entry));
    if (!gone) return gone;
    crash_point::pass(CrashPoint::spool_file_removed);
    return entry.name.empty() ? ok()
                              : core_.services.files.remove_folder(setup().spool + "/" + sha256);
}

Status FileSpool::sweep() {
    if (const Status ready = load(); !ready) return ready;
    std::vector<std::string> old;
    for (const auto& [sha256, entry] : entries_) {
        if (!is_kept(sha256, entry)) old.push_back(sha256);
    }
    if (old.empty()) return ok();
    const auto paths =
        core_.services.store.transact([](store::Tx& tx) { return tx.input_paths(); });
    if (!paths) return paths.error();
    const std::set<std::string> named(paths->begin(), paths->end());
    Status worst = ok();
    for (const std::string& sha256 : old) {
        const Entry& entry = entries_.at(sha256);
        if (named.contains(path_of(sha256, entry))) continue;
        if (const Status dropped = drop(sha256, entry); !dropped) {
            worst = dropped;
            continue;
        }
        entries_.erase(sha256);
    }
    return worst;
}

}  // namespace reeld::engine
