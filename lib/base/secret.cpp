#include "base/secret.hpp"

namespace reeld {

std::string redact_url(std::string_view url) {
    std::string shown(url.substr(0, url.find_first_of("?#")));
    const auto scheme = shown.find("://");
    if (scheme == std::string::npos) return shown;
    const auto host = scheme + 3;
    const auto path = shown.find('/', host);
    const auto at = shown.rfind('@', path == std::string::npos ? path : path - 1);
    if (at != std::string::npos && at >= host) shown.erase(host, at + 1 - host);
    return shown;
}

}  // namespace reeld
