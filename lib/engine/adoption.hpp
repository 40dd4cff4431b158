#pragma once
// A person names the request of a job whose submit's outcome is not known, or whose request has
// vanished.
#include "engine/job_writer.hpp"

namespace reeld::engine {

// Asks the provider for the request before it is bound, so that a slip of the pen binds nothing.
// What was written; the caller makes it durable and follows the effects. Nothing is written for a
// job that follows this very request already. Errors as Control::adopt.
awaitable<Result<std::vector<Written>>> adopt_request(Core& core, JobId id, RequestId request,
                                                      Person person);

// Proof that a person asked for something: {"action":…,"uid":…} and what belongs to it.
store::Evidence person_evidence(const domain::Job& job, const Person& person, std::string action,
                                json::object more, Instant now);

}  // namespace reeld::engine
