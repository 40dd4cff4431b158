#pragma once
// The form in which a record outlives its removal.
#include <string>

#include "domain/job.hpp"
#include "store/store.hpp"

namespace reeld::engine {

// One line of JSON with its end: the job with its input and outputs, its attempts, its trail with the
// hashes of the chain, and what evidence there was (kind, time, size; not the bytes).
std::string export_line(store::Tx& tx, const domain::Job& job, Instant now);

// "reeld-2026-11.jsonl": by the month of the removal, so that a file of a past month stays as it is.
std::string export_name(Instant now);

}  // namespace reeld::engine
