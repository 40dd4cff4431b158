#include "providers/fal/submit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "provider_api/refusal.hpp"
#include "provider_api/retry_after.hpp"
#include "providers/fal/endpoint_id.hpp"
#include "providers/fal/failure.hpp"

namespace reeld::providers::fal {
namespace {

using domain::Reason;
using domain::RefusalKind;
using provider_api::SubmitIntent;

constexpr std::size_t url_max = 2048;

void take_url(const json::object& answer, std::string_view name, std::string& url) {
    auto given = find_string(answer, name);
    if (given && given->size() <= url_max && parse_url(*given)) url = std::move(*given);
}

std::optional<domain::event::SubmitAccepted> read_accepted(const Hosts& hosts,
                                                           const SubmitIntent& intent,
                                                           std::string_view body) {
    const auto value = parse_json(body);
    const auto* answer = value ? value->if_object() : nullptr;
    if (answer == nullptr) return std::nullopt;
    auto id = find_string(*answer, "request_id");
    if (!id || !is_request_id(*id)) return std::nullopt;
    domain::event::SubmitAccepted accepted;
    accepted.remote = make_remote(hosts, intent.model, std::move(*id));
    take_url(*answer, "status_url", accepted.remote.status_url);
    take_url(*answer, "response_url", accepted.remote.response_url);
    take_url(*answer, "cancel_url", accepted.remote.cancel_url);
    accepted.queue_position = find_int(*answer, "queue_position");
    if (accepted.queue_position < 0) accepted.queue_position.reset();
    return accepted;
}

domain::event::SubmitUnknown unknown(Reason reason, domain::ErrorInfo error) {
    domain::event::SubmitUnknown event;
    event.reason = reason;
    event.error = std::move(error);
    return event;
}

// An answer that proves nothing may still name the request in its header. It need not exist: the
// reader of the hint takes an unknown id for no evidence.
domain::event::SubmitUnknown unknown_answer(const Hosts& hosts, const SubmitIntent& intent,
                                            const HttpResponse& response, domain::ErrorInfo error) {
    auto event = unknown(response.status == 504 ? Reason::timeout : Reason::garbled_answer,
                         std::move(error));
    const auto* id = response.headers.find("x-fal-request-id");
    if (id != nullptr && is_request_id(*id)) event.hint = make_remote(hosts, intent.model, *id);
    return event;
}

domain::ErrorInfo garbled_success(int status) {
    return {"garbled_answer",
            fmt::format("fal answered the submit with HTTP {} and a body that names no request",
                        status)};
}

// The page of fal's ingress, made before anything behind it saw the request.
bool is_ingress_page(const HttpResponse& response) {
    return !has_request_id(response.headers) &&
           to_lower(response.body).find("nginx") != std::string::npos &&
           response.body.find('<') != std::string::npos;
}

domain::Refusal judge(int status, const ErrorBody& body) {
    domain::Refusal refusal;
    refusal.reason = Reason::provider_error;
    if (status >= 500) return refusal;
    refusal = provider_api::judge_client_error(status);
    if (status == 403) {
        refusal.kind = RefusalKind::account;
        refusal.reason = Reason::account;
    }
    if (refusal.reason == Reason::invalid_input) refusal.reason = input_reason(body);
    return refusal;
}

// A 4xx made no job, but for two: 409 is undocumented and may speak of a job that exists already,
// 499 says that the exchange broke off, not when. A false "unknown" costs a wait, a false "refused"
// a second bill.
bool proves_refusal(const HttpResponse& response) {
    const int status = response.status;
    if (status >= 400 && status < 500) return status != 409 && status != 499;
    // A 502 or 504 of the same look can be made after the request was passed on.
    return status == 503 && is_ingress_page(response);
}

domain::Event read_answer(const Hosts& hosts, const SubmitIntent& intent,
                          const HttpResponse& response) {
    if (response.status >= 200 && response.status < 300) {
        // A document that parses is whole, even when the connection then ended too early.
        if (auto accepted = read_accepted(hosts, intent, response.body)) return *accepted;
        return unknown_answer(hosts, intent, response, garbled_success(response.status));
    }
    const ErrorBody body = read_error_body(response.body);
    domain::ErrorInfo error = error_info(response.status, response.headers, body);
    if (!proves_refusal(response)) {
        // A redirect counts here too: whether the other side acted first, it does not say, and the
        // key is not sent after it.
        return unknown_answer(hosts, intent, response, std::move(error));
    }
    domain::event::SubmitRefused refused;
    refused.refusal = judge(response.status, body);
    refused.refusal.error = std::move(error);
    refused.refusal.retry_after = retry_after_of(response.headers);
    return refused;
}

}  // namespace

Result<HttpRequest> build_submit(const Hosts& hosts, const Secret& key,
                                 const SubmitIntent& intent) {
    const auto id = parse_endpoint_id(intent.model);
    if (!id) return Error(ErrorCode::invalid, "the model is not a fal endpoint id");
    std::string url = fmt::format("{}/{}", hosts.queue, id->full);
    if (!intent.webhook_url.empty()) {
        url += "?fal_webhook=" + percent_encode(intent.webhook_url);
    }
    HttpRequest request = keyed_request("POST", std::move(url), key);
    request.headers.add("Content-Type", "application/json");
    request.body = intent.input;
    return request;
}

domain::Event read_submit(const Hosts& hosts, const SubmitIntent& intent,
                          const Exchange& exchange) {
    switch (exchange.delivery) {
        case Delivery::not_sent:
            return domain::event::SubmitNotSent{transport_error(exchange)};
        case Delivery::maybe_sent:
            break;
        case Delivery::answered:
            return read_answer(hosts, intent, exchange.response);
    }
    const bool late = exchange.error.code() == ErrorCode::timeout;
    return unknown(late ? Reason::timeout : Reason::reset, transport_error(exchange));
}

}  // namespace reeld::providers::fal
