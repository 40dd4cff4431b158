#pragma once
// Money as people read it.
#include <string>

#include "base/json.hpp"
#include "reel/text.hpp"

namespace reeld::reel {

// "$0.27", "$0.0105": at least two decimals, no trailing zeros beyond.
std::string usd_text(double usd);
// "spent $3.24 in 12 submits ($3.24 of it by estimate), reserved $0.54; possibly billed $0.27 on
// top; 2 submits without a known price". `sum` as the daemon gives it.
std::string money_words(const json::object& sum);
// One line about a batch, from the answer of a listing; empty when the answer has no money.
std::string batch_total(std::string_view batch, const json::object& answer);
// The section of the status.
std::string render_money(const json::object& status, const Look& look);

}  // namespace reeld::reel
