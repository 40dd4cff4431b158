#pragma once
// The body of POST /v1/jobs: from bytes to job requests, or to everything that is wrong with them.
#include <string_view>
#include <variant>
#include <vector>

#include "api/problem.hpp"
#include "domain/intake.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"

namespace reeld::api {

inline constexpr std::size_t submission_jobs_max = 1000;

struct Submission {
    std::vector<domain::JobRequest> requests;  // at least one
    std::vector<engine::CheckedFiles> files;   // of each
    bool array = false;                        // the answer has the body's shape
};

// All or nothing: one bad item refuses all, and every item's errors are told at once, those of its
// input and of its files included (engine::check_job). In a dry run a job may have the member
// local_files, see dry_run.hpp.
std::variant<Submission, Problem> read_submission(const http::ServerRequest& request,
                                                  engine::Control& control, Instant now,
                                                  std::string_view configured_providers,
                                                  bool dry_run = false);

}  // namespace reeld::api
