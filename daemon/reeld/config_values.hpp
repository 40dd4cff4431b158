#pragma once
// What a single value of the configuration must look like. Each check answers what is wrong with
// the text and what would be right; nothing when it is good.
#include <optional>
#include <string>
#include <string_view>

namespace reeld::daemon {

// "an IP address and port such as 127.0.0.1:8460"; port 0 lets the kernel choose.
std::optional<std::string> wrong_listen_address(std::string_view text);

// An absolute http(s) URL without user info, query and fragment.
std::optional<std::string> wrong_base_url(std::string_view text);

// A host, "*." and a host, either with an optional port.
std::optional<std::string> wrong_host_pattern(std::string_view text);

// Absolute, without "..", control characters or a trailing slash.
std::optional<std::string> wrong_path(std::string_view text);

// True for a URL whose host is loopback, of a private network, or a name of the local network.
bool names_local_host(std::string_view url);

// True for http to a host that is neither loopback nor of a private network: what is sent there can
// be read on the way. Text that is no URL is not plain.
bool plain_http_to_public_host(std::string_view url);

}  // namespace reeld::daemon
