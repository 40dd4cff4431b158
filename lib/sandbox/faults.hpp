#pragma once
// The misbehaviour the sandbox can be told to show, each kind with a probability from 0 to 1.
//
// A faults file is a JSON object of names and probabilities, everything left out being 0:
//   {"lost_answer": 0.05, "submit_429": 0.1, "webhook_dropped": 0.2, "media_truncated": 0.1}
//
// A prompt can steer one job: "[sandbox:NAME]" with the name of a fault makes it happen once for
// that job, whatever its probability: to the first POST of that very input, to the first poll, to
// the first download of its file. These names force an outcome instead:
//   [sandbox:content_policy]  422 content_policy_violation
//   [sandbox:500] [sandbox:503] [sandbox:504]   that status as the job's result
//   [sandbox:slow]            runs ten times as long
//   [sandbox:html]            its file is always an HTML page
//   [sandbox:cut]             its file is always a cut MP4 of consistent length
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace reeld::sandbox {

enum class Fault {
    // At the submit; at most one of these hits a POST.
    lost_request,      // the connection drops before anything is accepted
    submit_5xx_nginx,  // 502, 503, 504 as an HTML page without x-fal-request-id; a 502 or 504 has
                       // been accepted behind the proxy in one of four cases, a 503 never
    submit_5xx_json,   // 500 or 503 with x-fal-request-id; accepted in one of two cases
    submit_429,        // not accepted; every other one carries Retry-After
    lost_answer,       // accepted, then the connection drops
    truncated_answer,  // accepted, the body ends early
    slow_answer,       // accepted, the answer takes 5 to 20 s
    // While it waits and runs.
    status_5xx,      // one status answer is a 502 or 500
    status_regress,  // one status answer of a running job says IN_QUEUE
    stream_cut,      // the status stream breaks after its first event
    server_retry,    // the job goes back to the queue once and gets another gateway_request_id
    cancel_ignored,  // a running job takes the cancel and completes all the same
    // Its result.
    moderation,  // 422 content_policy_violation
    result_5xx,  // completed with a 500, 503 or 504 result
    // Its file, for one download each.
    media_truncated,  // the body ends before its Content-Length
    media_corrupt,    // an HTML page, or an MP4 cut with a matching Content-Length
    media_404_once,   // only ever the first download
    media_slow,       // 8 KiB a second
    range_ignored,    // 200 with everything instead of 206
    // Its webhook.
    webhook_dropped,    // never sent
    webhook_duplicate,  // sent again after it was accepted
    webhook_late,       // 30 to 120 s after the end
    webhook_early,      // done at once, and sent before the submit's answer
    webhook_forged,     // a delivery with a wrong key, another user's or an altered body beside it
    webhook_payload_error,  // payload null and payload_error set
};
inline constexpr std::size_t fault_count = 25;

std::string_view to_string(Fault fault);
std::optional<Fault> parse_fault(std::string_view name);

class Faults {
  public:
    double operator[](Fault fault) const { return odds_[static_cast<std::size_t>(fault)]; }
    double& operator[](Fault fault) { return odds_[static_cast<std::size_t>(fault)]; }

  private:
    std::array<double, fault_count> odds_{};
};

// Changes the named ones; an unknown name or a number outside 0 to 1 is an error that names it.
Status read_faults(const json::object& object, Faults& faults);
Result<Faults> parse_faults(std::string_view text);
json::object to_json(const Faults& faults);

// The names in "[sandbox:NAME]" marks of a prompt.
std::set<std::string> read_marks(std::string_view prompt);

}  // namespace reeld::sandbox
