#pragma once
// Serving bytes as a media host does: Range, If-Range, ETag.
#include <string>

#include "sandbox/answer.hpp"

namespace reeld::sandbox {

// `ignore_range` answers 200 with everything, whatever was asked.
Answer serve_bytes(std::string bytes, const std::string& content_type, const Headers& request,
                   bool ignore_range);

}  // namespace reeld::sandbox
