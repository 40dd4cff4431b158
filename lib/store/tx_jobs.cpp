// Jobs one by one: insert, read, compare-and-set.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

void save_output(Connection& connection, std::int64_t seq, const Output& output) {
    std::optional<std::int64_t> bytes;
    if (output.bytes) {
        if (*output.bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            throw std::out_of_range("an output's size is beyond 63 bits");
        }
        bytes = static_cast<std::int64_t>(*output.bytes);
    }
    Query query(connection, sql::save_output);
    query.integer(":job_seq", seq)
        .integer(":idx", output.index)
        .text_or_null(":url", output.url)
        .text_or_null(":path", output.path)
        .text_or_null(":content_type", output.content_type)
        .text_or_null(":file_name", output.file_name)
        .integer(":bytes", bytes)
        .text_or_null(":sha256", output.sha256)
        .integer(":stored", output.stored ? 1 : 0)
        .text_or_null(":kind", domain::to_string(output.kind))
        .integer(":inlined", output.inlined ? 1 : 0)
        .run();
}

// The file has it now.
void drop_content(Connection& connection, std::int64_t seq, const Output& output) {
    if (!output.inlined || !output.stored) return;
    Query(connection, sql::delete_content)
        .integer(":job_seq", seq)
        .integer(":idx", output.index)
        .run();
}

// Makes the rows equal to job.outputs, touching only those that differ.
void save_outputs(Connection& connection, const Job& job) {
    const std::vector<Output> before = load_outputs(connection, job.seq);
    if (before == job.outputs) return;
    for (const Output& old : before) {
        const bool kept = std::any_of(job.outputs.begin(), job.outputs.end(),
                                      [&](const Output& o) { return o.index == old.index; });
        if (kept) continue;
        Query(connection, sql::delete_output)
            .integer(":job_seq", job.seq)
            .integer(":idx", old.index)
            .run();
    }
    for (const Output& output : job.outputs) {
        if (std::find(before.begin(), before.end(), output) != before.end()) continue;
        save_output(connection, job.seq, output);
        drop_content(connection, job.seq, output);
    }
}

void insert_labels(Connection& connection, const Job& job) {
    for (const auto& [key, value] : job.request.labels) {
        Query(connection, sql::insert_label)
            .text(":key", key)
            .text(":value", value)
            .integer(":job_seq", job.seq)
            .run();
    }
}

}  // namespace

InsertOutcome Tx::insert_job(Job& job) {
    std::optional<std::int64_t> existing;
    bool same = false;
    {
        Query query(connection_, sql::seq_by_id);
        query.text(":id", job.request.id.str());
        if (query.next()) {
            existing = query.integer("seq");
            same = query.text("content_hash") == domain::content_hash(job.request);
        }
    }
    if (existing) {
        job = load_job(connection_, *existing).value();
        return same ? InsertOutcome::existed : InsertOutcome::conflict;
    }
    if (find_retired(job.request.id)) return InsertOutcome::retired;
    {
        Query query(connection_, sql::insert_job);
        bind_request(query, job);
        bind_progress(query, job);
        query.run();
    }
    job.seq = connection_.database().getLastInsertRowid();
    job.version = 1;
    insert_labels(connection_, job);
    save_outputs(connection_, job);
    return InsertOutcome::inserted;
}

std::optional<Job> Tx::find_job(const JobId& id) {
    const auto seq = seq_of(connection_, id);
    if (!seq) return std::nullopt;
    return load_job(connection_, *seq);
}

bool Tx::update_job(Job& job) {
    {
        Query query(connection_, sql::update_job);
        query.integer(":seq", job.seq).integer(":version", job.version);
        bind_progress(query, job);
        if (query.run() == 0) return false;
    }
    save_outputs(connection_, job);
    ++job.version;
    return true;
}

bool Tx::update_timer(Job& job) {
    Query query(connection_, sql::update_timer);
    query.integer(":seq", job.seq).integer(":version", job.version);
    bind_timer(query, job);
    if (query.run() == 0) return false;
    ++job.version;
    return true;
}

void Tx::save_content(const Job& job, int index, std::string_view bytes) {
    Query(connection_, sql::save_content)
        .integer(":job_seq", job.seq)
        .integer(":idx", index)
        .blob(":content", bytes)
        .run();
}

void Tx::copy_contents(const JobId& from, const Job& to) {
    Query(connection_, sql::copy_contents)
        .text(":from", from.str())
        .integer(":to_seq", to.seq)
        .run();
}

std::optional<std::string> Tx::find_content(const JobId& job, int index) {
    Query query(connection_, sql::content_of_output);
    query.text(":job", job.str()).integer(":idx", index);
    if (!query.next()) return std::nullopt;
    return query.text("content");
}

bool Tx::is_path_free(const std::string& path) {
    Query owner(connection_, sql::path_owner);
    owner.text(":path", path);
    return !owner.next();
}

std::vector<UnstoredFile> Tx::unstored_files() {
    Query query(connection_, sql::unstored_files);
    std::vector<UnstoredFile> files;
    while (query.next()) {
        UnstoredFile file;
        file.job = JobId(query.text("job"));
        file.state = state_of(query.text("state"));
        file.path = query.text("path");
        files.push_back(std::move(file));
    }
    return files;
}

}  // namespace reeld::store
