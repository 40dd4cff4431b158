#pragma once
// Reads of the store that answers are made of. All of them are plain: the caller awaits the
// engine's read_barrier() before it shows what they found.
#include <string>
#include <variant>
#include <vector>

#include "api/problem.hpp"
#include "base/ids.hpp"
#include "engine/control.hpp"
#include "store/store.hpp"

namespace reeld::api {

template <class T>
using Answer = std::variant<T, Problem>;

// The id itself, or the one job whose id begins with `text`. Problems: not_found, ambiguous.
Answer<JobId> resolve_id(engine::Control& control, const std::string& text);

Answer<json::value> read_list(engine::Control& control, const store::JobFilter& filter);
Answer<json::value> read_job(engine::Control& control, const std::string& id);
Answer<json::value> read_events(engine::Control& control, const std::string& id);
Answer<json::value> read_logs(engine::Control& control, const std::string& id);
Answer<json::value> read_attempts(engine::Control& control, const std::string& id);

}  // namespace reeld::api
