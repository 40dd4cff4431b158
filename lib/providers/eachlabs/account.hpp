#pragma once
// Where Eachlabs is, who asks there, and the URLs of one prediction.
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "domain/job.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::providers::eachlabs {

struct Account {
    std::string base = "https://api.eachlabs.ai";
    Secret key;
    bool old_header = false;  // X-API-Key in place of Authorization: Bearer
};

// The slug in "eachlabs/<slug>": letters, digits, '-', '_' and '.', at most 128; "" for any other
// text.
std::string_view slug_of(std::string_view model);

// True for a text that may be a prediction's id: 1 to 128 visible ASCII characters, and not "." or
// "..", which would mean another place in a URL, encoded or not.
bool is_prediction_id(std::string_view text);

// The API gives one URL for everything; both of a Remote's reading URLs are it.
domain::Remote make_remote(const Account& account, std::string prediction_id);

// Always the built one: what an answer names as its URL is not looked at. An error when the id
// cannot be one.
Result<std::string> prediction_url(const Account& account, const domain::Remote& remote);

// True for a URL with the scheme, host and port of the API and without user info.
bool is_api_url(const Account& account, std::string_view url);

// A request that carries the key; the URL must be below the base.
HttpRequest keyed_request(const Account& account, std::string method, std::string url);

}  // namespace reeld::providers::eachlabs
