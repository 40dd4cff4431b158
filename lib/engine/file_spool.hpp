#pragma once
// Files that callers of the socket hand over for their jobs: <spool>/<sha256>/<name>, each durable
// and compared with its hash before anybody can name it. What is not whole yet is <spool>/<sha256>.part
// and can be continued, also after a crash.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/core.hpp"
#include "engine/spooled_file.hpp"

namespace reeld::engine {

class FileSpool {
  public:
    explicit FileSpool(Core& core) : core_(core) {}

    // Errors: invalid (no such hash), unsupported (there is no spool), io.
    Result<SpooledFile> find(const std::string& sha256);
    // The next piece; the last one makes the file durable. Errors: invalid (with words), conflict
    // (another offset is due: see find), too_large, disk_full (with words), busy (another caller's
    // last piece is being checked), unsupported, io, refused.
    awaitable<Result<SpooledFile>> put(SpoolPiece piece);
    // Takes away, now and then, what no unfinished job names and nobody has asked for lately.
    awaitable<void> run();
    Status sweep();

  private:
    struct Entry {
        std::string name;  // of a whole file; empty: a part
        std::uint64_t bytes = 0;     // that are there
        std::uint64_t promised = 0;  // of the whole, as far as it is known
        bool finishing = false;
        std::optional<Millis> asked_at;  // on the clock's monotonic(): somebody may name it soon
    };
    using Entries = std::map<std::string, Entry>;

    const InputSetup& setup() const { return core_.config.inputs; }
    std::string part_of(const std::string& sha256) const;
    std::string path_of(const std::string& sha256, const Entry& entry) const;
    SpooledFile shown(const std::string& sha256, const Entry& entry);
    Status load();
    void load_whole(const std::string& sha256);
    Status check(const SpoolPiece& piece) const;
    Status has_room(const SpoolPiece& piece, const Entry& entry) const;
    Status append(const SpoolPiece& piece, Entry& entry);
    awaitable<Result<SpooledFile>> finish(std::string sha256, std::string name);
    awaitable<Result<std::string>> hash(std::string path);
    Result<std::uint64_t> age_ms(const std::string& path) const;
    bool is_kept(const std::string& sha256, const Entry& entry) const;
    Status drop(const std::string& sha256, const Entry& entry);

    Core& core_;
    bool loaded_ = false;
    Entries entries_;
};

bool is_sha256(std::string_view text);
// What may stand in a path: never empty, never hidden, at most 100 of the characters A-Z a-z 0-9 . _ -
std::string harmless_name(std::string_view name);

}  // namespace reeld::engine
