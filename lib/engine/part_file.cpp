#include "engine/part_file.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "base/retry_branch.hpp"

namespace reeld::engine {
namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t note_tail_bytes = 64 * 1024;
constexpr std::size_t block_bytes = 256 * 1024;
constexpr std::uint64_t checkpoint_every = 8 * 1024 * 1024;
constexpr std::string_view part_suffix = ".part";
constexpr std::string_view note_suffix = ".json";

}  // namespace

std::string part_path(const std::string& target, const JobId& job) {
    const std::size_t slash = target.rfind('/');
    const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
    const std::string name = target.substr(begin);
    const std::string end = "." + job.str() + std::string(part_suffix);
    const std::size_t room = name_bytes_max - 1 - end.size() - note_suffix.size();
    std::string kept = name;
    if (name.size() > room) {
        // Two outputs of a job differ near the end of their names: the hash keeps them apart.
        const std::string mark = "~" + sha256_hex(name).substr(0, 16);
        kept = std::string(clip_utf8(name, room - mark.size())) + mark;
    }
    return target.substr(0, begin) + "." + kept + end;
}

std::string note_path(const std::string& part) {
    return part + std::string(note_suffix);
}

Result<std::vector<std::string>> remove_stale_parts(
    runtime::FileSystem& files, const std::string& folder,
    const std::function<bool(const std::string& part)>& is_owned) {
    const auto names = files.list(folder);
    if (!names) return names.error();
    std::vector<std::string> removed;
    for (const std::string& name : *names) {
        std::string part = name;
        if (part.ends_with(note_suffix)) part.resize(part.size() - note_suffix.size());
        const bool ours = part.size() > 1 + part_suffix.size() && part.front() == '.' &&
                          part.ends_with(part_suffix);
        if (!ours || is_owned(folder + "/" + part)) continue;
        if (!files.remove(folder + "/" + name)) continue;
        removed.push_back(name);
        crash_point::pass(CrashPoint::sweep_part_removed);
    }
    return removed;
}

PartFile::PartFile(runtime::FileSystem& files, std::string path, std::string url)
    : files_(files), path_(std::move(path)), source_(sha256_hex(url)) {}

awaitable<Status> PartFile::open() {
    auto file = files_.open_append(path_);
    if (!file) co_return file.error();
    file_ = std::move(*file);
    crash_point::pass(CrashPoint::part_opened);
    auto note = read_note();
    if (!note) co_return note.error();
    const auto size = file_->size();
    if (!size) co_return size.error();
    if (*note && (*note)->bytes <= *size) {
        Note found = std::move(**note);
        co_return co_await adopt(std::move(found));
    }
    co_return restart({}, std::nullopt);
}

Result<std::optional<PartFile::Note>> PartFile::read_note() {
    if (!files_.exists(note_path(path_))) return std::optional<Note>{};
    const auto file = files_.open_read(note_path(path_));
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    std::string text(note_tail_bytes, '\0');
    const std::uint64_t from = *size > text.size() ? *size - text.size() : 0;
    const auto got = (*file)->read_at(from, std::span<char>(text.data(), text.size()));
    if (!got) return got.error();
    text.resize(*got);
    // The newest line that is whole counts; a torn one was never finished.
    while (!text.empty()) {
        const std::size_t end = text.rfind('\n');
        if (end == std::string::npos) break;
        text.resize(end);
        const std::size_t begin = text.rfind('\n');
        if (auto note = read_line(text.substr(begin == std::string::npos ? 0 : begin + 1))) {
            return note;
        }
    }
    return std::optional<Note>{};
}

std::optional<PartFile::Note> PartFile::read_line(std::string_view line) {
    const auto value = parse_json(line);
    if (!value || !value->is_object()) return std::nullopt;
    const auto& object = value->get_object();
    const auto bytes = find_int(object, "bytes");
    auto digest = find_string(object, "sha256");
    const auto validator = find_string(object, "validator");
    if (find_string(object, "source") != source_ || !bytes || *bytes <= 0 || !digest ||
        !validator) {
        return std::nullopt;
    }
    validator_ = *validator;
    if (const auto total = find_int(object, "total"); total && *total >= 0) {
        total_ = static_cast<std::uint64_t>(*total);
    }
    return Note{static_cast<std::uint64_t>(*bytes), std::move(*digest)};
}

awaitable<Status> PartFile::adopt(Note note) {
    if (const auto cut = file_->truncate(note.bytes); !cut) co_return cut;
    crash_point::pass(CrashPoint::part_cut_back);
    std::string block(block_bytes, '\0');
    while (bytes_ < note.bytes) {
        const auto want = std::min<std::uint64_t>(block.size(), note.bytes - bytes_);
        const auto got =
            file_->read_at(bytes_, std::span<char>(block.data(), static_cast<std::size_t>(want)));
        if (!got) co_return got.error();
        if (*got == 0) break;
        sha_.update(std::string_view(block.data(), *got));
        bytes_ += *got;
        // Hashing gigabytes must not stall everybody else on the loop.
        co_await runtime::asio::post(runtime::asio::use_awaitable);
    }
    if (bytes_ != note.bytes || sha256() != note.sha256) {
        retry_branch::taken(RetryBranch::fetch_part_distrusted);
        co_return restart({}, std::nullopt);
    }
    noted_ = bytes_;
    co_return ok();
}

Status PartFile::restart(std::string validator, std::optional<std::uint64_t> total) {
    drop_note();
    crash_point::pass(CrashPoint::part_note_dropped);
    if (const auto cut = file_->truncate(0); !cut) return cut;
    crash_point::pass(CrashPoint::part_emptied);
    sha_ = Sha256();
    bytes_ = 0;
    noted_ = 0;
    validator_ = std::move(validator);
    total_ = total;
    return ok();
}

Status PartFile::append(std::string_view bytes) {
    if (const auto written = file_->append(bytes); !written) return written;
    sha_.update(bytes);
    bytes_ += bytes.size();
    crash_point::pass(CrashPoint::part_appended);
    if (bytes_ - noted_ >= checkpoint_every) checkpoint();
    return ok();
}

void PartFile::checkpoint() {
    // Without a validator nothing can be resumed, so there is nothing to vouch for.
    if (!file_ || bytes_ == noted_ || validator_.empty()) return;
    json::object object{{"source", source_},
                        {"validator", validator_},
                        {"bytes", bytes_},
                        {"sha256", sha256()}};
    if (total_) object["total"] = *total_;
    auto note = files_.open_append(note_path(path_));
    // Appended, not rewritten: on a full disk the line before stays good.
    if (!note || !(*note)->append(json::serialize(object) + "\n")) {
        retry_branch::taken(RetryBranch::fetch_not_noted);
        return;
    }
    noted_ = bytes_;
    crash_point::pass(CrashPoint::part_noted);
}

Status PartFile::discard() {
    file_.reset();
    const auto note = files_.remove(note_path(path_));
    crash_point::pass(CrashPoint::part_note_removed);
    const auto part = files_.remove(path_);
    crash_point::pass(CrashPoint::part_discarded);
    return part ? note : part;
}

void PartFile::drop_note() {
    static_cast<void>(files_.remove(note_path(path_)));
}

}  // namespace reeld::engine
