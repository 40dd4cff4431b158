#include "store/chain.hpp"

#include <vector>

#include "base/crypto.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr std::string_view event_label = "reeld event 1";
constexpr std::string_view evidence_label = "reeld evidence 1";

void append_big_endian(std::string& bytes, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>((value >> shift) & 0xffU));
    }
}

std::string sha256(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.digest();
}

}  // namespace

ColumnDigest& ColumnDigest::null() {
    bytes_.push_back('N');
    return *this;
}

ColumnDigest& ColumnDigest::integer(std::int64_t value) {
    bytes_.push_back('I');
    append_big_endian(bytes_, static_cast<std::uint64_t>(value));
    return *this;
}

ColumnDigest& ColumnDigest::sized(char kind, std::string_view value) {
    bytes_.push_back(kind);
    append_big_endian(bytes_, value.size());
    bytes_ += value;
    return *this;
}

ColumnDigest& ColumnDigest::column(const Query& row, const char* name) {
    switch (row.kind(name)) {
        case Query::Kind::null: return null();
        case Query::Kind::integer: return integer(row.integer(name));
        case Query::Kind::blob: return blob(row.text(name));
        case Query::Kind::text:
        case Query::Kind::real: break;
    }
    return text(row.text(name));
}

std::string ColumnDigest::finish() const { return sha256(bytes_); }

std::string next_hash(std::string_view hash, std::string_view digest) {
    std::string both(hash);
    both += digest;
    return sha256(both);
}

namespace {

ColumnDigest& optional_blob(ColumnDigest& digest, const std::optional<std::string>& bytes) {
    return bytes ? digest.blob(*bytes) : digest.null();
}

ColumnDigest& text_or_null(ColumnDigest& digest, std::string_view text) {
    return text.empty() ? digest.null() : digest.text(text);
}

}  // namespace

std::string event_digest(const AuditEntry& entry, std::string_view patch,
                         const std::optional<std::string>& evidence_hash) {
    ColumnDigest digest(event_label);
    digest.integer(entry.id)
        .text(entry.job.str())
        .integer(entry.number)
        .integer(to_unix_ms(entry.at))
        .text(entry.event);
    text_or_null(digest, entry.from ? domain::to_string(*entry.from) : "");
    digest.text(domain::to_string(entry.to));
    text_or_null(digest, domain::to_string(entry.reason));
    text_or_null(digest, entry.note);
    digest.text(patch);
    return optional_blob(digest, evidence_hash).finish();
}

std::string event_digest(const Query& row, const std::optional<std::string>& evidence_hash) {
    ColumnDigest digest(event_label);
    for (const char* name : {"id", "job", "number", "happened_at", "event", "from_state",
                             "to_state", "reason", "note", "patch"}) {
        digest.column(row, name);
    }
    return optional_blob(digest, evidence_hash).finish();
}

std::optional<std::string> evidence_digest(Connection& connection, std::int64_t id) {
    Query row(connection, sql::evidence_by_id);
    if (!row.integer(":id", id).next()) return std::nullopt;
    ColumnDigest digest(evidence_label);
    for (const char* name :
         {"kind", "job", "attempt", "received_at", "head", "clipped", "body"}) {
        digest.column(row, name);
    }
    return digest.finish();
}

void chain_old_events(Connection& connection) {
    constexpr int page = 500;
    struct Link {
        std::int64_t id;
        std::optional<std::string> evidence_hash;
        std::string hash;
    };
    std::int64_t last = 0;
    std::string hash(hash_bytes, '\0');
    for (bool more = true; more;) {
        std::vector<Link> links;
        {
            Query row(connection, sql::links_after);
            row.integer(":after", last).integer(":limit", page);
            while (row.next()) {
                Link link{row.integer("id"), std::nullopt, {}};
                if (const auto evidence = row.maybe_integer("evidence")) {
                    link.evidence_hash = evidence_digest(connection, *evidence);
                }
                hash = next_hash(hash, event_digest(row, link.evidence_hash));
                link.hash = hash;
                links.push_back(std::move(link));
            }
        }
        for (const Link& link : links) {
            Query query(connection, sql::set_event_hash);
            query.integer(":id", link.id)
                .blob(":hash", std::string_view(link.hash))
                .blob(":evidence_hash", link.evidence_hash)
                .run();
        }
        if (!links.empty()) last = links.back().id;
        more = links.size() == page;
    }
    set_chain_head(connection, last, hash);
}

void set_chain_head(Connection& connection, std::int64_t id, std::string_view hash) {
    Query(connection, sql::set_chain_head).integer(":last_id", id).blob(":hash", hash).run();
}

}  // namespace reeld::store
