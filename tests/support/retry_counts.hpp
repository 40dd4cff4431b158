#pragma once
// How often each retry branch ran in this program, from its begin on.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/retry_branch.hpp"

namespace reeld::test {

using RetryCounts = std::array<std::uint64_t, retry_branch::all.size()>;

void count_retries();  // once, before all else
RetryCounts retries_so_far();

// Prints how often each branch that is shown here ran since `before`; the names of those that did
// not.
std::vector<std::string> report_retries(retry_branch::Shown shown, const RetryCounts& before = {});

// Of the program unit_http: Shown::http. Its tests as a whole show its branches.
bool shows_retries(const std::string& program, retry_branch::Shown shown);

}  // namespace reeld::test
