#pragma once
// Small helpers of the texts that tell a submitter what is wrong.
#include <span>
#include <string>
#include <string_view>

namespace reeld::domain {

// How many bytes have to be put in, taken out or exchanged to make one text of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known name that a mistyped one is closest to; empty when none is close enough.
std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> known);

// "a, b and c"
std::string listed(std::span<const std::string_view> names);

// The text in quotes, clipped and without control characters: foreign text inside our sentences.
std::string quoted(std::string_view text);

// True when a control character (C0, DEL, C1) stands in valid UTF-8 text.
bool has_control(std::string_view text);

}  // namespace reeld::domain
