#include <boost/beast/http/status.hpp>

#include "http/reason.hpp"

namespace reeld::http {

std::string_view reason_of(int status) {
    namespace beast_http = boost::beast::http;
    const auto words =
        beast_http::obsolete_reason(beast_http::int_to_status(static_cast<unsigned>(status)));
    return {words.data(), words.size()};
}

}  // namespace reeld::http
