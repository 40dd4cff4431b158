#pragma once
// Plain HTTP messages: what codecs build and read, without any socket.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace reeld {

struct Header {
    std::string name;
    std::string value;
    friend bool operator==(const Header&, const Header&) = default;
};

// Header names compare without regard to case; order and repetition are kept.
class Headers {
  public:
    void add(std::string name, std::string value);
    void set(std::string_view name, std::string value);
    // The first value, nullptr when absent.
    const std::string* find(std::string_view name) const;
    const std::vector<Header>& all() const { return all_; }
    friend bool operator==(const Headers&, const Headers&) = default;

  private:
    std::vector<Header> all_;
};

struct HttpRequest {
    std::string method = "GET";
    std::string url;    // absolute, http or https; on a server: the target, path and query
    Headers headers;    // without Host, Content-Length and Connection
    std::string body;
};

struct HttpResponse {
    int status = 0;
    Headers headers;
    std::string body;
    bool complete = true;  // false: the body ended before its declared end
};

// How far an exchange came; it decides whether a submit may be repeated.
enum class Delivery {
    not_sent,    // no byte of the request left: lookup, connect or TLS failed
    maybe_sent,  // a byte may have left, no response head came
    answered,    // a response head came; see HttpResponse::complete
};

struct Exchange {
    std::string asked;      // "POST https://host/path": method and URL without its query
    Delivery delivery = Delivery::not_sent;
    HttpResponse response;  // meaningful when answered
    Error error;            // meaningful when not answered, or answered and not complete
};

// Parts of an absolute http(s) URL.
struct Url {
    std::string scheme;  // lower case
    std::string host;    // lower case, without brackets
    std::string port;    // "443" when not given
    std::string target;  // path and query, at least "/"
    bool has_userinfo = false;
};
// Nothing for anything but a well-formed http or https URL without control characters and spaces.
std::optional<Url> parse_url(std::string_view text);
std::string origin_of(const Url& url);  // "https://host:443"

// "example.com" matches itself, "*.example.com" every name below it, "127.0.0.1:8470" that port only.
bool host_matches(std::string_view pattern, const Url& url);

}  // namespace reeld
