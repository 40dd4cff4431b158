// Sets of jobs: listings, counts and what is to be done next.
#include <algorithm>
#include <functional>
#include <limits>

#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

// Above every byte that an id may hold, so [prefix, above) is the range of the prefix.
std::string above(std::string_view prefix) { return std::string(prefix) + '\x7f'; }

// The narrowest condition drives: its query walks an index, the others filter.
std::string_view driving_query(const JobFilter& filter) {
    if (!filter.labels.empty()) return sql::list_by_label;
    if (!filter.batch.empty()) return sql::list_by_batch;
    if (!filter.id_prefix.empty()) return sql::list_by_prefix;
    if (!filter.model.empty()) return sql::list_by_model;
    if (!filter.states.empty()) return sql::list_by_state;
    return sql::list_all;
}

// Those whose index needs the state, to keep the rows in order of age.
bool needs_state(std::string_view query) {
    return query == sql::list_by_batch || query == sql::list_by_model ||
           query == sql::list_by_state;
}

std::vector<std::int64_t> list_seqs(Connection& connection, std::string_view sql_text,
                                    const JobFilter& filter, std::optional<State> state) {
    const std::int64_t before =
        filter.before_seq > 0 ? filter.before_seq : std::numeric_limits<std::int64_t>::max();
    Query query(connection, sql_text);
    query.integer(":before", before).integer(":limit", std::max(filter.limit, 0));
    if (sql_text == sql::list_by_label) {
        const auto& [key, value] = *filter.labels.begin();
        query.text(":key", key).text(":value", value);
        if (filter.labels.size() > 1) query.text(":labels", labels_text(filter.labels));
    } else if (!filter.labels.empty()) {
        query.text(":labels", labels_text(filter.labels));
    }
    if (sql_text != sql::list_all && state) query.text(":state", domain::to_string(*state));
    query.text_or_null(":batch", filter.batch).text_or_null(":model", filter.model);
    if (!filter.id_prefix.empty()) {
        query.text(":prefix", filter.id_prefix).text(":above", above(filter.id_prefix));
    }
    return read_seqs(query);
}

}  // namespace

std::vector<Job> Tx::list_jobs(const JobFilter& filter) {
    const std::string_view query = driving_query(filter);
    std::vector<std::optional<State>> states(filter.states.begin(), filter.states.end());
    if (states.empty() && needs_state(query)) {
        states.assign(domain::all_states.begin(), domain::all_states.end());
    }
    if (states.empty()) states.push_back(std::nullopt);
    std::vector<std::int64_t> seqs;
    for (const auto& state : states) {
        const auto some = list_seqs(connection_, query, filter, state);
        seqs.insert(seqs.end(), some.begin(), some.end());
    }
    std::sort(seqs.begin(), seqs.end(), std::greater<>());
    seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
    if (seqs.size() > static_cast<std::size_t>(std::max(filter.limit, 0))) {
        seqs.resize(static_cast<std::size_t>(std::max(filter.limit, 0)));
    }
    return load_jobs(connection_, seqs);
}

std::vector<JobId> Tx::find_ids(std::string_view prefix, int limit) {
    Query query(connection_, sql::ids_by_prefix);
    query.text(":prefix", prefix).text(":above", above(prefix)).integer(":limit", limit);
    std::vector<JobId> ids;
    while (query.next()) ids.emplace_back(query.text("id"));
    return ids;
}

std::optional<Job> Tx::find_retry_of(const JobId& id) {
    std::vector<std::int64_t> seqs;
    {
        Query query(connection_, sql::retry_of_job);
        query.text(":id", id.str());
        seqs = read_seqs(query);
    }
    if (seqs.empty()) return std::nullopt;
    return load_job(connection_, seqs.front());
}

std::map<State, std::int64_t> Tx::count_by_state() {
    Query query(connection_, sql::count_by_state);
    std::map<State, std::int64_t> counts;
    while (query.next()) counts[state_of(query.text("state"))] = query.integer("jobs");
    return counts;
}

std::int64_t Tx::count_in_hand(std::string_view provider) {
    Query query(connection_, sql::count_in_hand);
    query.text(":provider", provider).next();
    return query.first_integer();
}

std::int64_t Tx::count_queued(std::string_view provider) {
    Query query(connection_, sql::count_queued);
    query.text(":provider", provider).next();
    return query.first_integer();
}

std::vector<Job> Tx::due_jobs(Instant now, int limit) {
    Query query(connection_, sql::due_jobs);
    query.time(":now", now).integer(":limit", limit);
    return load_jobs(connection_, read_seqs(query));
}

void Tx::move_waits(Millis by) {
    Query(connection_, sql::move_waits).integer(":by", by.count()).run();
}

std::optional<Instant> Tx::next_due() {
    Query query(connection_, sql::next_due);
    query.next();
    return query.maybe_time("due_at");
}

std::vector<Job> Tx::queued_jobs(std::string_view provider, int limit) {
    Query query(connection_, sql::queued_jobs);
    query.text(":provider", provider).integer(":limit", limit);
    return load_jobs(connection_, read_seqs(query));
}

std::vector<Job> Tx::jobs_in_state(State state, int limit) {
    Query query(connection_, sql::jobs_in_state);
    query.text(":state", domain::to_string(state)).integer(":limit", limit);
    return load_jobs(connection_, read_seqs(query));
}

std::vector<Job> Tx::held_jobs(std::string_view provider, Reason reason, int limit) {
    Query query(connection_, sql::held_jobs);
    query.text(":provider", provider)
        .text_or_null(":reason", domain::to_string(reason))
        .integer(":limit", limit);
    return load_jobs(connection_, read_seqs(query));
}

}  // namespace reeld::store
