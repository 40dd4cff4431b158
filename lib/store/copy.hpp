#pragma once
// Copies of databases that go on being written. Each copy works on connections of its own and waits
// where it has to, so it belongs on a thread of its own.
#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace reeld::store {

// Shared with whoever started the copy.
struct CopyWatch {
    std::atomic<bool> stop{false};  // set: the copy ends soon, as `cancelled`
    std::atomic<std::int64_t> pages_done{0};
    std::atomic<std::int64_t> pages_total{0};
    std::atomic<bool> checking{false};  // all pages are copied
};

struct CopyFacts {
    std::uint64_t bytes = 0;
    std::int64_t jobs = 0;
    std::int64_t events = 0;
    std::string sha256;      // of the file
    std::string chain_head;  // hex: the hash of the newest event
};

// The database at `source`, as it is at this moment, as one file without a log beside it. `target`
// must not exist. The copy is whole (integrity check, the same number of rows), not yet flushed.
// It carries a mark (Tx::copied_at). On an error a part of it may be left. Errors: cancelled, disk_full, io, corrupt.
Result<CopyFacts> copy_store(const std::string& source, const std::string& target,
                             Instant made_at, CopyWatch& watch);

// The same of an inbox; the number of its rows.
Result<std::int64_t> copy_inbox(const std::string& source, const std::string& target,
                                CopyWatch& watch);

}  // namespace reeld::store
