#pragma once
// POST /v1/jobs?dry_run=true: what a submit would do; nothing is stored, nothing is sent.
#include <variant>

#include "api/problem.hpp"
#include "domain/job.hpp"
#include "engine/control.hpp"
#include "http/server.hpp"

namespace reeld::api {

std::variant<bool, Problem> read_dry_run(const http::Target& target);

// One valid job: {dry_run: true, model, provider, id, exists, checked, input, defaults, estimate{usd,
// sure, basis}, path, files[], warnings[]}. `input` is what would be sent, local files apart;
// `defaults` what the provider adds by itself; `path` is null for models that make no file, and holds
// "{id}" while no id is chosen. A file is {field, path, bytes, content_type, width, height, seconds,
// how: "uploaded" | "inlined" | "reused"}; what it has none of is null.
//
// A caller that would hand its files over need not do so for a dry run. It tells what it has seen of
// them in the job's member local_files: [{path, bytes, content_type, width, height, seconds, sha256}].
json::object dry_run_json(engine::Control& control, const domain::JobRequest& request,
                          const engine::CheckedFiles& files, Instant now);

}  // namespace reeld::api
