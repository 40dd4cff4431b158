#include "reeld/config_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "provider_api/http_message.hpp"

namespace reeld::daemon {
namespace {

namespace ip = boost::asio::ip;

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && at == text.data() + text.size() && port <= 65535;
}

bool is_private(const ip::address_v4& address) {
    const auto value = address.to_uint();
    return address.is_loopback() || value >> 24 == 10 || value >> 20 == 0xAC1 ||
           value >> 16 == 0xC0A8 || value >> 16 == 0xA9FE;
}

bool is_private(const ip::address_v6& address) {
    if (address.is_v4_mapped()) {
        return is_private(ip::make_address_v4(ip::v4_mapped, address));
    }
    return address.is_loopback() || address.is_link_local() ||
           (address.to_bytes()[0] & 0xFE) == 0xFC;
}

bool is_local_host(const std::string& host) {
    boost::system::error_code error;
    const auto address = ip::make_address(host, error);
    if (!error) {
        return address.is_v4() ? is_private(address.to_v4()) : is_private(address.to_v6());
    }
    return host.find('.') == std::string::npos || host.ends_with(".localhost") ||
           host.ends_with(".local") || host.ends_with(".internal");
}

}  // namespace

std::optional<std::string> wrong_listen_address(std::string_view text) {
    const std::string right = "must be an IP address and a port such as \"127.0.0.1:8460\" or "
                              "\"[::1]:0\"";
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return right;
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto address = ip::make_address(std::string(host), error);
    if (error || address.is_v6() != bracketed) return right;
    return std::nullopt;
}

std::optional<std::string> wrong_base_url(std::string_view text) {
    const auto url = parse_url(text);
    if (!url) return "must be an absolute http or https URL such as \"https://example.com\"";
    if (url->has_userinfo) {
        return "must not hold a user name or a password: keys come from a credential, a key_file "
               "or the environment";
    }
    if (text.find_first_of("?#") != std::string_view::npos) {
        return "must not hold a query or a fragment: give scheme, host and path only";
    }
    return std::nullopt;
}

std::optional<std::string> wrong_host_pattern(std::string_view text) {
    const std::string right =
        "must be a host such as \"fal.media\", \"*.fal.media\" or \"127.0.0.1:8470\"";
    std::string_view host = text.starts_with("*.") ? text.substr(2) : text;
    if (host.find_first_of("/?#@*") != std::string_view::npos) return right;
    const auto url = parse_url("https://" + std::string(host));
    if (!url || (host.size() != text.size() && host.find('.') == std::string_view::npos)) {
        return right;
    }
    return std::nullopt;
}

std::optional<std::string> wrong_path(std::string_view text) {
    if (text.size() < 2 || text.front() != '/') return "must be an absolute path";
    if (has_control(text)) return "must not hold control characters";
    if (text.back() == '/') return "must not end with a slash";
    if (text.find("/../") != std::string_view::npos || text.ends_with("/..")) {
        return "must not hold \"..\"";
    }
    return std::nullopt;
}

bool names_local_host(std::string_view text) {
    const auto url = parse_url(text);
    return url && is_local_host(url->host);
}

bool plain_http_to_public_host(std::string_view text) {
    const auto url = parse_url(text);
    return url && url->scheme == "http" && !is_local_host(url->host);
}

}  // namespace reeld::daemon
