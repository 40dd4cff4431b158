#pragma once
// Private to this room: responses onto one connection.
#include <string>

#include "http/serving.hpp"

namespace reeld::http {

ServerResponse problem(int status, const std::string& detail);

// Writes `response`; false when the connection must not be used further.
awaitable<bool> respond(Serving& serving, Stream& stream, ServerResponse response,
                        const std::string& method, bool keep_alive);

}  // namespace reeld::http
