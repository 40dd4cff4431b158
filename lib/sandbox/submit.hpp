#pragma once
// The submit call, the one that costs money.
#include "sandbox/world.hpp"

namespace reeld::sandbox {

Answer submit(World& world, const Call& call, const std::string& endpoint);
// Past the queue: the answer is the result and takes as long as that does.
Answer run_directly(World& world, const Call& call, const std::string& endpoint);

// Takes in the job that the caller pays for.
Job& enter(World& world, Job job, Instant now);
// Lets the job's webhook overtake the answer to its submit, if that strikes.
void overtake(World& world, Job& job, Answer& answer, Instant now);

// Counts a submit; when the account may make another one, if this one is too many for a minute.
std::optional<Instant> rate_opens_at(World& world, Instant now);
// Says so in Retry-After, in seconds or as a date.
void hint_time(const World& world, Answer& answer, std::uint64_t post, Instant again, Instant now);

// The three URLs that belong to a job, and its id.
json::object describe(const World& world, const Job& job);

}  // namespace reeld::sandbox
