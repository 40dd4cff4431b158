#pragma once
// Private to this room: a status code's words.
#include <string_view>

namespace reeld::http {

std::string_view reason_of(int status);

}  // namespace reeld::http
