#pragma once
// What a model's result holds: files by address, files as text, and values.
#include <string>
#include <vector>

#include "base/json.hpp"
#include "domain/event.hpp"

namespace reeld::providers::fal {

// Decoded, all files of one answer together; and the answer that may carry them as hexadecimals.
inline constexpr std::size_t inline_bytes_max = 32 * 1024 * 1024;
inline constexpr std::uint64_t result_bytes_max = 72 * 1024 * 1024;
// Of the values of one result, as canonical JSON. A member that does not fit is left out.
inline constexpr std::size_t values_bytes_max = 64 * 1024;

// A file is an object with an http(s) "url", or one that carries its bytes: "file_data" in
// hexadecimal or base64, or a data: URL. In `video`, `audio`, `images[]` and `image` a text may be
// the bytes as well. Looked for in this order: those four; only when none of them has a file, every
// other member and its elements, in the document's order. Each URL once, at most 64 files.
// Every member that is neither a file nor one of the four is a value; null is none.
domain::event::ResultSeen find_result(const json::object& result);

// True when what was paid for is there: a file; or a voice, `{"custom_voice_id": …, "audio": null}`,
// beside which stands no error. Other values alone are none: `{"seed": 7}` is a film that is missing.
bool is_whole(const domain::event::ResultSeen& seen, const json::object& result);

// The sound's format as the input asked for it: raw samples can be recognised by nothing else.
void describe_outputs(const std::string& input, std::vector<domain::Output>& outputs);

// The names of the result's members, for the error of a result without files.
std::string name_members(const json::object& result);

}  // namespace reeld::providers::fal
