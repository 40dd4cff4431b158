#pragma once
// Jobs as text, from the JSON that the socket answers. No fetching here.
#include <string>
#include <vector>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

std::string state_symbol(std::string_view state);
Colour state_colour(std::string_view state);
// The member by which `watch` adds the newest line of a job's log to what the daemon told of it.
inline constexpr std::string_view newest_log = "newest_log";

bool is_over(std::string_view state);  // completed, failed, cancelled

// The text member, cleaned; "" when absent or null.
std::string member(const json::object& object, std::string_view key);

// On a terminal a table with shortened ids; else id, state, reason, model, batch, created_at,
// progress, cost_usd and path, tab-separated.
std::string render_list(const std::vector<json::object>& jobs, const Look& look);
// Everything of one job.
std::string render_job(const json::object& job, const Look& look);
// The audit trail of one job.
std::string render_logs(const json::array& logs, const Look& look);
std::string render_events(const json::array& events, const Look& look);
// id, state, reason, path: one line a job.
std::string render_outcome(const json::object& job);

// The live table: at most the terminal's height, jobs that are not over first.
std::vector<std::string> render_live(const std::vector<json::object>& jobs, const Look& look);
// "[#####.....]  50%", or "3rd in line" while it is queued there.
std::string render_progress(const json::object& job);

// Each id cut to the shortest beginning that tells it from the others, at least 8 characters.
std::vector<std::string> short_ids(const std::vector<json::object>& jobs);

}  // namespace reeld::reel
