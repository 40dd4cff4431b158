#pragma once
// What a download may reach, and what the heads of its answers mean. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::engine {

// Patterns as in provider_api's host_matches(). A host of `named` is allowed as well, and it alone
// may be reached by plain http or at a private address.
struct FetchHosts {
    std::vector<std::string> allowed;
    std::vector<std::string> named;
};

struct FetchHop {
    std::string url;
    bool named = false;
};

// The error is `refused` and names the host, never the URL: that may be signed.
Result<FetchHop> check_hop(const std::string& url, const FetchHosts& hosts);

// The absolute URL that a Location header means; nothing when it makes no http(s) URL.
std::optional<std::string> resolve_location(const std::string& base, std::string_view location);

// "bytes 100-199/200"; `last` is inclusive. For "bytes */200" only the total is there.
struct ContentRange {
    bool unsatisfied = false;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> total;
};
std::optional<ContentRange> read_content_range(const Headers& headers);

std::optional<std::uint64_t> read_content_length(const Headers& headers);

// What If-Range may carry: a strong ETag, else Last-Modified; empty when there is neither.
std::string read_validator(const Headers& headers);

bool is_redirect(int status);

// For a status that brings no file.
domain::event::FetchFailed problem_of_status(const HttpResponse& head, Instant now);
// For an exchange that failed below HTTP, or a sink that refused.
domain::event::FetchFailed problem_of_error(const Error& error);
// For anything that this machine's disk refuses, a missing right or a foreign link as well: what was
// paid for waits until a person has mended it.
domain::event::FetchFailed problem_of_disk(const Error& error);

}  // namespace reeld::engine
