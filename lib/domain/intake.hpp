#pragma once
// From what a submitter wrote to a JobRequest: one validation for every way in.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "domain/job.hpp"

namespace reeld::domain {

// What is wrong with which field, and what would be right.
struct FieldError {
    std::string field;    // "input", "labels.scene", "not_before"
    std::string message;
    friend bool operator==(const FieldError&, const FieldError&) = default;
};

using Intake = std::variant<JobRequest, std::vector<FieldError>>;

struct IntakeLimits {
    std::size_t input_bytes = 256 * 1024;
    std::size_t label_count = 32;
    int max_attempts = 100;
};

// true and 1, false and 0; nothing for anything else.
std::optional<bool> truth_of(const json::value& value);

// A job object as the socket takes it. All errors at once, unknown members included (with the
// nearest known name); reads `not_before` and `deadline` as RFC 3339 text or Unix milliseconds.
Intake parse_job(const json::value& value, Instant now, const IntakeLimits& limits = {});

}  // namespace reeld::domain
