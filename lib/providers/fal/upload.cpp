#include "providers/fal/upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "providers/fal/failure.hpp"

namespace reeld::providers::fal {
namespace {

using provider_api::UploadFile;
using provider_api::UploadTicket;

constexpr std::uint64_t whole_max = 90ull * 1024 * 1024;
constexpr std::uint64_t part_bytes = 10ull * 1024 * 1024;
// Asked for, because the account's own setting is told nowhere and may be an hour.
constexpr std::chrono::hours life{7 * 24};

bool is_success(const Exchange& exchange) {
    const int status = exchange.response.status;
    return exchange.delivery == Delivery::answered && status >= 200 && status < 300;
}

domain::ErrorInfo error_of(const Exchange& exchange) {
    if (exchange.delivery != Delivery::answered) return transport_error(exchange);
    const HttpResponse& response = exchange.response;
    // A success that was cut: what broke is the connection.
    if (is_success(exchange)) return transport_error(exchange);
    return error_info(response.status, response.headers, read_error_body(response.body));
}

// Further calls of an upload are told apart by what follows the path.
std::string below(const std::string& put_url, std::string_view rest) {
    const auto end = std::min(put_url.find('?'), put_url.size());
    return fmt::format("{}/{}{}", put_url.substr(0, end), rest, put_url.substr(end));
}

// Quotes are part of an etag.
bool is_etag(std::string_view text) {
    constexpr std::size_t length_max = 256;
    return !text.empty() && text.size() <= length_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::string etag_in(const HttpResponse& response) {
    const auto value = parse_json(response.body);
    const auto* answer = value ? value->if_object() : nullptr;
    if (answer != nullptr) {
        const auto told = find_string(*answer, "etag");
        if (told && is_etag(*told)) return *told;
    }
    const auto* header = response.headers.find("ETag");
    return header != nullptr && is_etag(*header) ? *header : "";
}

}  // namespace

HttpRequest build_upload_start(const Hosts& hosts, const Secret& key, const UploadFile& file) {
    const bool whole = file.bytes <= whole_max;
    HttpRequest request = keyed_request(
        "POST",
        fmt::format("{}/storage/upload/{}?storage_type=fal-cdn-v3", hosts.rest,
                    whole ? "initiate" : "initiate-multipart"),
        key);
    request.headers.add("Content-Type", "application/json");
    // The documents and the older client have the one name, the newer client the other.
    const std::string lifecycle = fmt::format(R"({{"expiration_duration_seconds":{}}})",
                                              std::chrono::seconds(life).count());
    request.headers.add("X-Fal-Object-Lifecycle", lifecycle);
    request.headers.add("X-Fal-Object-Lifecycle-Preference", lifecycle);
    const json::object wish{{"content_type", file.content_type},
                            {"file_name", provider_api::upload_name(file.name)}};
    request.body = json::serialize(wish);
    return request;
}

provider_api::UploadStart read_upload_start(const UploadFile& file, const Exchange& exchange,
                                            Instant now) {
    if (!is_success(exchange)) {
        return provider_api::refuse_upload_start(exchange, error_of(exchange));
    }
    // A document that parses is whole, even when the connection then ended too early.
    const auto value = parse_json(exchange.response.body);
    const auto* answer = value ? value->if_object() : nullptr;
    if (answer == nullptr) {
        return provider_api::garbled_upload(
            exchange, "fal answered the start of an upload with a body that is not JSON");
    }
    UploadTicket ticket;
    ticket.file_url = find_string(*answer, "file_url").value_or("");
    ticket.put_url = find_string(*answer, "upload_url").value_or("");
    for (const auto& [name, url] :
         {std::pair("file_url", &ticket.file_url), std::pair("upload_url", &ticket.put_url)}) {
        if (provider_api::is_upload_url(*url)) continue;
        return provider_api::garbled_upload(
            exchange, fmt::format("fal's {} for an upload is not a URL", name));
    }
    if (file.bytes > whole_max) {
        ticket.part_bytes = part_bytes;
    } else {
        ticket.headers.emplace_back("Content-Type", file.content_type);
    }
    ticket.expires_at = now + life;
    return ticket;
}

Result<HttpRequest> build_upload_part(const UploadTicket& ticket, const UploadFile& file,
                                      int number) {
    const std::uint64_t parts =
        ticket.part_bytes == 0
            ? 1
            : std::max<std::uint64_t>(1, (file.bytes + ticket.part_bytes - 1) / ticket.part_bytes);
    if (number < 1 || static_cast<std::uint64_t>(number) > parts) {
        return Error(ErrorCode::invalid, "the upload has no such part");
    }
    if (!provider_api::is_upload_url(ticket.put_url)) {
        return Error(ErrorCode::invalid, "the upload has no usable URL");
    }
    HttpRequest request;
    request.method = "PUT";
    request.url = ticket.part_bytes == 0 ? ticket.put_url
                                         : below(ticket.put_url, std::to_string(number));
    for (const auto& [name, text] : ticket.headers) request.headers.add(name, text);
    return request;
}

provider_api::UploadedPart read_upload_part(const UploadTicket& ticket, const Exchange& exchange) {
    if (!is_success(exchange) || !exchange.response.complete) {
        return provider_api::refuse_upload_put(exchange, error_of(exchange));
    }
    std::string etag = etag_in(exchange.response);
    if (etag.empty() && ticket.part_bytes != 0) {
        return provider_api::garbled_upload(exchange,
                                            "fal took a part of a file and told no etag for it");
    }
    return etag;
}

std::optional<HttpRequest> build_upload_end(const UploadTicket& ticket,
                                            const std::vector<std::string>& etags) {
    if (ticket.part_bytes == 0) return std::nullopt;
    HttpRequest request;
    request.method = "POST";
    request.url = below(ticket.put_url, "complete");
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json");
    json::array parts;
    for (const std::string& etag : etags) {
        parts.push_back(json::object{{"partNumber", parts.size() + 1}, {"etag", etag}});
    }
    request.body = json::serialize(json::object{{"parts", std::move(parts)}});
    return request;
}

std::optional<domain::Refusal> read_upload_end(const Exchange& exchange) {
    if (is_success(exchange)) return std::nullopt;
    auto refusal = provider_api::refuse_upload_put(exchange, error_of(exchange));
    const int status = exchange.response.status;
    const bool parts_refused = status == 400 || status == 409 || status == 422;
    if (exchange.delivery == Delivery::answered && parts_refused) {
        // The parts do not fit together, and sending the same list again would not mend that.
        refusal.kind = domain::RefusalKind::retry;
        refusal.reason = domain::Reason::provider_error;
        refusal.error.code = provider_api::upload_ticket_code;
    }
    return refusal;
}

}  // namespace reeld::providers::fal
