#include "providers/fal/status.hpp"

#include <fmt/format.h>

#include "providers/fal/failure.hpp"

namespace reeld::providers::fal {
namespace {

using domain::event::RemotePhase;

std::optional<RemotePhase> phase_of(std::string_view status) {
    if (status == "IN_QUEUE") return RemotePhase::queued;
    if (status == "IN_PROGRESS") return RemotePhase::running;
    if (status == "COMPLETED") return RemotePhase::ended;
    return std::nullopt;
}

domain::Event read_body(const Exchange& exchange) {
    const auto value = parse_json(exchange.response.body);
    const auto* answer = value ? value->if_object() : nullptr;
    const auto status = answer == nullptr ? std::nullopt : find_string(*answer, "status");
    if (!status) {
        return unusable_read(exchange, "garbled_answer",
                             "fal's status answer has no readable \"status\"");
    }
    const auto phase = phase_of(*status);
    if (!phase) {
        return unusable_read(
            exchange, "unknown_status",
            fmt::format("fal's status is the unknown word \"{}\"", shown_text(*status, 60)));
    }
    domain::event::StatusSeen seen;
    seen.phase = *phase;
    if (*phase == RemotePhase::queued) seen.queue_position = find_int(*answer, "queue_position");
    if (seen.queue_position < 0) seen.queue_position.reset();
    return seen;
}

}  // namespace

Result<HttpRequest> build_status(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote) {
    auto url = url_of(hosts, model, remote, RequestUrl::status);
    if (!url) return url.error();
    *url += url->find('?') == std::string::npos ? "?logs=1" : "&logs=1";
    return keyed_request("GET", std::move(*url), key);
}

domain::Event read_status(const Exchange& exchange) {
    if (exchange.delivery != Delivery::answered) return failed_read(exchange);
    const int status = exchange.response.status;
    if (status == 404) return domain::event::RemoteMissing{};
    if (status < 200 || status >= 300) return failed_read(exchange);
    return read_body(exchange);
}

}  // namespace reeld::providers::fal
