#pragma once
// What a job will probably cost, before it is submitted.
#include <cstdint>
#include <optional>
#include <string>

#include "catalogue/model.hpp"
#include "domain/money.hpp"

namespace reeld::catalogue {

struct Estimate {
    std::optional<std::int64_t> micro_usd;  // nothing: no price is known
    bool sure = false;  // the provider's own documents name the price; billing has the last word
    std::string basis;  // one sentence: how it was reckoned
};

// `input` need not be valid; what cannot be read counts as not given.
Estimate estimate(const Model& model, const json::object& input);

// "$0.045 a second; ~$0.017 a second with resolution 512P"; "not known".
std::string price_text(const Model& model);

using domain::dollars;

}  // namespace reeld::catalogue
