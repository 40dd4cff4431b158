#pragma once
// Bytes as text: hex, base64, base64url, percent-encoding.
#include <optional>
#include <string>
#include <string_view>

namespace reeld {

std::string to_hex(std::string_view bytes);                          // lower case
std::optional<std::string> from_hex(std::string_view text);          // either case, even length
std::string to_base64(std::string_view bytes);
std::string to_base64url(std::string_view bytes);                    // no padding
std::optional<std::string> from_base64url(std::string_view text);    // padding allowed
std::string percent_encode(std::string_view text);                   // all but RFC 3986 unreserved
std::optional<std::string> percent_decode(std::string_view text);    // refuses a broken %xx

bool is_utf8(std::string_view text);
// The longest valid prefix of at most `limit` bytes that cuts no character in two.
std::string_view clip_utf8(std::string_view text, std::size_t limit);

std::string to_lower(std::string_view ascii);
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace reeld
