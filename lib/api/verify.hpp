#pragma once
// GET /v1/verify: lines of JSON, one for each step forward, then the report.
#include <memory>
#include <variant>

#include "api/problem.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"
#include "runtime/clock.hpp"

namespace reeld::api {

// files=false, since=ID:HASH.
std::variant<engine::VerifyOptions, Problem> read_verify_query(const http::Target& target);

json::object report_json(const engine::VerifyReport& report);

// `running` is true for as long as the source lives; everything else must outlive it.
std::unique_ptr<http::BodyProducer> make_verification(engine::Control& control,
                                                      runtime::Clock& clock,
                                                      engine::VerifyOptions options, bool& running);

}  // namespace reeld::api
