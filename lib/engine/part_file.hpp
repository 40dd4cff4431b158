#pragma once
// The file that a download grows in: `.NAME.JOB.part` beside its target, with a small note
// `.NAME.JOB.part.json`: one JSON line per checkpoint says how far the part can be trusted and
// which server's file it is.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "runtime/file_system.hpp"

namespace reeld::engine {

template <class T>
using awaitable = runtime::awaitable<T>;

// The part's path for a target, unique for the job; every name stays within 255 bytes.
std::string part_path(const std::string& target, const JobId& job);
std::string note_path(const std::string& part);

// Removes parts and notes in `folder` whose part nobody owns; answers the names removed.
// `is_owned` is asked with the part's full path.
Result<std::vector<std::string>> remove_stale_parts(
    runtime::FileSystem& files, const std::string& folder,
    const std::function<bool(const std::string& part)>& is_owned);

class PartFile {
  public:
    PartFile(runtime::FileSystem& files, std::string path, std::string url);

    // Opens or makes the part and hashes what is there of an earlier try. What the note does not
    // vouch for is cut off; a note of another URL vouches for nothing.
    awaitable<Status> open();

    std::uint64_t bytes() const { return bytes_; }
    const std::string& validator() const { return validator_; }
    // The whole file's size, as the server told when the part began.
    std::optional<std::uint64_t> total() const { return total_; }

    // Back to nothing, for the file that this head announces.
    Status restart(std::string validator, std::optional<std::uint64_t> total);
    Status append(std::string_view bytes);
    // Makes the note vouch for all bytes so far. A note that cannot be written costs a restart.
    void checkpoint();
    // Of all bytes so far.
    std::string sha256() const { return sha_.hex_so_far(); }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const {
        return file_->read_at(offset, out);
    }
    // Removes part and note.
    Status discard();
    void drop_note();

  private:
    struct Note {
        std::uint64_t bytes = 0;
        std::string sha256;  // of those bytes
    };
    Result<std::optional<Note>> read_note();
    std::optional<Note> read_line(std::string_view line);
    awaitable<Status> adopt(Note note);

    runtime::FileSystem& files_;
    std::string path_;
    std::string source_;  // the URL's fingerprint: the URL may be signed
    std::unique_ptr<runtime::File> file_;
    std::string validator_;
    std::optional<std::uint64_t> total_;
    std::uint64_t bytes_ = 0;
    std::uint64_t noted_ = 0;
    Sha256 sha_;
};

}  // namespace reeld::engine
