#pragma once
// Where fal is, and the URLs of one request there.
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "domain/job.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::providers::fal {

struct Hosts {
    std::string queue = "https://queue.fal.run";
    std::string rest = "https://rest.fal.ai";
    std::string platform = "https://api.fal.ai/v1";
};

// True for a text that may be a request's id: 1 to 128 visible ASCII characters, and not "." or "..",
// which would mean another place in a URL, encoded or not.
bool is_request_id(std::string_view text);

// True for a URL with the scheme, host and port of the queue and without user info.
bool is_queue_url(const Hosts& hosts, std::string_view url);

// The request's URLs as fal makes them: the app root, "requests", the id. The model must be an
// endpoint id; for anything else the URLs are empty.
domain::Remote make_remote(const Hosts& hosts, std::string_view model, std::string request_id);

// The URL that fal gave when it may be sent the key, otherwise the built one. An error when the
// model is no endpoint id or the request has no id.
enum class RequestUrl { status, response, cancel };
Result<std::string> url_of(const Hosts& hosts, std::string_view model, const domain::Remote& remote,
                           RequestUrl which);

// A request that carries the key; the caller has made sure that the URL may have it.
HttpRequest keyed_request(std::string method, std::string url, const Secret& key);

}  // namespace reeld::providers::fal
