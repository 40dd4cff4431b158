#pragma once
// The provider simulator without any socket, clock or thread: requests and the time go in, answers
// and webhook deliveries come out, and the same calls with the same seed give the same bytes.
//
// It speaks Eachlabs' protocol below /v1/prediction, /v1/executions, /v1/webhooks, /v1/model,
// /v1/upload and /uploads, and fal's on the same origin:
//   POST /{endpoint id}                           submit; ?fal_webhook= &fal_max_queue_length=
//   GET  /{app root}/requests/{id}[/response]     result
//   GET  /{app root}/requests/{id}/status[/stream]
//   PUT  /{app root}/requests/{id}/cancel
//   POST /fal.run/{endpoint id}                   the direct call: its answer is the result
//   /storage/…, /files/…                          uploads and outputs
//   /v1/models/requests/by-endpoint, /v1/models/pricing, /v1/meta
//   /.well-known/jwks.json                        the keys that sign webhooks
// A request with x-fal-target-url is answered as if it had been sent to that URL.
//
// Its own calls, without a key:
//   GET  /_sandbox/health
//   GET  /_sandbox/ledger    {"posts": n, "billed": n, "billed_usd": x, "faults": {name: times},
//                             "accepted": [{request_id, gateway_request_id, endpoint, input, post,
//                             accepted_at, webhook, state, status_code, finished_at,
//                             cancel_requested, downloads, billed, cost_usd}]}
//                            every accepted submit exactly once, oldest first
//   GET  /_sandbox/uploads   {"uploads": [{id, name, content_type, bytes, sha256, complete, refused,
//                             calls, stored, parts, started_at, expires_at}]}, oldest first
//   GET  /_sandbox/control   the settings
//   POST /_sandbox/control   changes some: {"locked": bool, "lock_reason": text, "concurrency": n,
//                             "speed": x, "strict_paths": bool, "hide_unfinished": bool,
//                             "history_delay_ms": n, "history_page": n, "requests_per_minute": n,
//                             "webhook_patient": bool, "rotate_keys": true, "key": text,
//                             "in_flight_max": n, "bare_401": bool, "upload_life_ms": n,
//                             "faults": {name: probability}}
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/answer.hpp"
#include "sandbox/options.hpp"
#include "sandbox/status.hpp"
#include "sandbox/webhooks.hpp"

namespace reeld::sandbox {

class Service {
  public:
    explicit Service(Options options);
    ~Service();

    // `request.url` is absolute (its origin is not looked at) or a target: path and query.
    Answer handle(const HttpRequest& request, Instant now);
    // Goes on with an answer's `stream`.
    StreamStep stream(StatusStream& state, Instant now);

    // The webhooks to POST now. Each outcome is reported with delivered(): the status, or nothing
    // when no answer came within the delivery's timeout.
    std::vector<WebhookDelivery> due(Instant now);
    void delivered(std::uint64_t id, std::optional<int> status, Instant now);
    // When due() may have something new; nothing while only requests can change that.
    std::optional<Instant> next_due() const;

    json::object ledger() const;
    json::object uploads() const;
    // The bytes that a request made, whatever its downloads say; empty when there are none.
    std::string file_of(const std::string& request_id, std::string_view name) const;
    // Calls `diary` with one line for each thing that happens here.
    void tell(std::function<void(Instant, const std::string&)> diary);
    const Options& options() const;
    // For a server that learns its port late. URLs given out before keep the old base.
    void set_public_url(std::string url);

  private:
    std::unique_ptr<World> world_;
};

}  // namespace reeld::sandbox
