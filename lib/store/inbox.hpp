#pragma once
// inbox.db: the small database that other programs may write. Rollback-journal mode; the daemon
// holds a lock on it for single statements only and never waits long for one.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace reeld::store {

struct InboxRow {
    std::int64_t rowid = 0;
    std::string fingerprint;  // of all that was dropped: a later edit changes it
    // The row as a job object for domain::parse_job; NULL columns are left out. `input` and
    // `labels` are parsed when they are JSON text, else given as the text that stands there.
    json::object job;
};

class Inbox {
  public:
    static Result<std::unique_ptr<Inbox>> open(const std::string& path);
    ~Inbox();

    // Rows without an error, oldest first. A row without an id gets one, durably, before it is
    // returned. `busy` when a foreign transaction holds the file.
    Result<std::vector<InboxRow>> pending(int limit);
    // Deletes the rows that still have that fingerprint; the others are left for the next look.
    Status remove(const std::vector<InboxRow>& rows);
    // Writes `error` into the row if it still has that fingerprint.
    Status reject(const InboxRow& row, const std::string& error);
    // Changes whenever another connection has committed; cheap.
    Result<std::int64_t> data_version();
    std::string path() const;
    // Foreign programs with a lock on it now, for messages; empty when none is seen.
    std::string holders() const;

  private:
    struct State;
    explicit Inbox(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace reeld::store
