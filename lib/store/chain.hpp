#pragma once
// The bytes behind the chain of the trail. Every event carries
//     hash(n) = SHA-256(hash(n - 1) || digest(n)),    hash(0) = 32 zero bytes,
// over all jobs in the order of the ids, which have no gaps. A digest is the SHA-256 of a label and
// the row's columns, each written so that no two rows give the same bytes: "N" for NULL; "I" and
// the integer as 8 bytes, big-endian; "T" or "B", the length as 8 bytes, big-endian, and the bytes
// of a text or blob.
//     event:    "reeld event 1",    id, job's id, number, happened_at, event, from_state, to_state,
//               reason, note, patch, evidence_hash
//     evidence: "reeld evidence 1", kind, job's id, attempt, received_at, head, clipped, body
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/connection.hpp"
#include "store/store.hpp"

namespace reeld::store {

inline constexpr std::size_t hash_bytes = 32;

// SHA-256 over columns.
class ColumnDigest {
  public:
    explicit ColumnDigest(std::string_view label) : bytes_(label) {}
    ColumnDigest& null();
    ColumnDigest& integer(std::int64_t value);
    ColumnDigest& text(std::string_view value) { return sized('T', value); }
    ColumnDigest& blob(std::string_view value) { return sized('B', value); }
    // Of a row of a query, as it is stored.
    ColumnDigest& column(const Query& row, const char* name);
    std::string finish() const;  // 32 bytes

  private:
    ColumnDigest& sized(char kind, std::string_view value);
    std::string bytes_;
};

// hash(n) from hash(n - 1) and digest(n).
std::string next_hash(std::string_view hash, std::string_view digest);

// Of a row with the columns of sql/links_after.sql. `evidence_hash` stands in for the column of the
// same name.
std::string event_digest(const Query& row, const std::optional<std::string>& evidence_hash);
// Of a row that is about to be written.
std::string event_digest(const AuditEntry& entry, std::string_view patch,
                         const std::optional<std::string>& evidence_hash);
// Of a stored piece of evidence; nothing when it is not there.
std::optional<std::string> evidence_digest(Connection& connection, std::int64_t id);

void set_chain_head(Connection& connection, std::int64_t id, std::string_view hash);

// Gives every event its hash and sets the head: what an old trail needs once.
void chain_old_events(Connection& connection);

}  // namespace reeld::store
