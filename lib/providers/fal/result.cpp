#include "providers/fal/result.hpp"

#include <fmt/format.h>

#include "providers/fal/failure.hpp"
#include "providers/fal/outputs.hpp"

namespace reeld::providers::fal {
namespace {

using domain::event::ResultFailed;

bool names_an_app(const Headers& headers) {
    return headers.find("X-Fal-Billable-Units") != nullptr ||
           headers.find("X-Fal-Served-From") != nullptr;
}

bool is_typed(const Headers& headers, const ErrorBody& body) {
    return !body.details.empty() || !body.error_type.empty() ||
           headers.find("X-Fal-Error-Type") != nullptr ||
           headers.find("X-Fal-Needs-Retry") != nullptr ||
           headers.find("X-Fal-Retryable") != nullptr;
}

bool is_missing_path(const ErrorBody& body) {
    return body.text.starts_with("Path ") && body.text.ends_with("not found");
}

domain::Event read_no_output(const json::object& result) {
    ResultFailed failed;
    failed.refusal.kind = domain::RefusalKind::permanent;
    failed.refusal.reason = domain::Reason::provider_error;
    failed.refusal.error = {"no_output",
                            fmt::format("the result has no file; it has {}", name_members(result))};
    return failed;
}

domain::Event read_success(const Exchange& exchange) {
    const auto value = parse_json(exchange.response.body);
    if (!value) {
        return unusable_read(exchange, "garbled_answer", "fal's result is not readable JSON");
    }
    const auto* result = value->if_object();
    if (result == nullptr) return read_no_output({});
    domain::event::ResultSeen seen = find_result(*result);
    if (!is_whole(seen, *result)) return read_no_output(*result);
    // How much a unit costs, the answer does not tell; of none it is known.
    if (is_free(exchange.response.status, exchange.response.headers)) seen.cost_micro_usd = 0;
    return seen;
}

domain::Event read_denied(const Exchange& exchange, const ErrorBody& body) {
    const HttpResponse& response = exchange.response;
    if (!body.is_json)
        return unusable_read(exchange, "garbled_answer",
                             fmt::format("HTTP {} without a readable body", response.status));
    const bool flat = body.details.empty() && !body.text.empty();
    if (flat && !names_an_app(response.headers) && !is_typed(response.headers, body)) {
        return failed_read(exchange);
    }
    return failed_end(response.status, response.headers, body);
}

domain::Event read_4xx(const Exchange& exchange, const ErrorBody& body) {
    const HttpResponse& response = exchange.response;
    const bool typed = is_typed(response.headers, body);
    const int status = response.status;
    if (status == 401 || status == 403) return read_denied(exchange, body);
    if (status == 499) {
        domain::event::RemoteCancelled cancelled;
        cancelled.free = is_free(status, response.headers);
        return cancelled;
    }
    if (status == 400 && !typed) return domain::event::ResultNotReady{};
    if (status == 404 && !typed && !is_missing_path(body)) return domain::event::RemoteMissing{};
    if ((status == 408 || status == 429) && !typed) return failed_read(exchange);
    return failed_end(status, response.headers, body);
}

}  // namespace

Result<HttpRequest> build_result(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote) {
    auto url = url_of(hosts, model, remote, RequestUrl::response);
    if (!url) return url.error();
    return keyed_request("GET", std::move(*url), key);
}

domain::Event read_result(const Exchange& exchange) {
    if (exchange.delivery != Delivery::answered) return failed_read(exchange);
    const HttpResponse& response = exchange.response;
    // Not an answer of the result call, but what the status call says while the request runs.
    if (response.status == 202) return domain::event::ResultNotReady{};
    if (response.status >= 200 && response.status < 300) return read_success(exchange);
    const ErrorBody body = read_error_body(response.body);
    if (response.status >= 400 && response.status < 500) return read_4xx(exchange, body);
    const bool marked = is_typed(response.headers, body) || has_request_id(response.headers);
    if (response.status < 500 || !marked) return failed_read(exchange);
    return failed_end(response.status, response.headers, body);
}

}  // namespace reeld::providers::fal
