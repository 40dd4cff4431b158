#include "providers/eachlabs/submit.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "provider_api/refusal.hpp"
#include "provider_api/retry_after.hpp"
#include "providers/eachlabs/answer.hpp"
#include "providers/eachlabs/webhook.hpp"

namespace reeld::providers::eachlabs {
namespace {

using domain::Reason;

// Said to be ignored by one page of the documentation and required by another.
constexpr std::string_view version = "0.0.1";

std::string quoted(std::string_view text) { return json::serialize(json::string(text)); }

// The status member speaks of the call, so an id is what decides. An answer that parses is whole,
// even when the connection then ended too early.
std::optional<std::string> prediction_in(std::string_view body) {
    const auto value = parse_json(body);
    const auto* answer = value ? value->if_object() : nullptr;
    auto id = answer == nullptr ? std::nullopt : find_string(*answer, "predictionID");
    if (!id || !is_prediction_id(*id)) return std::nullopt;
    return id;
}

domain::event::SubmitUnknown unknown(Reason reason, domain::ErrorInfo error) {
    domain::event::SubmitUnknown event;
    event.reason = reason;
    event.error = std::move(error);
    return event;
}

// A 4xx made no prediction, but for two: 409 is undocumented and may speak of one that exists
// already, 499 says that the exchange broke off, not when.
bool proves_refusal(int status) {
    return status >= 400 && status < 500 && status != 409 && status != 499;
}

domain::Refusal judge(const HttpResponse& response) {
    domain::Refusal refusal = provider_api::judge_client_error(response.status);
    refusal.error = error_info(response);
    refusal.retry_after = retry_after_of(response.headers);
    return refusal;
}

}  // namespace

Result<HttpRequest> build_submit(const Account& account, const provider_api::SubmitIntent& intent) {
    const std::string_view slug = slug_of(intent.model);
    if (slug.empty()) return Error(ErrorCode::invalid, "the model is not an Eachlabs model");
    HttpRequest request = keyed_request(account, "POST", account.base + "/v1/prediction");
    request.headers.add("Content-Type", "application/json");
    // The input stands as the job has it: its echo is what a lost answer is found again by.
    request.body = fmt::format(R"({{"model":{},"version":"{}","input":{})", quoted(slug), version,
                               intent.input);
    if (!intent.webhook_url.empty()) {
        request.body += fmt::format(R"(,"webhook_url":{},"webhook_secret":"{}")",
                                    quoted(intent.webhook_url),
                                    webhook_secret(account, intent.webhook_token));
    }
    request.body += "}";
    return request;
}

domain::Event read_submit(const Account& account, const Exchange& exchange) {
    if (exchange.delivery == Delivery::not_sent) {
        return domain::event::SubmitNotSent{transport_error(exchange)};
    }
    if (exchange.delivery == Delivery::maybe_sent) {
        const bool late = exchange.error.code() == ErrorCode::timeout;
        return unknown(late ? Reason::timeout : Reason::reset, transport_error(exchange));
    }
    const HttpResponse& response = exchange.response;
    if (is_success(exchange)) {
        if (auto id = prediction_in(response.body)) {
            domain::event::SubmitAccepted accepted;
            accepted.remote = make_remote(account, std::move(*id));
            return accepted;
        }
        return unknown(Reason::garbled_answer,
                       {"garbled_answer",
                        fmt::format("Eachlabs answered the submit with HTTP {} and a body that "
                                    "names no prediction",
                                    response.status)});
    }
    if (proves_refusal(response.status)) {
        domain::event::SubmitRefused refused;
        refused.refusal = judge(response);
        return refused;
    }
    return unknown(response.status == 504 ? Reason::timeout : Reason::garbled_answer,
                   error_info(response));
}

}  // namespace reeld::providers::eachlabs
