#include "providers/fal/cancel.hpp"

#include "providers/fal/failure.hpp"

namespace reeld::providers::fal {
namespace {

// True for a body that says the cancel was not taken: the older {"success": false}.
bool is_denied(std::string_view body) {
    const auto value = parse_json(body);
    const auto* answer = value ? value->if_object() : nullptr;
    return answer != nullptr && find_bool(*answer, "success") == false;
}

}  // namespace

Result<HttpRequest> build_cancel(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote) {
    auto url = url_of(hosts, model, remote, RequestUrl::cancel);
    if (!url) return url.error();
    return keyed_request("PUT", std::move(*url), key);
}

domain::Event read_cancel(const Exchange& exchange) {
    using domain::event::CancelAnswered;
    if (exchange.delivery != Delivery::answered) return failed_read(exchange);
    const HttpResponse& response = exchange.response;
    if (response.status == 404) return CancelAnswered{false};
    if (response.status >= 200 && response.status < 300) {
        return CancelAnswered{!is_denied(response.body)};
    }
    // Only fal's own "too late" ends the attempts: a proxy's 400 never brought the cancel there.
    if (response.status == 400 && read_error_body(response.body).is_json) {
        return CancelAnswered{false};
    }
    return failed_read(exchange);
}

}  // namespace reeld::providers::fal
