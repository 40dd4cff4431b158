#include "providers/fal/history.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "providers/fal/answer_error.hpp"
#include "providers/fal/endpoint_id.hpp"

namespace reeld::providers::fal {
namespace {

using provider_api::HistoryItem;
using provider_api::HistoryPage;

constexpr std::chrono::seconds before_intent{120};
// A submit may take its whole timeout, ten minutes at most, and clocks differ.
constexpr std::chrono::minutes after_intent{15};

Result<HistoryItem> read_item(const Hosts& hosts, const std::string& model,
                              const json::value& value) {
    const auto* row = value.if_object();
    auto id = row == nullptr ? std::nullopt : find_string(*row, "request_id");
    if (!id || !is_request_id(*id)) {
        return Error(ErrorCode::invalid, "fal's history lists a request without a usable id");
    }
    HistoryItem item;
    item.remote = make_remote(hosts, model, std::move(*id));
    item.request_id = item.remote.request_id;
    if (const auto sent = find_string(*row, "sent_at")) item.sent_at = parse_rfc3339(*sent);
    if (const auto endpoint = find_string(*row, "endpoint_id")) {
        const auto theirs = parse_endpoint_id(*endpoint);
        const auto ours = parse_endpoint_id(model);
        item.model = theirs && ours && theirs->full == ours->full ? model : *endpoint;
    }
    const auto* input = find(*row, "json_input");
    if (input != nullptr && !input->is_null()) item.input = canonical_json(*input);
    return item;
}

}  // namespace

HttpRequest build_history(const Hosts& hosts, const Secret& key,
                          const provider_api::SubmitIntent& intent, const std::string& cursor) {
    const auto id = parse_endpoint_id(intent.model);
    std::string url = fmt::format(
        "{}/models/requests/by-endpoint?endpoint_id={}&start={}&end={}&expand=payloads&limit=100",
        hosts.platform, percent_encode(id ? id->full : intent.model),
        percent_encode(to_rfc3339(intent.intent_at - before_intent)),
        percent_encode(to_rfc3339(intent.intent_at + after_intent)));
    if (!cursor.empty()) url += "&cursor=" + percent_encode(cursor);
    return keyed_request("GET", std::move(url), key);
}

Result<HistoryPage> read_history(const Hosts& hosts, const provider_api::SubmitIntent& intent,
                                 const Exchange& exchange) {
    const auto answer = read_success_object(exchange, "fal's request history");
    if (!answer) return answer.error();
    const auto* items = find_array(*answer, "items");
    if (items == nullptr) return Error(ErrorCode::invalid, "fal's history has no \"items\"");
    HistoryPage page;
    for (const json::value& value : *items) {
        auto item = read_item(hosts, intent.model, value);
        if (!item) return item.error();
        page.items.push_back(std::move(*item));
    }
    const auto more = find_bool(*answer, "has_more");
    if (more != false) page.next_cursor = find_string(*answer, "next_cursor").value_or("");
    if (more == true && page.next_cursor.empty()) {
        return Error(ErrorCode::invalid, "fal's history has more pages but no cursor");
    }
    return page;
}

HttpRequest build_lookup(const Hosts& hosts, const Secret& key, const std::string& model,
                         const RequestId& request) {
    const auto id = parse_endpoint_id(model);
    return keyed_request(
        "GET",
        fmt::format("{}/models/requests/by-endpoint?endpoint_id={}&request_id={}&expand=payloads",
                    hosts.platform, percent_encode(id ? id->full : model),
                    percent_encode(request.str())),
        key);
}

Result<std::optional<HistoryItem>> read_lookup(const Hosts& hosts, const std::string& model,
                                               const RequestId& request,
                                               const Exchange& exchange) {
    provider_api::SubmitIntent intent;
    intent.model = model;
    auto page = read_history(hosts, intent, exchange);
    if (!page) return page.error();
    for (HistoryItem& item : page->items) {
        if (item.request_id == request) return std::optional<HistoryItem>(std::move(item));
    }
    return std::optional<HistoryItem>{};
}

}  // namespace reeld::providers::fal
