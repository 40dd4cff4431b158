#include "providers/eachlabs/cancel.hpp"

#include "base/json.hpp"
#include "providers/eachlabs/answer.hpp"

namespace reeld::providers::eachlabs {

Result<HttpRequest> build_cancel(const Account& account, const domain::Remote& remote) {
    auto url = prediction_url(account, remote);
    if (!url) return url.error();
    return keyed_request(account, "POST", *url + "/cancel");
}

domain::Event read_cancel(const Exchange& exchange) {
    using domain::event::CancelAnswered;
    if (is_success(exchange)) return CancelAnswered{true};
    if (exchange.delivery != Delivery::answered) return failed_read(exchange);
    const int status = exchange.response.status;
    // An unknown one is a 404 in one description and a 500 in another; the polls tell. A 400 of a
    // proxy never brought the cancel there: only the API's own JSON ends the attempts.
    if (status == 404) return CancelAnswered{false};
    if ((status == 400 || status == 409) && parse_json(exchange.response.body)) {
        return CancelAnswered{false};
    }
    return failed_read(exchange);
}

}  // namespace reeld::providers::eachlabs
