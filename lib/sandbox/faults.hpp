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
//   [sandbox:refused]         422 at the submit, nothing is accepted
//   [sandbox:slow]            runs ten times as long
//   [sandbox:two_files]       its result has a picture beside the video
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
    submit_5xx_proxy,  // 500, 502 or 520 as another proxy's page; accepted in one of two cases
    submit_429,        // not accepted; two of three carry Retry-After, in seconds or as a date
    submit_portal,     // not accepted; 200 and the page of a network that wants a login
    submit_redirect,   // not accepted; 302, 307 or 308 to another host
    lost_answer,       // accepted, then the connection drops
    truncated_answer,  // accepted, the body ends early
    slow_answer,       // accepted, the answer takes 5 to 20 s
    answer_no_id,      // accepted; 200 with a body that names no request, in one of two cases with
                       // the id in x-fal-request-id
    answer_odd,        // accepted; text/plain, and every field twice
    answer_foreign_urls,  // accepted; the three URLs point to another host
    // While it waits and runs.
    status_5xx,      // one status answer is a 502 or 500
    status_429,      // one status answer is a 429
    status_portal,   // one status answer is 200 and an HTML page
    status_garbled,  // one status answer is cut, null, or says an unknown word
    status_404,      // the request is unknown for 10 to 60 s
    status_regress,  // one status answer of a running job says IN_QUEUE
    status_early,    // one status answer of a running job says COMPLETED
    status_stale,    // one status answer of a completed job says IN_PROGRESS
    stream_cut,      // the status stream breaks after its first event
    stream_ends,     // the status stream ends in good order while the job runs
    stream_refused,  // the first status stream is a 503
    server_retry,    // the job goes back to the queue once and gets another gateway_request_id
    cancel_ignored,  // a running job takes the cancel and completes all the same
    cancel_lies,     // a waiting job's cancel is answered OK, and it runs all the same
    cancel_5xx,      // one cancel answer is a 502 or 500
    // Its result.
    moderation,      // 422 content_policy_violation
    result_5xx,      // completed with a 500, 503 or 504 result
    result_empty,    // completed without a file
    result_foreign,  // the file's URL is on another host
    result_404,      // the result is unknown for 10 to 60 s
    result_portal,   // one result answer is 200 and an HTML page
    result_garbled,  // one result answer is a piece of JSON
    result_expires,  // kept for 30 to 300 s only
    url_expires,     // the file's URL works for 1 to 10 min; each result answer has a fresh one
    // Its file, for one download each.
    media_truncated,  // the body ends before its Content-Length
    media_corrupt,    // an HTML page, or an MP4 cut with a matching Content-Length
    media_404_once,   // only ever the first download
    media_gone,       // 403, 404 or 410 from the first download on
    media_5xx,        // 503, two of three with Retry-After
    media_redirect,   // 302 to the same file under another address
    media_odd_type,   // the right bytes as text/html
    media_slow,       // 8 KiB a second
    range_ignored,    // 200 with everything instead of 206
    // Its webhook.
    webhook_dropped,    // never sent
    webhook_duplicate,  // sent again after it was accepted
    webhook_late,       // 30 to 120 s after the end
    webhook_early,      // done at once, and sent before the submit's answer
    webhook_forged,     // a delivery with a wrong key, another user's or an altered body beside it
    webhook_payload_error,  // payload null and payload_error set
    webhook_null,           // payload null, and nothing said of it
    webhook_stale,          // signed ten minutes before it is sent, at every try
    webhook_cut,            // the first try lacks its signature or the end of its body
    webhook_swapped,        // once it is accepted, a well-signed one of another request follows
    // The keys that sign webhooks, and the request history.
    key_rotation,   // a new key signs from the end of this job on
    keys_5xx,       // one answer to the question for the keys is a 503
    keys_stale,     // one such answer is the set before the last rotation
    history_5xx,    // one page is a 500, a 429 or an HTML page
    history_blank,  // the request is listed without its input
    history_late,   // the request is listed 5 to 30 min after its submit
    // Of Eachlabs alone.
    submit_402,      // not accepted; the balance is reserved by what is in flight
    legacy_words,    // one answer has the older vocabulary: failed, succeeded, canceled
    output_shape,    // the output is a list or an object
    webhook_legacy,  // of the older shape, with a signature in place of the secret
    // Of uploads. At the start call, which makes nothing but for the last two:
    upload_401,      // the key is not accepted, this once
    upload_429,      // two of three carry Retry-After
    upload_5xx,      // an HTML page or JSON
    upload_garbled,  // cut, empty, or a URL that is none
    upload_lost,     // the connection drops without an answer
    // At a PUT, or the call that joins the parts:
    put_5xx,      // 503, two of three with Retry-After; nothing is stored
    put_reset,    // the connection drops, nothing is stored
    put_expired,  // 403, now and ever after for this upload
    put_lost,     // stored, then the connection drops
    put_slow,     // stored, the answer takes 5 to 20 s
    put_no_etag,  // stored; the answer to a part tells no etag
    upload_gone,  // the file is there for 1 to 10 min only, whatever was said
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::upload_gone) + 1;

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
