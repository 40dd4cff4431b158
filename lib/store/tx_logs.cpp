// The provider's log lines of each job: the newest ones, each once.
#include <algorithm>

#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

StoredLog read_log(const Query& row) {
    StoredLog log;
    log.id = row.integer("id");
    log.job = JobId(row.text("job"));
    log.attempt = row.small("attempt");
    log.line.at = row.maybe_time("logged_at");
    log.line.level = row.text("level");
    log.line.source = row.text("source");
    log.line.message = row.text("message");
    return log;
}

// Those of `lines` that are not among `known`, which may hold the same line more than once.
std::vector<domain::LogLine> news_in(const std::vector<domain::LogLine>& lines,
                                     std::vector<domain::LogLine> known) {
    std::vector<domain::LogLine> fresh;
    // Both lists end with the newest, and only so many are kept: what is older is not news.
    const std::size_t skipped = lines.size() - std::min(lines.size(), domain::log_lines_max);
    for (std::size_t i = skipped; i < lines.size(); ++i) {
        const auto at = std::find(known.begin(), known.end(), lines[i]);
        if (at == known.end()) {
            fresh.push_back(lines[i]);
        } else {
            known.erase(at);
        }
    }
    return fresh;
}

}  // namespace

std::vector<StoredLog> Tx::logs(const JobId& job) {
    Query query(connection_, sql::logs_of_job);
    query.text(":job", job.str())
        .integer(":limit", static_cast<std::int64_t>(domain::log_lines_max));
    std::vector<StoredLog> logs;
    while (query.next()) logs.push_back(read_log(query));
    std::reverse(logs.begin(), logs.end());
    return logs;
}

std::vector<StoredLog> Tx::logs_after(std::int64_t id, int limit) {
    Query query(connection_, sql::logs_after);
    query.integer(":id", id).integer(":limit", limit);
    std::vector<StoredLog> logs;
    while (query.next()) logs.push_back(read_log(query));
    return logs;
}

std::int64_t Tx::last_log_id() {
    Query query(connection_, sql::last_log_id);
    return query.next() ? query.first_integer() : 0;
}

LogsAdded Tx::add_logs(const Job& job, const std::vector<domain::LogLine>& lines) {
    const std::vector<StoredLog> before = logs(job.request.id);
    std::vector<domain::LogLine> known;
    for (const StoredLog& log : before) {
        if (log.attempt == job.attempt) known.push_back(log.line);
    }
    LogsAdded added;
    added.first = known.empty();
    for (const domain::LogLine& line : news_in(lines, std::move(known))) {
        Query(connection_, sql::insert_log)
            .integer(":job_seq", job.seq)
            .integer(":attempt", job.attempt)
            .time(":logged_at", line.at)
            .text_or_null(":level", line.level)
            .text_or_null(":source", line.source)
            .text(":message", line.message)
            .run();
        ++added.lines;
    }
    const std::size_t all = before.size() + added.lines;
    if (all <= domain::log_lines_max || before.empty()) return added;
    const std::size_t excess = std::min(all - domain::log_lines_max, before.size());
    Query(connection_, sql::delete_old_logs)
        .integer(":job_seq", job.seq)
        .integer(":id", before[excess - 1].id)
        .run();
    return added;
}

}  // namespace reeld::store
