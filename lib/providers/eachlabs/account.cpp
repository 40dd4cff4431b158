#include "providers/eachlabs/account.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace reeld::providers::eachlabs {
namespace {

constexpr std::string_view prefix = "eachlabs/";
constexpr std::size_t length_max = 128;

bool is_slug_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool is_place(std::string_view text) { return text == "." || text == ".."; }

}  // namespace

std::string_view slug_of(std::string_view model) {
    if (!model.starts_with(prefix)) return {};
    const std::string_view slug = model.substr(prefix.size());
    const bool good = slug.size() <= length_max && !is_place(slug) &&
                      std::all_of(slug.begin(), slug.end(), is_slug_letter);
    return good ? slug : std::string_view{};
}

bool is_prediction_id(std::string_view text) {
    return !text.empty() && text.size() <= length_max && !is_place(text) &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

domain::Remote make_remote(const Account& account, std::string prediction_id) {
    domain::Remote remote;
    remote.status_url = account.base + "/v1/prediction/" + percent_encode(prediction_id);
    remote.response_url = remote.status_url;
    remote.cancel_url = remote.status_url + "/cancel";
    remote.request_id = RequestId(std::move(prediction_id));
    return remote;
}

Result<std::string> prediction_url(const Account& account, const domain::Remote& remote) {
    if (!is_prediction_id(remote.request_id.str())) {
        return Error(ErrorCode::invalid, "the prediction has no usable id");
    }
    return make_remote(account, remote.request_id.str()).status_url;
}

bool is_api_url(const Account& account, std::string_view url) {
    const auto base = parse_url(account.base);
    const auto asked = parse_url(url);
    return base && asked && !asked->has_userinfo && origin_of(*base) == origin_of(*asked);
}

HttpRequest keyed_request(const Account& account, std::string method, std::string url) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    if (account.old_header) {
        request.headers.add("X-API-Key", account.key.reveal());
    } else {
        request.headers.add("Authorization", "Bearer " + account.key.reveal());
    }
    request.headers.add("Accept", "application/json");
    return request;
}

}  // namespace reeld::providers::eachlabs
