#include "api/money_json.hpp"

namespace reeld::api {

json::value usd_json(const std::optional<std::int64_t>& micro_usd) {
    if (!micro_usd) return nullptr;
    return static_cast<double>(*micro_usd) / 1e6;
}

json::object sum_json(const domain::MoneySum& sum) {
    json::object object;
    object["spent_usd"] = usd_json(sum.spent());
    object["by_estimate_usd"] = usd_json(sum.estimated_micro_usd);
    object["reserved_usd"] = usd_json(sum.reserved_micro_usd);
    object["possibly_billed_usd"] = usd_json(sum.possible_micro_usd);
    object["submits"] = sum.submits;
    object["unpriced_submits"] = sum.unpriced;
    return object;
}

json::object money_json(const engine::MoneyStatus& money) {
    json::object object;
    object["day"] = money.day;
    object["today"] = sum_json(money.today);
    object["reserved_usd"] = usd_json(money.open.reserved_micro_usd);
    object["possibly_billed_usd"] = usd_json(money.open.possible_micro_usd);
    json::array models;
    for (const engine::NamedMoney& one : money.models) {
        json::object model;
        model["model"] = one.name;
        model["provider"] = one.provider;
        model["today"] = sum_json(one.today);
        models.push_back(std::move(model));
    }
    object["models"] = std::move(models);
    json::array batches;
    for (const engine::NamedMoney& one : money.batches) {
        json::object batch;
        batch["batch"] = one.name;
        batch["today"] = sum_json(one.today);
        batch["in_all"] = sum_json(one.in_all);
        batches.push_back(std::move(batch));
    }
    object["batches"] = std::move(batches);
    object["batches_left_out"] = money.batches_left_out;
    return object;
}

}  // namespace reeld::api
