#include "providers/eachlabs/history.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "providers/eachlabs/answer.hpp"

namespace reeld::providers::eachlabs {
namespace {

using provider_api::HistoryItem;
using provider_api::HistoryPage;

constexpr std::chrono::seconds before_intent{120};
// A submit may take its whole timeout, ten minutes at most, and clocks differ.
constexpr std::chrono::minutes after_intent{15};
constexpr std::int64_t page_rows = 100;

Result<HistoryItem> read_row(const Account& account, const std::string& model,
                             const json::value& value) {
    const auto* row = value.if_object();
    auto id = row == nullptr ? std::nullopt : find_string(*row, "id");
    if (!id || !is_prediction_id(*id)) {
        return Error(ErrorCode::invalid, "Eachlabs lists an execution without a usable id");
    }
    HistoryItem item;
    item.remote = make_remote(account, std::move(*id));
    item.request_id = item.remote.request_id;
    if (const auto created = find_string(*row, "created_at")) {
        item.sent_at = parse_rfc3339(*created);
    }
    if (const auto slug = find_string(*row, "model")) {
        item.model = *slug == slug_of(model) ? model : "eachlabs/" + *slug;
    }
    return item;
}

}  // namespace

HttpRequest build_history(const Account& account, const provider_api::SubmitIntent& intent,
                          const std::string& cursor) {
    return keyed_request(
        account, "GET",
        fmt::format("{}/v1/executions?model={}&from={}&to={}&limit={}&offset={}", account.base,
                    percent_encode(slug_of(intent.model)),
                    percent_encode(to_rfc3339(intent.intent_at - before_intent)),
                    percent_encode(to_rfc3339(intent.intent_at + after_intent)), page_rows,
                    cursor.empty() ? "0" : percent_encode(cursor)));
}

Result<HistoryPage> read_history(const Account& account, const provider_api::SubmitIntent& intent,
                                 const Exchange& exchange) {
    const auto answer = read_success_object(exchange, "Eachlabs' list of executions");
    if (!answer) return answer.error();
    const auto* rows = find_array(*answer, "executions");
    // The offset is what the next page is asked by, and how the answer tells that it is this page.
    const auto offset = find_int(*answer, "offset");
    const auto limit = find_int(*answer, "limit");
    if (rows == nullptr || !offset || *offset < 0 || !limit || *limit < 1) {
        return Error(ErrorCode::invalid, "Eachlabs' list of executions is not one");
    }
    HistoryPage page;
    page.inputs_apart = true;
    for (const json::value& value : *rows) {
        auto item = read_row(account, intent.model, value);
        if (!item) return item.error();
        page.items.push_back(std::move(*item));
    }
    const auto count = static_cast<std::int64_t>(rows->size());
    const bool is_full = count >= std::min(*limit, page_rows);
    if (is_full && count > 0) page.next_cursor = std::to_string(*offset + count);
    return page;
}

Result<std::optional<HistoryItem>> read_lookup(const Account& account, const RequestId& request,
                                               const Exchange& exchange) {
    if (exchange.delivery == Delivery::answered && exchange.response.status == 404) {
        return std::optional<HistoryItem>{};
    }
    const auto prediction = read_success_object(exchange, "Eachlabs' prediction");
    if (!prediction) return prediction.error();
    if (find_string(*prediction, "id") != request.str()) {
        return Error(ErrorCode::invalid, "Eachlabs answered with another prediction");
    }
    HistoryItem item;
    item.remote = make_remote(account, request.str());
    item.request_id = request;
    if (const auto* input = find_object(*prediction, "input")) item.input = canonical_json(*input);
    return std::optional<HistoryItem>(std::move(item));
}

}  // namespace reeld::providers::eachlabs
