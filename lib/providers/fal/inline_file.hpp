#pragma once
// Bytes of a file that stand in a JSON text.
#include <optional>
#include <string>
#include <string_view>

namespace reeld::providers::fal {

struct InlineFile {
    std::string bytes;         // never empty
    std::string content_type;  // of a data: URL; empty when it does not tell
};

// "data:video/mp4;base64,…", percent-encoded ones as well.
std::optional<InlineFile> read_data_url(std::string_view text);
// Hexadecimal digits, else base64 when `base64`. Either is taken only where all of it is.
std::optional<InlineFile> read_encoded(std::string_view text, bool base64);

}  // namespace reeld::providers::fal
