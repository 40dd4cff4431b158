#pragma once
// What `reel doctor` concludes from what it has seen; the looking is in doctor.cpp.
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "reel/failure.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

enum class Verdict { ok, warning, failed };

struct Finding {
    Verdict verdict = Verdict::ok;
    std::string check;   // stable snake_case name
    std::string detail;
    std::string remedy;  // empty when nothing is to be done
    Exit exit = Exit::error;  // when failed

    Finding(Verdict v, std::string name, std::string text, std::string cure = {},
            Exit code = Exit::error)
        : verdict(v), check(std::move(name)), detail(std::move(text)), remedy(std::move(cure)),
          exit(code) {}
};

struct Probe {
    bool answered = false;
    int status = 0;
    std::string error;
};

struct Observation {
    std::string socket;
    bool socket_exists = false;
    std::optional<Failure> failure;      // of GET /v1/status
    json::object status;                 // when there was no failure
    std::string date;                    // the answer's Date header
    Instant now{};                       // this side's clock, when the answer came
    std::string version;                 // of reel
    std::optional<Probe> webhook;        // one GET of the public URL, when there is one to try
};

std::vector<Finding> diagnose(const Observation& seen);

// True for a URL that other machines can be asked to call: https and not a private name.
bool is_public_url(std::string_view url);

std::string render_findings(const std::vector<Finding>& findings, const Look& look);
json::object findings_json(const std::vector<Finding>& findings);
// The first failure's.
Exit exit_of(const std::vector<Finding>& findings);

}  // namespace reeld::reel
