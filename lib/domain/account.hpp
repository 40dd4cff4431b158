#pragma once
// The book-keeping of submits: what a word about one of them does to its row and to its job's sums.
#include <cstdint>
#include <span>
#include <string>

#include "domain/job.hpp"

namespace reeld::domain {

// Sets the estimate of one submit aside; the words for the trail, empty when no price is known.
std::string reserve(Job& job);
// Carries the bill into the submit's row and the job's sums. Answers words for the trail, empty
// when nothing moved. A figure of the provider's is never replaced by an estimate.
std::string enter(Job& job, Attempt& attempt, const Bill& bill);
// What the sums of these submits are, as Job and Money hold them.
Money sums_of(std::span<const Attempt> attempts);
std::int64_t cost_of(std::span<const Attempt> attempts);
// Older submits were made before anything was counted.
bool all_counted(std::span<const Attempt> attempts);

}  // namespace reeld::domain
