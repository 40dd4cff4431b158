#pragma once
// The port that every provider implements. Sans-io: requests and answers are values, so a codec is
// tested with literal bytes and knows no socket, clock or store.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "domain/event.hpp"
#include "domain/job.hpp"
#include "provider_api/http_message.hpp"
#include "provider_api/upload.hpp"

namespace reeld::provider_api {

// `[providers.<name>]` of the configuration, without what only the engine needs.
struct ProviderConfig {
    Secret key;                  // may be empty: every call will be refused by the provider
    std::string queue_url;       // fal; empty: the provider's own default
    std::string rest_url;        // fal: uploads, key set
    std::string platform_url;    // fal: request history
    std::string base_url;        // eachlabs
    std::string auth;            // eachlabs: "bearer" or "x-api-key"; empty: the provider's default
    std::string user_id;         // optional: webhooks of other users are refused
};

// One submit, as durable as its row.
struct SubmitIntent {
    JobId job;
    int attempt = 1;
    std::string model;
    std::string input;        // canonical JSON object
    std::string webhook_url;  // empty: polling only
    Token webhook_token;      // the last part of that URL; what a webhook's secret can be made of
    Instant intent_at{};      // for the history: by the provider's clock, as far as that is known
};

// A webhook as it came.
struct Delivery {
    Headers headers;
    std::string body;  // raw bytes
    Token token;       // of the URL that it came to: the submit that it claims to speak of
};

// What a webhook's check found.
enum class Trust {
    verified,   // the provider sent it, in time
    stale,      // correct but old: a hint to poll
    no_key,     // no known key verifies it: fetch the key set once and try again
    forged,     // it breaks a rule; `note` says which
};
struct WebhookReading {
    Trust trust = Trust::forged;
    std::string note;
    RequestId request_id;                 // as the delivery claims
    std::string user_id;                  // as the delivery claims
    std::optional<domain::Event> event;   // what a verified delivery says; nothing: poll to learn
};

// The key set that verifies webhooks; opaque outside the provider.
struct KeySet {
    std::vector<std::string> keys;
};

// One request of the provider's history that may be ours.
struct HistoryItem {
    RequestId request_id;
    std::optional<Instant> sent_at;
    std::string input;         // JSON; empty when the provider did not keep it or does not list it
    std::string model;         // endpoint id; empty when the provider does not tell it
    std::string webhook_url;   // when the provider lists it
    domain::Remote remote;
};
struct HistoryPage {
    std::vector<HistoryItem> items;
    std::string next_cursor;   // empty: this was the last page
    bool inputs_apart = false;  // the list has no inputs: each request is to be looked up
};

struct Limits {
    std::size_t input_bytes = 256 * 1024;
    // Of one answer to the result call. More than the usual where a result may hold files itself.
    std::uint64_t result_bytes = 8 * 1024 * 1024;
};

class Provider {
  public:
    virtual ~Provider() = default;

    virtual std::string_view name() const = 0;
    // True when this provider serves the endpoint id.
    virtual bool serves(std::string_view model) const = 0;
    virtual Limits limits() const = 0;

    // Submit. The event is SubmitAccepted, SubmitRefused, SubmitNotSent or SubmitUnknown.
    virtual Result<HttpRequest> build_submit(const SubmitIntent& intent) const = 0;
    virtual domain::Event read_submit(const SubmitIntent& intent, const Exchange& exchange) const = 0;

    // Status: StatusSeen, RemoteMissing, RemoteCancelled, ResultSeen, ResultFailed or PollFailed.
    virtual Result<HttpRequest> build_status(const std::string& model, const domain::Remote& remote) const = 0;
    virtual domain::Event read_status(const Exchange& exchange) const = 0;

    // The status as server-sent events, while the request is not over; nothing where there are none.
    virtual std::optional<HttpRequest> build_status_stream(const std::string&,
                                                           const domain::Remote&) const {
        return std::nullopt;
    }
    // The data of one event; nothing when it says nothing.
    virtual std::optional<domain::event::StatusSeen> read_stream_event(std::string_view) const {
        return std::nullopt;
    }

    // Result: ResultSeen, ResultFailed, ResultNotReady, RemoteCancelled, RemoteMissing or PollFailed.
    virtual Result<HttpRequest> build_result(const std::string& model, const domain::Remote& remote) const = 0;
    virtual domain::Event read_result(const Exchange& exchange) const = 0;
    // Completes what a result says of its files by what the input (a JSON object) asked for.
    virtual void describe_outputs(const std::string&, std::vector<domain::Output>&) const {}

    // Cancel: CancelAnswered or PollFailed.
    virtual Result<HttpRequest> build_cancel(const std::string& model, const domain::Remote& remote) const = 0;
    virtual domain::Event read_cancel(const Exchange& exchange) const = 0;

    // Request history around the intent, for reconciliation; `cursor` is empty for the first page.
    // Nothing when the provider has no history that can be searched.
    virtual std::optional<HttpRequest> build_history(const SubmitIntent& intent,
                                                     const std::string& cursor) const = 0;
    virtual Result<HistoryPage> read_history(const SubmitIntent& intent,
                                             const Exchange& exchange) const = 0;

    // What the provider keeps of one request: asked for each one of a history that lists no inputs,
    // and before a person's word binds a request to a job. No request to build: it cannot be asked.
    virtual std::optional<HttpRequest> build_lookup(const std::string&, const RequestId&) const {
        return std::nullopt;
    }
    // Nothing inside: the provider does not list it (yet).
    virtual Result<std::optional<HistoryItem>> read_lookup(const std::string&, const RequestId&,
                                                           const Exchange&) const {
        return std::optional<HistoryItem>{};
    }

    // Files of the input. Nothing: this provider stores none.
    virtual std::optional<UploadLimits> upload_limits() const { return std::nullopt; }
    // The one call of an upload that carries the key.
    virtual Result<HttpRequest> build_upload_start(const UploadFile&) const {
        return Error(ErrorCode::unsupported, "this provider stores no files");
    }
    // `now` is by our clock, which lives that the provider tells as a span are counted from.
    virtual UploadStart read_upload_start(const UploadFile&, const Exchange&, Instant) const {
        return domain::Refusal{};
    }
    // The PUT of one part, numbered from 1, without its body.
    virtual Result<HttpRequest> build_upload_part(const UploadTicket&, const UploadFile&,
                                                  int) const {
        return Error(ErrorCode::unsupported, "this provider stores no files");
    }
    virtual UploadedPart read_upload_part(const UploadTicket&, const Exchange&) const {
        return domain::Refusal{};
    }
    // The call that joins the parts, whose etags are in their order; nothing: none is needed.
    virtual std::optional<HttpRequest> build_upload_end(const UploadTicket&,
                                                        const std::vector<std::string>&) const {
        return std::nullopt;
    }
    // Nothing: the file is whole.
    virtual std::optional<domain::Refusal> read_upload_end(const Exchange&) const {
        return std::nullopt;
    }

    // Webhooks. The key set is fetched by the caller and cached for at most 24 h; nothing when the
    // provider signs with no key set.
    virtual std::optional<HttpRequest> build_key_set() const = 0;
    virtual Result<KeySet> read_key_set(const Exchange& exchange) const = 0;
    virtual WebhookReading read_webhook(const Delivery& delivery, const KeySet& keys,
                                        Instant now) const = 0;

    // A cheap authenticated call that tells whether the key is accepted: true, false, or an error
    // when the answer says neither.
    virtual Result<HttpRequest> build_key_check() const = 0;
    virtual Result<bool> read_key_check(const Exchange& exchange) const = 0;

    // True for a URL that may be sent the key: one of the configured hosts.
    virtual bool owns_url(std::string_view url) const = 0;
};

}  // namespace reeld::provider_api
