#include "providers/fal/status.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
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

std::vector<domain::LogLine> read_logs(const json::object& answer) {
    std::vector<domain::LogLine> lines;
    const auto* logs = find_array(answer, "logs");
    if (logs == nullptr) return lines;
    const std::size_t skipped = logs->size() - std::min(logs->size(), domain::log_lines_max);
    for (std::size_t i = skipped; i < logs->size(); ++i) {
        const auto* told = (*logs)[i].if_object();
        if (told == nullptr) continue;
        domain::LogLine line;
        line.message = shown_text(find_string(*told, "message").value_or(""),
                                  domain::log_message_bytes_max);
        if (line.message.empty()) continue;
        line.level = shown_text(find_string(*told, "level").value_or(""), 16);
        line.source = shown_text(find_string(*told, "source").value_or(""), 32);
        line.at = parse_rfc3339(find_string(*told, "timestamp").value_or(""));
        lines.push_back(std::move(line));
    }
    return lines;
}

// Nothing but a phase that is known makes an answer a status.
std::optional<domain::event::StatusSeen> read_object(const json::object& answer) {
    const auto phase = phase_of(find_string(answer, "status").value_or(""));
    if (!phase) return std::nullopt;
    domain::event::StatusSeen seen;
    seen.phase = *phase;
    if (*phase == RemotePhase::queued) seen.queue_position = find_int(answer, "queue_position");
    if (seen.queue_position < 0) seen.queue_position.reset();
    seen.logs = read_logs(answer);
    return seen;
}

domain::Event read_body(const Exchange& exchange) {
    const auto value = parse_json(exchange.response.body);
    const auto* answer = value ? value->if_object() : nullptr;
    const auto status = answer == nullptr ? std::nullopt : find_string(*answer, "status");
    if (!status) {
        return unusable_read(exchange, "garbled_answer",
                             "fal's status answer has no readable \"status\"");
    }
    if (auto seen = read_object(*answer)) return std::move(*seen);
    return unusable_read(
        exchange, "unknown_status",
        fmt::format("fal's status is the unknown word \"{}\"", shown_text(*status, 60)));
}

}  // namespace

Result<HttpRequest> build_status(const Hosts& hosts, const Secret& key, const std::string& model,
                                 const domain::Remote& remote) {
    auto url = url_of(hosts, model, remote, RequestUrl::status);
    if (!url) return url.error();
    *url += url->find('?') == std::string::npos ? "?logs=1" : "&logs=1";
    return keyed_request("GET", std::move(*url), key);
}

std::optional<HttpRequest> build_status_stream(const Hosts& hosts, const Secret& key,
                                               const std::string& model,
                                               const domain::Remote& remote) {
    auto url = url_of(hosts, model, remote, RequestUrl::status);
    // Where a URL with a query has its stream is not known; polls do without.
    if (!url || url->find('?') != std::string::npos) return std::nullopt;
    HttpRequest request = keyed_request("GET", *url + "/stream?logs=1", key);
    request.headers.set("Accept", "text/event-stream");
    return request;
}

std::optional<domain::event::StatusSeen> read_stream_event(std::string_view data) {
    const auto value = parse_json(data);
    const auto* answer = value ? value->if_object() : nullptr;
    return answer == nullptr ? std::nullopt : read_object(*answer);
}

domain::Event read_status(const Exchange& exchange) {
    if (exchange.delivery != Delivery::answered) return failed_read(exchange);
    const int status = exchange.response.status;
    if (status == 404) return domain::event::RemoteMissing{};
    if (status < 200 || status >= 300) return failed_read(exchange);
    return read_body(exchange);
}

}  // namespace reeld::providers::fal
