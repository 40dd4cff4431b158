#include "providers/eachlabs/prediction.hpp"

#include <cmath>

#include "base/json.hpp"
#include "providers/eachlabs/answer.hpp"
#include "providers/eachlabs/failure.hpp"
#include "providers/eachlabs/outputs.hpp"

namespace reeld::providers::eachlabs {
namespace {

enum class Phase { queued, running, succeeded, failed, cancelled };

Phase phase_of(std::string_view status) {
    if (status == "created" || status == "starting" || status == "queued" || status == "pending") {
        return Phase::queued;
    }
    if (status == "success" || status == "succeeded" || status == "completed") {
        return Phase::succeeded;
    }
    if (status == "error" || status == "failed") return Phase::failed;
    if (status == "cancelled" || status == "canceled") return Phase::cancelled;
    return Phase::running;
}

std::optional<std::int64_t> cost_of(const json::object& prediction) {
    constexpr double dollars_max = 1e6;
    const auto* metrics = find_object(prediction, "metrics");
    const auto cost = metrics == nullptr ? std::nullopt : find_number(*metrics, "cost");
    if (!cost || *cost < 0 || *cost > dollars_max) return std::nullopt;
    return std::llround(*cost * 1e6);
}

domain::Event read_success(const json::object& prediction) {
    domain::event::ResultSeen seen;
    seen.cost_micro_usd = cost_of(prediction);
    if (const auto* output = find(prediction, "output")) seen.outputs = find_outputs(*output);
    if (!seen.outputs.empty()) return seen;
    domain::event::ResultFailed failed;
    failed.refusal = no_output(prediction);
    failed.cost_micro_usd = seen.cost_micro_usd;
    return failed;
}

domain::Event read_failure(const json::object& prediction) {
    domain::event::ResultFailed failed;
    failed.refusal = classify_failure(prediction);
    failed.cost_micro_usd = cost_of(prediction);
    return failed;
}

// Often a cancel marks the record alone: it says 0 at once, and what runs may still be billed.
domain::Event read_cancelled(const json::object& prediction) {
    domain::event::RemoteCancelled cancelled;
    cancelled.cost_micro_usd = cost_of(prediction);
    if (cancelled.cost_micro_usd == 0) cancelled.cost_micro_usd.reset();
    return cancelled;
}

domain::Event live(domain::event::RemotePhase phase) {
    domain::event::StatusSeen seen;
    seen.phase = phase;
    return seen;
}

}  // namespace

Result<HttpRequest> build_prediction(const Account& account, const domain::Remote& remote) {
    auto url = prediction_url(account, remote);
    if (!url) return url.error();
    return keyed_request(account, "GET", std::move(*url));
}

domain::Event read_status(const Exchange& exchange) {
    if (exchange.delivery == Delivery::answered && exchange.response.status == 404) {
        return domain::event::RemoteMissing{};
    }
    if (!is_success(exchange)) return failed_read(exchange);
    const auto value = parse_json(exchange.response.body);
    const auto* prediction = value ? value->if_object() : nullptr;
    const auto status = prediction == nullptr ? std::nullopt : find_string(*prediction, "status");
    if (!status) {
        return unusable_read(exchange, "Eachlabs' prediction has no readable \"status\"");
    }
    switch (phase_of(*status)) {
        case Phase::queued: return live(domain::event::RemotePhase::queued);
        case Phase::running: return live(domain::event::RemotePhase::running);
        case Phase::succeeded: return read_success(*prediction);
        case Phase::failed: return read_failure(*prediction);
        case Phase::cancelled: return read_cancelled(*prediction);
    }
    return unusable_read(exchange, "Eachlabs' prediction has no readable \"status\"");
}

domain::Event read_result(const Exchange& exchange) {
    auto event = read_status(exchange);
    if (std::holds_alternative<domain::event::StatusSeen>(event)) {
        return domain::event::ResultNotReady{};
    }
    return event;
}

}  // namespace reeld::providers::eachlabs
