#pragma once
// The engine's status as JSON and its numbers as Prometheus text.
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "engine/control.hpp"

namespace reeld::api {

json::object status_json(const engine::EngineStatus& status, std::string_view version);

// Text format 0.0.4; every family with HELP and TYPE, label values escaped.
std::string metrics_text(const engine::EngineStatus& status, const engine::Counters& counters,
                         std::string_view version);

// Backslash, quote and line end as the text format wants them.
std::string escape_label(std::string_view value);

}  // namespace reeld::api
