#pragma once
// Sums of money as JSON: decimal dollars. What may have been billed is never part of what was spent.
#include <cstdint>
#include <optional>

#include "base/json.hpp"
#include "engine/money_status.hpp"

namespace reeld::api {

// The nearest double of a decimal with six places prints as that decimal.
json::value usd_json(const std::optional<std::int64_t>& micro_usd);
json::object sum_json(const domain::MoneySum& sum);
json::object money_json(const engine::MoneyStatus& money);

}  // namespace reeld::api
