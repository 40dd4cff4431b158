#pragma once
// What all uploads share, whosever words they are spoken in: how they go wrong, and whether a URL in
// a job's input leads to a file.
#include <functional>

#include "sandbox/world.hpp"

namespace reeld::sandbox {

// A start call: `open` makes the upload and the answer that tells of it.
Answer start_upload(World& world, const Call& call, Dialect dialect,
                    const std::function<Answer()>& open);
// A call with the upload's ticket: `take` stores what it brings and answers.
Answer use_ticket(World& world, const Call& call, Dialect dialect, Upload& upload,
                  const std::function<Answer()>& take);

// The first file that the input names and that is not to be had then: the way to the member, the
// last of it included. Those are local paths, and files of this storage that are not there.
std::optional<json::array> missing_file(World& world, const json::object& input, Instant at);

// {"uploads": [{id, name, content_type, bytes, sha256, complete, refused, calls, stored, parts,
// started_at, expires_at}]}, oldest first.
json::object write_uploads(const World& world);

}  // namespace reeld::sandbox
