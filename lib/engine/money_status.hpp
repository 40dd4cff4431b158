#pragma once
// What was spent today, by model and by batch.
#include <string>
#include <vector>

#include "store/store.hpp"

namespace reeld::engine {

struct NamedMoney {
    std::string name;
    std::string provider;     // of a model
    domain::MoneySum today;
    domain::MoneySum in_all;  // of a batch: all its days
};

struct MoneyStatus {
    std::string day;                  // today by the machine's calendar
    domain::MoneySum today;
    domain::MoneySum open;            // reserved and possible of all days
    std::vector<NamedMoney> models;   // most spent first
    std::vector<NamedMoney> batches;  // the same; at most batches_shown
    std::int64_t batches_left_out = 0;
};
inline constexpr std::size_t batches_shown = 20;

MoneyStatus money_status(store::Tx& tx, std::string day);

}  // namespace reeld::engine
