#pragma once
// Words and shapes that may stand in few places or nowhere.
#include <vector>

#include "lint/source.hpp"

namespace reeld::lint {

// Clocks, randomness and sleeping outside lib/runtime. Rule: "direct".
std::vector<Finding> check_direct_calls(const File& file);
// asio's token that drops exceptions. Rule: "dropped_task".
std::vector<Finding> check_dropped_tasks(const File& file);
// A job's state assigned outside of transition() and of the reading of rows, or the inside of
// transition() included elsewhere. Rule: "state".
std::vector<Finding> check_state(const File& file);
// SQL in a string of lib/ or daemon/. Rule: "sql".
std::vector<Finding> check_sql(const File& file);
// Marks of unfinished work. Rule: "mark".
std::vector<Finding> check_marks(const File& file);
// Paths of one machine. Rule: "machine_path".
std::vector<Finding> check_machine_paths(const File& file);
// More than 300 KiB. Rule: "size".
std::vector<Finding> check_size(const File& file);

}  // namespace reeld::lint
