#include "providers/fal/hosts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "providers/fal/endpoint_id.hpp"

namespace reeld::providers::fal {
namespace {

const std::string& given_url(const domain::Remote& remote, RequestUrl which) {
    switch (which) {
        case RequestUrl::status:
            return remote.status_url;
        case RequestUrl::response:
            return remote.response_url;
        case RequestUrl::cancel:
            return remote.cancel_url;
    }
    return remote.status_url;
}

}  // namespace

bool is_request_id(std::string_view text) {
    constexpr std::size_t length_max = 128;
    return !text.empty() && text.size() <= length_max && text != "." && text != ".." &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

bool is_queue_url(const Hosts& hosts, std::string_view url) {
    const auto queue = parse_url(hosts.queue);
    const auto asked = parse_url(url);
    return queue && asked && !asked->has_userinfo && origin_of(*queue) == origin_of(*asked);
}

domain::Remote make_remote(const Hosts& hosts, std::string_view model, std::string request_id) {
    domain::Remote remote;
    if (const auto id = parse_endpoint_id(model)) {
        remote.response_url =
            fmt::format("{}/{}/requests/{}", hosts.queue, id->root, percent_encode(request_id));
        remote.status_url = remote.response_url + "/status";
        remote.cancel_url = remote.response_url + "/cancel";
    }
    remote.request_id = RequestId(std::move(request_id));
    return remote;
}

Result<std::string> url_of(const Hosts& hosts, std::string_view model, const domain::Remote& remote,
                           RequestUrl which) {
    const std::string& given = given_url(remote, which);
    if (is_queue_url(hosts, given)) return given.substr(0, given.find('#'));
    if (!is_request_id(remote.request_id.str())) {
        return Error(ErrorCode::invalid, "the request has no usable id");
    }
    const domain::Remote made = make_remote(hosts, model, remote.request_id.str());
    const std::string& url = given_url(made, which);
    if (url.empty()) return Error(ErrorCode::invalid, "the model is not a fal endpoint id");
    return url;
}

HttpRequest keyed_request(std::string method, std::string url, const Secret& key) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    request.headers.add("Authorization", "Key " + key.reveal());
    request.headers.add("Accept", "application/json");
    return request;
}

}  // namespace reeld::providers::fal
