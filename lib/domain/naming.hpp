#pragma once
// File names from templates: "{batch}/{id}.{ext}".
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/job.hpp"

namespace reeld::domain {

inline constexpr std::string_view default_template = "{batch}/{id}.{ext}";

// Checks a template at intake: known names ({id} {batch} {model} {ext} {n} {index} {attempt} {date}
// {label.KEY}), no absolute path, no "..", no control character, at most 200 bytes a component.
Status check_template(std::string_view text);

// The path relative to the outputs folder. Values lose what is not safe in a file name; an empty
// component falls out; with more outputs than one and no {n} or {index}, "-<n>" goes before the
// extension. `collision` > 0 adds "-<collision + 1>" in the same place.
std::string file_name(const Job& job, const Output& output, std::string_view extension,
                      int collision);

// "mp4" for video/mp4 or a URL that ends in .mp4. Where neither tells, what such files usually are
// for a kind, "bin" for none.
std::string extension_of(std::string_view content_type, std::string_view url,
                         MediaKind kind = MediaKind::any);

}  // namespace reeld::domain
