#pragma once
// Domain values from rows and into parameters.
#include <optional>
#include <string>

#include "domain/job.hpp"
#include "store/connection.hpp"
#include "store/store.hpp"

namespace reeld::store {

State state_of(const std::string& text);
Reason reason_of(const std::string& text);  // "" is none
json::object object_of(const std::string& text, const char* column);
std::vector<domain::InputFile> files_of(const std::string& text);  // column files
std::string labels_text(const std::map<std::string, std::string>& labels);

Job read_job(const Query& row);             // without its outputs
Output read_output(const Query& row);
Attempt read_attempt(const Query& row);

// Every parameter of a job that update_job and insert_job share.
void bind_progress(Query& query, const Job& job);
void bind_request(Query& query, const Job& job);
void bind_remote(Query& query, const std::optional<domain::Remote>& remote);
void bind_timer(Query& query, const Job& job);

// Whole jobs with outputs, in the order of `seqs`.
std::optional<Job> load_job(Connection& connection, std::int64_t seq);
std::vector<Job> load_jobs(Connection& connection, const std::vector<std::int64_t>& seqs);
std::vector<Output> load_outputs(Connection& connection, std::int64_t seq);
std::optional<std::int64_t> seq_of(Connection& connection, const JobId& id);
// The first column of every row.
std::vector<std::int64_t> read_seqs(Query& query);

}  // namespace reeld::store
