#pragma once
// What a provider says, as far as it may be shown and kept.
#include <string>
#include <string_view>

namespace reeld {

// A provider's text made fit to be shown and kept: no control characters, no query in any URL (it
// may be signed), cut at `limit` bytes.
std::string shown_text(std::string_view text, std::size_t limit = 400);

// The text when it is a code (lower-case letters, digits, '_' and '.', at most 64), otherwise "".
std::string as_code(std::string_view text);

}  // namespace reeld
