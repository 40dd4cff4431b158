#pragma once
// What must hold of every job at every moment, whatever happened to it. The daemon asks before it
// writes a row, verification and the tests ask afterwards.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/audit_entry.hpp"
#include "domain/job.hpp"

namespace reeld::domain {

struct Violation {
    std::string_view name;  // stable, snake_case
    std::string what;       // one sentence, without the job's id
    friend bool operator==(const Violation&, const Violation&) = default;
};
using Violations = std::vector<Violation>;

// State and fields of one row.
Violations check_row(const Job& job);
// One change of a row.
Violations check_step(const Job& before, const Job& after);
// The row against its submits, oldest first.
Violations check_attempts(const Job& job, std::span<const Attempt> attempts);
// The row and its submits against its whole trail.
Violations check_trail(const Job& job, std::span<const Attempt> attempts,
                       std::span<const AuditEntry> trail);

// A job that only fetches what an earlier one paid for submits nothing itself.
bool only_fetches(const Job& job);

}  // namespace reeld::domain
