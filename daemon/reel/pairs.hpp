#pragma once
// key=value words of the command line as members of a model's input.
//   key=text      what the model's schema wants there; a string when it tells nothing
//   key:=JSON     a number, true, null, an array, an object …
//   a.b=text      a member of a member, where the schema names no member "a.b"
//   key=@FILE     the file's text;  key:=@FILE  the file's JSON
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace reeld::reel {

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// Adds the words to `input`, over members of the same name. A key twice is an error. `schema` is the
// model's, empty when it is not known. A text that cannot be what is wanted stays a string: the
// daemon says what is wrong with it.
Result<json::object> add_pairs(json::object input, const std::vector<std::string>& words,
                               const ReadFile& read_file, const json::object& schema = {});

// k=v words as strings: labels.
Result<json::object> read_labels(const std::vector<std::string>& words);

// RFC 3339 text, or a duration from now such as "90m".
Result<Instant> read_when(const std::string& text, Instant now);

}  // namespace reeld::reel
