// Small texts: URLs, targets with their query, times and sizes, encodings, JSON.
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "api/query.hpp"
#include "api/routes.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "fuzz/target.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "provider_api/http_message.hpp"
#include "provider_api/retry_after.hpp"

namespace reeld::fuzz {
namespace {

namespace ip = boost::asio::ip;

bool is_plain(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7F) return false;
    }
    return true;
}

bool same(const Url& a, const Url& b) {
    return a.scheme == b.scheme && a.host == b.host && a.port == b.port && a.target == b.target;
}

// Every way in which an IPv6 address can carry the address of a private network.
void check_disguises(std::string_view bytes) {
    static constexpr std::array<std::string_view, 9> prefixes{
        std::string_view("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12),          // mapped
        std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0", 12),              // compatible
        std::string_view("\0\0\0\0\0\0\0\0\xFF\xFF\0\0", 12),          // translated
        std::string_view("\0\x64\xFF\x9B\0\0\0\0\0\0\0\0", 12),        // NAT64
        std::string_view("\0\x64\xFF\x9B\0\1\0\0\0\0\0\0", 12),        // local NAT64
        std::string_view("\x20\x01\0\0\0\0\0\0\0\0\0\0", 12),          // Teredo
        std::string_view("\xFE\x80\0\0\0\0\0\0\0\0\0\0", 12),          // link-local
        std::string_view("\xFD\0\0\0\0\0\0\0\0\0\0\0", 12),            // unique local
        std::string_view("\xFF\2\0\0\0\0\0\0\0\0\0\0", 12),            // multicast
    };
    static constexpr std::array<std::array<unsigned char, 2>, 5> networks{
        {{127, 0}, {10, 0}, {192, 168}, {169, 254}, {172, 16}}};
    const auto at = [&](std::size_t i) {
        return static_cast<unsigned char>(bytes[i % bytes.size()]);
    };
    const auto& network = networks[at(0) % networks.size()];
    const ip::address_v4 inner(ip::address_v4::bytes_type{network[0], network[1], at(1), at(2)});
    must(http::is_private_address(inner.to_string()), "private: " + inner.to_string());
    for (const std::string_view prefix : prefixes) {
        ip::address_v6::bytes_type whole{};
        for (std::size_t i = 0; i < 12; ++i) whole[i] = static_cast<unsigned char>(prefix[i]);
        for (std::size_t i = 0; i < 4; ++i) whole[12 + i] = inner.to_bytes()[i];
        const std::string text = ip::address_v6(whole).to_string();
        must(http::is_private_address(text), "private in disguise: " + text);
    }
    ip::address_v6::bytes_type sixtofour{0x20, 0x02};
    for (std::size_t i = 0; i < 4; ++i) sixtofour[2 + i] = inner.to_bytes()[i];
    must(http::is_private_address(ip::address_v6(sixtofour).to_string()), "private in 6to4");
}

}  // namespace

void run_url(std::string_view input) {
    if (!input.empty()) check_disguises(input);
    static_cast<void>(redact_url(input));
    const auto url = parse_url(input);
    if (!url) return;
    must(url->scheme == "http" || url->scheme == "https", "a known scheme");
    must(is_plain(url->host) && is_plain(url->target), "nothing that breaks a request's head");
    must(url->host.find_first_of("@/\\?#[]%") == std::string::npos, "a host and nothing else");
    must(url->target.starts_with('/') && url->target.find('#') == std::string::npos, "a target");
    const auto again = parse_url(origin_of(*url) + url->target);
    must(again && same(*again, *url) && !again->has_userinfo, "a URL that reads back as itself");
    boost::system::error_code failure;
    const auto address = ip::make_address(url->host, failure);
    if (!failure && address.is_v4()) {
        const auto mapped = ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_string();
        must(http::is_private_address(mapped), "a mapped address is refused");
    }
    must(host_matches(url->host.find(':') == std::string::npos ? url->host : "[" + url->host + "]",
                      *url),
         "a host matches itself");
    must(!host_matches("*." + url->host, *url), "a host is not below itself");
}

void run_http_target(std::string_view input) {
    Lines lines(input);
    const std::string method(lines.next());
    const auto target = http::parse_target(lines.rest());
    if (!target) return;
    must(is_plain(target->path) && target->path.starts_with('/'), "a path");
    must(is_utf8(*percent_decode(target->path)), "a path that can be shown");
    for (const auto& [name, value] : target->query) {
        must(is_utf8(name) && is_utf8(value), "a query that can be shown");
    }
    static_cast<void>(api::match_route(method, target->path));
    static_cast<void>(api::check_parameters(*target, {"after", "all"}));
    const auto filter = api::read_list_query(*target);
    if (const auto* problem = std::get_if<api::Problem>(&filter)) {
        const auto answer = api::to_response(*problem);
        must(parse_json(answer.body).has_value(), "a problem is JSON: " + answer.body);
        must(answer.status >= 400 && answer.status < 500, "the asker's fault");
    } else {
        const auto& wanted = std::get<store::JobFilter>(filter);
        must(wanted.limit >= 1 && wanted.limit <= api::list_limit_max, "a bounded list");
        const auto cursor = target->get("cursor");
        if (cursor && !cursor->empty()) {
            const auto seq = api::read_cursor(*cursor);
            must(seq && api::read_cursor(api::make_cursor(*seq)) == seq, "a cursor reads back");
        }
    }
}

void run_times(std::string_view input) {
    if (const auto at = parse_rfc3339(input)) {
        must(*at >= Instant{}, "no time before 1970");
        must(parse_rfc3339(to_rfc3339(*at)) == at, "a time reads back");
    }
    if (const auto at = parse_http_date(input)) {
        must(parse_rfc3339(to_rfc3339(*at)) == at, "a date reads back");
    }
    if (const auto duration = parse_duration(input)) {
        must(*duration >= Millis{0}, "no negative duration");
        must(parse_duration(std::to_string(duration->count()) + "ms") == duration, "reads back");
        static_cast<void>(format_duration(*duration));
    }
    if (const auto size = parse_size(input)) {
        must(parse_size(std::to_string(*size) + "B") == size, "a size reads back");
        static_cast<void>(format_size(*size));
    }
    Lines lines(input);
    Headers headers;
    headers.add("Retry-After", std::string(lines.next()));
    if (!lines.empty()) headers.add("Date", std::string(lines.next()));
    const auto wait = retry_after_of(headers, from_unix_ms(1'795'000'000'000));
    must(!wait || (*wait >= Millis{0} && *wait <= std::chrono::hours{1}), "a bounded hint");
}

void run_encoding(std::string_view input) {
    must(from_hex(to_hex(input)) == input, "hex reads back");
    must(from_base64url(to_base64url(input)) == input, "base64url reads back");
    must(percent_decode(percent_encode(input)) == input, "percent-encoding reads back");
    if (const auto bytes = from_hex(input)) must(bytes->size() * 2 == input.size(), "hex");
    static_cast<void>(from_base64url(input));
    static_cast<void>(percent_decode(input));
    const bool whole = is_utf8(input);
    const auto clipped = clip_utf8(input, input.size() / 2);
    must(is_utf8(clipped) && clipped.size() <= input.size() / 2, "a clipped text is whole");
    must(!whole || clip_utf8(input, input.size()) == input, "what fits is not clipped");
    if (is_job_id(input)) {
        must(percent_encode(input) == input, "an id needs no encoding");
        must(input.find('/') == std::string_view::npos, "an id is one segment");
    }
    static_cast<void>(ed25519_verify(input, "message", input));
}

void run_json(std::string_view input) {
    const auto value = parse_json(input);
    if (!value) {
        must(is_utf8(value.error().context()) || !is_utf8(input), "an error that can be shown");
        return;
    }
    const std::string text = canonical_json(*value);
    const auto again = parse_json(text);
    must(again.has_value(), "canonical JSON is JSON: " + text);
    must(canonical_json(*again) == text, "canonical JSON stays as it is: " + text);
    must(is_utf8(text) && text.find('\n') == std::string::npos, "one line of UTF-8");
}

}  // namespace reeld::fuzz
