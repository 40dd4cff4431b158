#include "provider_api/http_message.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace reeld {

void Headers::add(std::string name, std::string value) {
    all_.push_back(Header{std::move(name), std::move(value)});
}

void Headers::set(std::string_view name, std::string value) {
    std::erase_if(all_, [&](const Header& h) { return equals_ignoring_case(h.name, name); });
    add(std::string(name), std::move(value));
}

const std::string* Headers::find(std::string_view name) const {
    const auto at = std::find_if(all_.begin(), all_.end(), [&](const Header& h) {
        return equals_ignoring_case(h.name, name);
    });
    return at == all_.end() ? nullptr : &at->value;
}

std::optional<Url> parse_url(std::string_view text) {
    const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && c != 0x7F && c != '\\';
    });
    const auto colon = text.find("://");
    if (!clean || colon == std::string_view::npos) return std::nullopt;
    Url url;
    url.scheme = to_lower(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
    text.remove_prefix(colon + 3);
    const auto end = std::min(text.find_first_of("/?#"), text.size());
    std::string_view authority = text.substr(0, end);
    std::string_view rest = text.substr(end);
    rest = rest.substr(0, rest.find('#'));
    url.target = rest.empty() || rest.front() != '/' ? "/" + std::string(rest) : std::string(rest);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        url.has_userinfo = true;
        authority.remove_prefix(at + 1);
    }
    std::string_view port;
    if (!authority.empty() && authority.front() == '[') {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        url.host = to_lower(authority.substr(1, close - 1));
        port = authority.substr(close + 1);
        if (url.host.find_first_not_of("0123456789abcdef:.") != std::string::npos) {
            return std::nullopt;
        }
    } else {
        const auto split = std::min(authority.find(':'), authority.size());
        url.host = to_lower(authority.substr(0, split));
        port = authority.substr(split);
        if (url.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") !=
            std::string::npos) {
            return std::nullopt;
        }
    }
    if (url.host.empty()) return std::nullopt;
    if (!port.empty()) {
        if (port.front() != ':') return std::nullopt;
        port.remove_prefix(1);
        if (port.empty()) return std::nullopt;
    }
    const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || port.size() > 5) return std::nullopt;
    url.port = !port.empty() ? std::string(port) : url.scheme == "https" ? "443" : "80";
    if (std::stoi(url.port) > 65535 || std::stoi(url.port) == 0) return std::nullopt;
    return url;
}

std::string origin_of(const Url& url) {
    const bool six = url.host.find(':') != std::string::npos;
    return url.scheme + "://" + (six ? "[" + url.host + "]" : url.host) + ":" + url.port;
}

bool host_matches(std::string_view pattern, const Url& url) {
    std::string wanted = to_lower(pattern);
    const auto colon = wanted.rfind(':');
    const bool bracketed = !wanted.empty() && wanted.front() == '[';
    const bool has_port = colon != std::string::npos &&
                          (bracketed ? wanted[colon - 1] == ']' : wanted.find(':') == colon);
    if (has_port) {
        if (wanted.substr(colon + 1) != url.port) return false;
        wanted.erase(colon);
    }
    if (bracketed && wanted.size() > 2) wanted = wanted.substr(1, wanted.size() - 2);
    if (wanted.starts_with("*.")) {
        const std::string_view suffix = std::string_view(wanted).substr(1);
        return url.host.size() > suffix.size() && url.host.ends_with(suffix);
    }
    return url.host == wanted;
}

}  // namespace reeld
