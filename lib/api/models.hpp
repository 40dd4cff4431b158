#pragma once
// GET /v1/models and /v1/models/{id}: the catalogue as JSON.
#include <string_view>

#include "api/job_reads.hpp"
#include "catalogue/price.hpp"

namespace reeld::api {

// {"models": [{id, title, provider, output, typical_seconds, price{text, sure, example_usd},
// source}], "mistakes": [texts]}; `provider` is null when none is configured for it, `source` when it came with reeld.
json::value models_json(const engine::Control& control);

// The same of one, with price.rules, price.note, fields[{name, required, type, default, takes,
// description}], input (JSON Schema), example and advice.
// Problem: not_found, with the nearest ids as candidates.
Answer<json::value> model_json(const engine::Control& control, std::string_view id);

// {"usd", "sure", "basis"}
json::object estimate_json(const catalogue::Estimate& estimate);

}  // namespace reeld::api
