#include "engine/money_status.hpp"

#include <algorithm>
#include <map>

namespace reeld::engine {
namespace {

using Named = std::map<std::pair<std::string, std::string>, domain::MoneySum>;

std::vector<NamedMoney> sorted(Named sums) {
    std::vector<NamedMoney> list;
    for (auto& [key, sum] : sums) list.push_back({key.first, key.second, sum, {}});
    std::stable_sort(list.begin(), list.end(), [](const NamedMoney& a, const NamedMoney& b) {
        return a.today.spent() > b.today.spent();
    });
    return list;
}

}  // namespace

MoneyStatus money_status(store::Tx& tx, std::string day) {
    MoneyStatus status;
    Named models;
    Named batches;
    for (const store::MoneyOfDay& row : tx.money_of_day(day)) {
        status.today += row.sum;
        models[{row.model, row.provider}] += row.sum;
        if (!row.batch.empty()) batches[{row.batch, std::string()}] += row.sum;
    }
    status.day = std::move(day);
    status.open = tx.open_money();
    status.models = sorted(std::move(models));
    status.batches = sorted(std::move(batches));
    if (status.batches.size() > batches_shown) {
        status.batches_left_out =
            static_cast<std::int64_t>(status.batches.size() - batches_shown);
        status.batches.resize(batches_shown);
    }
    for (NamedMoney& batch : status.batches) batch.in_all = tx.money_of_batch(batch.name);
    return status;
}

}  // namespace reeld::engine
