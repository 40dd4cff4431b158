#include "providers/eachlabs/upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "providers/eachlabs/answer.hpp"

namespace reeld::providers::eachlabs {
namespace {

using provider_api::UploadFile;
using provider_api::UploadTicket;

constexpr std::chrono::hours asked_life{7 * 24};
// Of a file whose end the answer does not tell.
constexpr std::chrono::hours sure_life{24};
// Of the signed 15 minutes; they began before the answer came here.
constexpr std::chrono::minutes put_time{14};
constexpr std::size_t headers_max = 16;

std::string_view file_type(std::string_view content_type) {
    for (const std::string_view kind : {"image", "video", "audio"}) {
        if (content_type.starts_with(kind) && content_type.substr(kind.size()).starts_with('/')) {
            return kind;
        }
    }
    return "other";
}

domain::ErrorInfo error_of(const Exchange& exchange) {
    const bool broken = exchange.delivery != Delivery::answered || is_success(exchange);
    return broken ? transport_error(exchange) : error_info(exchange.response);
}

bool is_header_name(std::string_view name) {
    constexpr std::array<std::string_view, 7> not_theirs{
        "host",       "content-length", "transfer-encoding", "connection",
        "authorization", "x-api-key",   "cookie"};
    const bool token = !name.empty() && name.size() <= 64 &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '-' || c == '_';
                       });
    return token && std::none_of(not_theirs.begin(), not_theirs.end(), [&](std::string_view own) {
               return equals_ignoring_case(name, own);
           });
}

bool is_header_value(std::string_view value) {
    return value.size() <= 1024 && std::all_of(value.begin(), value.end(), [](char c) {
               return c >= 0x20 && c < 0x7F;
           });
}

// The signature covers them, so one that cannot be sent makes the URL useless.
bool take_headers(const json::object& answer, UploadTicket& ticket) {
    const auto* given = find(answer, "required_headers");
    if (given == nullptr || given->is_null()) return true;
    const auto* headers = given->if_object();
    if (headers == nullptr || headers->size() > headers_max) return false;
    for (const auto& [name, value] : *headers) {
        if (!value.is_string() || !is_header_name(name)) return false;
        if (!is_header_value(value.get_string())) return false;
        if (equals_ignoring_case(name, "content-type")) {
            ticket.headers.front().second = std::string(value.get_string());
        } else {
            ticket.headers.emplace_back(std::string(name), std::string(value.get_string()));
        }
    }
    return true;
}

}  // namespace

HttpRequest build_upload_start(const Account& account, const UploadFile& file) {
    HttpRequest request = keyed_request(account, "POST", account.base + "/v1/upload/presign");
    request.headers.add("Content-Type", "application/json");
    const json::object wish{
        {"content_type", file.content_type},
        {"file_type", file_type(file.content_type)},
        {"expires_in_seconds", std::chrono::seconds(asked_life).count()}};
    request.body = json::serialize(wish);
    return request;
}

provider_api::UploadStart read_upload_start(const UploadFile& file, const Exchange& exchange,
                                            Instant now) {
    if (!is_success(exchange)) {
        return provider_api::refuse_upload_start(exchange, error_of(exchange));
    }
    const auto garbled = [&](std::string what) {
        return provider_api::garbled_upload(exchange, "Eachlabs' answer to the start of an upload " +
                                                          std::move(what));
    };
    const auto value = parse_json(exchange.response.body);
    const auto* answer = value ? value->if_object() : nullptr;
    if (answer == nullptr) return garbled("is not JSON");
    UploadTicket ticket;
    ticket.put_url = find_string(*answer, "presigned_url").value_or("");
    ticket.file_url = find_string(*answer, "public_url").value_or("");
    if (!provider_api::is_upload_url(ticket.put_url)) return garbled("has no presigned_url");
    if (!provider_api::is_upload_url(ticket.file_url)) return garbled("has no public_url");
    ticket.headers.emplace_back("Content-Type", file.content_type);
    if (!take_headers(*answer, ticket)) return garbled("wants headers that cannot be sent");
    ticket.put_until = now + put_time;
    const auto told = find_string(*answer, "expires_at");
    ticket.expires_at = told ? parse_rfc3339(*told) : std::nullopt;
    if (!ticket.expires_at) ticket.expires_at = now + sure_life;
    // A file that is gone before it is there would be sent for ever.
    if (*ticket.expires_at <= now) return garbled("gives a file that has expired already");
    return ticket;
}

Result<HttpRequest> build_upload_part(const UploadTicket& ticket, int number) {
    if (number != 1) return Error(ErrorCode::invalid, "the upload has no such part");
    if (!provider_api::is_upload_url(ticket.put_url)) {
        return Error(ErrorCode::invalid, "the upload has no usable URL");
    }
    HttpRequest request;
    request.method = "PUT";
    request.url = ticket.put_url;
    for (const auto& [name, text] : ticket.headers) request.headers.add(name, text);
    return request;
}

provider_api::UploadedPart read_upload_part(const Exchange& exchange) {
    if (!is_success(exchange) || !exchange.response.complete) {
        return provider_api::refuse_upload_put(exchange, error_of(exchange));
    }
    return std::string();
}

}  // namespace reeld::providers::eachlabs
