#include "engine/fetch_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <sstream>

#include "provider_api/retry_after.hpp"

namespace reeld::engine {
namespace {

using domain::event::FetchFailed;
using domain::event::FetchProblem;

bool matches_any(const std::vector<std::string>& patterns, const Url& url) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return host_matches(pattern, url); });
}

std::optional<std::uint64_t> read_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
    return number;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

FetchFailed failed(FetchProblem problem, std::string code, std::string message) {
    FetchFailed event;
    event.problem = problem;
    event.error.code = std::move(code);
    event.error.message = std::move(message);
    return event;
}

std::string without_dots(const std::string& path) {
    std::vector<std::string> kept;
    std::istringstream stream(path.substr(1));
    bool folder = path.ends_with('/');
    for (std::string segment; std::getline(stream, segment, '/');) {
        folder = path.ends_with('/') || segment == "." || segment == "..";
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (segment != ".") {
            kept.push_back(segment);
        }
    }
    std::string out;
    for (const std::string& segment : kept)
        out += "/" + segment;
    return out.empty() || folder ? out + "/" : out;
}

}  // namespace

Result<FetchHop> check_hop(const std::string& text, const FetchHosts& hosts) {
    const auto url = parse_url(text);
    if (!url) return Error(ErrorCode::refused, "the file's address is no http or https URL");
    if (url->has_userinfo) {
        return Error(ErrorCode::refused,
                     fmt::format("the file's address on {} carries a user name", url->host));
    }
    const bool named = matches_any(hosts.named, *url);
    if (!named && !matches_any(hosts.allowed, *url)) {
        return Error(ErrorCode::refused,
                     fmt::format("the host {} is not in downloads.allowed_hosts", url->host));
    }
    if (url->scheme == "http" && !named) {
        return Error(ErrorCode::refused,
                     fmt::format("plain http to {} is refused; only hosts that the configuration "
                                 "names may be reached that way",
                                 url->host));
    }
    return FetchHop{text, named};
}

std::optional<std::string> resolve_location(const std::string& base, std::string_view location) {
    location = trimmed(location.substr(0, location.find('#')));
    const auto from = parse_url(base);
    if (!from || location.empty()) return std::nullopt;
    std::string url;
    if (location.starts_with("//")) {
        url = from->scheme + ":" + std::string(location);
    } else if (location.front() == '/') {
        url = origin_of(*from) + std::string(location);
    } else if (location.substr(0, location.find_first_of("/?")).find(':') !=
               std::string_view::npos) {
        url = std::string(location);
    } else {
        const std::string path = from->target.substr(0, from->target.find('?'));
        const std::size_t query = std::min(location.find('?'), location.size());
        const std::string relative(location.substr(0, query));
        const std::string merged =
            relative.empty() ? path : without_dots(path.substr(0, path.rfind('/') + 1) + relative);
        url = origin_of(*from) + merged + std::string(location.substr(query));
    }
    if (!parse_url(url)) return std::nullopt;
    return url;
}

std::optional<ContentRange> read_content_range(const Headers& headers) {
    const std::string* header = headers.find("Content-Range");
    if (header == nullptr || !header->starts_with("bytes ")) return std::nullopt;
    const std::string_view text = trimmed(std::string_view(*header).substr(6));
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    ContentRange range;
    const std::string_view span = text.substr(0, slash);
    const std::string_view total = text.substr(slash + 1);
    if (total != "*") {
        range.total = read_number(total);
        if (!range.total) return std::nullopt;
    }
    if (span == "*") {
        range.unsatisfied = true;
        return range;
    }
    const std::size_t dash = span.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = read_number(span.substr(0, dash));
    const auto last = read_number(span.substr(dash + 1));
    if (!first || !last || *last < *first || (range.total && *last >= *range.total)) {
        return std::nullopt;
    }
    range.first = *first;
    range.last = *last;
    return range;
}

std::optional<std::uint64_t> read_content_length(const Headers& headers) {
    const std::string* text = headers.find("Content-Length");
    return text == nullptr ? std::nullopt : read_number(trimmed(*text));
}

std::string read_validator(const Headers& headers) {
    const std::string* tag = headers.find("ETag");
    if (tag != nullptr && tag->size() > 2 && tag->size() <= 512 && tag->front() == '"' &&
        tag->back() == '"') {
        return *tag;
    }
    const std::string* date = headers.find("Last-Modified");
    return date != nullptr && parse_http_date(*date) ? *date : std::string();
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

FetchFailed problem_of_status(const HttpResponse& head, Instant now) {
    const std::string code = fmt::format("http_{}", head.status);
    if (head.status == 401 || head.status == 403 || head.status == 404 || head.status == 410) {
        return failed(
            FetchProblem::expired, code,
            fmt::format("the file is gone or may not be read any more: the server answered {}",
                        head.status));
    }
    FetchFailed event =
        failed(FetchProblem::retry, code,
               fmt::format("the server answered {} in place of the file", head.status));
    event.retry_after = retry_after_of(head.headers, now);
    return event;
}

FetchFailed problem_of_error(const Error& error) {
    const bool never = error.code() == ErrorCode::refused || error.code() == ErrorCode::too_large;
    return failed(never ? FetchProblem::refused : FetchProblem::retry,
                  std::string(to_string(error.code())), error.message());
}

FetchFailed problem_of_disk(const Error& error) {
    return failed(FetchProblem::disk, std::string(to_string(error.code())), error.message());
}

}  // namespace reeld::engine
