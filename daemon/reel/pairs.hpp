#pragma once
// key=value words of the command line as members of a model's input.
//   key=text      a string, always
//   key:=JSON     a number, true, null, an array, an object …
//   key=@FILE     the file's text;  key:=@FILE  the file's JSON
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace reeld::reel {

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// Adds the words to `input`, over members of the same name. A key twice is an error.
Result<json::object> add_pairs(json::object input, const std::vector<std::string>& words,
                               const ReadFile& read_file);

// k=v words as strings: labels.
Result<json::object> read_labels(const std::vector<std::string>& words);

// RFC 3339 text, or a duration from now such as "90m".
Result<Instant> read_when(const std::string& text, Instant now);

}  // namespace reeld::reel
