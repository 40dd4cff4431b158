// Files at the providers, and the local ones that jobs wait for.
#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

#include "base/json.hpp"
#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/sqlite_error.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

constexpr Millis day{24 * 3'600'000};
constexpr Millis kept_after_expiry = day;
constexpr Millis kept_unfinished = 7 * day;

std::vector<std::string> etags_of(const std::string& text) {
    const auto value = parse_json(text);
    const auto* array = value ? value->if_array() : nullptr;
    std::vector<std::string> etags;
    if (array == nullptr) throw CorruptRow("column etags holds no list");
    for (const json::value& one : *array) {
        const auto* etag = one.if_string();
        if (etag == nullptr) throw CorruptRow("column etags holds more than texts");
        etags.emplace_back(*etag);
    }
    return etags;
}

std::string etags_text(const std::vector<std::string>& etags) {
    json::array array;
    for (const std::string& etag : etags) array.emplace_back(etag);
    return canonical_json(array);
}

StoredUpload read_upload(const Query& row) {
    StoredUpload upload;
    upload.provider = row.text("provider");
    upload.sha256 = row.text("sha256");
    upload.content_type = row.text("content_type");
    upload.name = row.text("name");
    upload.bytes = static_cast<std::uint64_t>(row.integer("bytes"));
    upload.file_url = row.text("file_url");
    upload.uploaded_at = row.maybe_time("uploaded_at");
    upload.expires_at = row.maybe_time("expires_at");
    upload.ticket = row.text("ticket");
    if (!upload.ticket.empty()) upload.etags = etags_of(row.text("etags"));
    upload.started_at = row.maybe_time("started_at");
    return upload;
}

// Never before the one that is on its way can be given up.
std::optional<Instant> prune_time(const StoredUpload& upload) {
    std::optional<Instant> at;
    const bool living = !upload.file_url.empty();
    if (living && !upload.expires_at) return std::nullopt;
    if (living) at = *upload.expires_at + kept_after_expiry;
    if (upload.started_at) {
        at = std::max(at.value_or(Instant{}), *upload.started_at + kept_unfinished);
    }
    return at;
}

}  // namespace

std::optional<StoredUpload> Tx::find_upload(std::string_view provider, std::string_view sha256,
                                            std::string_view content_type) {
    Query row(connection_, sql::upload_by_key);
    row.text(":provider", provider).text(":sha256", sha256).text(":content_type", content_type);
    if (!row.next()) return std::nullopt;
    return read_upload(row);
}

void Tx::save_upload(const StoredUpload& upload) {
    if (upload.file_url.empty() && upload.ticket.empty()) {
        Query(connection_, sql::delete_upload)
            .text(":provider", upload.provider)
            .text(":sha256", upload.sha256)
            .text(":content_type", upload.content_type)
            .run();
        return;
    }
    if (upload.bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw std::out_of_range("a file's size is beyond 63 bits");
    }
    const bool on_its_way = !upload.ticket.empty();
    Query(connection_, sql::save_upload)
        .text(":provider", upload.provider)
        .text(":sha256", upload.sha256)
        .text(":content_type", upload.content_type)
        .text(":name", upload.name)
        .integer(":bytes", static_cast<std::int64_t>(upload.bytes))
        .text_or_null(":file_url", upload.file_url)
        .time(":uploaded_at", upload.uploaded_at)
        .time(":expires_at", upload.expires_at)
        .text_or_null(":ticket", upload.ticket)
        .text_or_null(":etags", on_its_way ? etags_text(upload.etags) : std::string())
        .time(":started_at", on_its_way ? upload.started_at : std::nullopt)
        .time(":prune_at", prune_time(upload))
        .run();
}

int Tx::prune_uploads(Instant now) {
    return Query(connection_, sql::prune_uploads).time(":now", now).run();
}

std::vector<std::string> Tx::input_paths() {
    std::set<std::string> paths;
    Query row(connection_, sql::files_in_use);
    while (row.next()) {
        for (domain::InputFile& file : files_of(row.text("files"))) {
            paths.insert(std::move(file.path));
        }
    }
    return {paths.begin(), paths.end()};
}

std::vector<Job> Tx::ready_jobs(std::string_view provider, Instant now, int limit) {
    Query query(connection_, sql::ready_jobs);
    query.text(":provider", provider).time(":now", now).integer(":limit", limit);
    return load_jobs(connection_, read_seqs(query));
}

std::vector<Job> Tx::jobs_to_upload(std::string_view provider, Instant now, int limit) {
    Query query(connection_, sql::jobs_to_upload);
    query.text(":provider", provider).time(":now", now).integer(":limit", limit);
    return load_jobs(connection_, read_seqs(query));
}

std::int64_t Tx::count_uploading(std::string_view provider) {
    Query query(connection_, sql::count_uploading);
    query.text(":provider", provider);
    query.next();
    return query.first_integer();
}

std::vector<Job> Tx::uploading_jobs(std::string_view provider) {
    Query query(connection_, sql::uploading_jobs);
    query.text(":provider", provider);
    return load_jobs(connection_, read_seqs(query));
}

}  // namespace reeld::store
