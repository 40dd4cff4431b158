#include "engine/upload_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace reeld::engine {
namespace {

using domain::Refusal;
using domain::RefusalKind;

std::string host_of(const std::string& text) {
    const auto url = parse_url(text);
    return url ? url->host : std::string("an address that is no URL");
}

json::value time_or_null(const std::optional<Instant>& at) {
    return at ? json::value(to_unix_ms(*at)) : json::value(nullptr);
}

std::optional<Instant> find_time(const json::object& object, std::string_view key) {
    const auto ms = find_int(object, key);
    return ms ? std::optional(from_unix_ms(*ms)) : std::nullopt;
}

}  // namespace

std::string base_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

std::string named(const domain::InputFile& file) {
    return fmt::format("{} ({})", file.field, base_name(file.path));
}

Refusal input_refused(std::string code, std::string message) {
    Refusal refusal;
    refusal.kind = RefusalKind::permanent;
    refusal.reason = domain::Reason::invalid_input;
    refusal.error = {std::move(code), std::move(message)};
    return refusal;
}

Refusal upload_retry(std::string code, std::string message) {
    Refusal refusal;
    refusal.kind = RefusalKind::retry;
    refusal.error = {std::move(code), std::move(message)};
    return refusal;
}

Refusal file_missing(const domain::InputFile& file) {
    return input_refused("input_missing",
                         fmt::format("{}: the file {} is not there any more; put it back and "
                                     "submit a new job, nothing was sent or billed",
                                     file.field, file.path));
}

Refusal file_changed(const domain::InputFile& file) {
    return input_refused("input_changed",
                         fmt::format("{}: the file {} has changed since the job was submitted; "
                                     "submit a new job with the file as it is now, nothing was "
                                     "sent or billed",
                                     file.field, file.path));
}

Result<bool> check_upload_url(const std::string& text,
                              const std::vector<std::string>& named_hosts) {
    const auto url = parse_url(text);
    if (!url) {
        return Error(ErrorCode::refused, "the provider names no http or https URL for the file");
    }
    if (url->has_userinfo) {
        return Error(ErrorCode::refused,
                     fmt::format("the file's place on {} carries a user name", url->host));
    }
    const bool known = std::any_of(named_hosts.begin(), named_hosts.end(),
                                   [&](const auto& host) { return host_matches(host, *url); });
    if (url->scheme != "https" && !known) {
        return Error(ErrorCode::refused,
                     fmt::format("the provider names a place for the file on {} that is reached "
                                 "by plain http",
                                 url->host));
    }
    return known;
}

Refusal storage_refusal(Refusal refusal, const UploadTicket& ticket) {
    if (refusal.kind == RefusalKind::credentials || refusal.kind == RefusalKind::account) {
        refusal.kind = RefusalKind::retry;
    }
    const auto put = parse_url(ticket.put_url);
    const std::string path = put ? put->target.substr(0, put->target.find('?')) : std::string();
    const std::string query =
        put && put->target.find('?') != std::string::npos
            ? put->target.substr(put->target.find('?') + 1)
            : std::string();
    const std::string& said = refusal.error.message;
    const bool tells = (path.size() > 1 && said.find(path) != std::string::npos) ||
                       (!query.empty() && said.find(query) != std::string::npos);
    if (tells) {
        refusal.error.message =
            fmt::format("the storage at {} did not take the file", host_of(ticket.put_url));
    }
    return refusal;
}

bool is_ticket_trouble(const Refusal& refusal) {
    return refusal.error.code == provider_api::upload_ticket_code;
}

int part_count(const UploadTicket& ticket, std::uint64_t bytes) {
    if (ticket.part_bytes == 0 || bytes == 0) return 1;
    return static_cast<int>((bytes + ticket.part_bytes - 1) / ticket.part_bytes);
}

PartRange part_range(const UploadTicket& ticket, std::uint64_t bytes, int number) {
    if (ticket.part_bytes == 0) return {0, bytes};
    PartRange range;
    range.offset = ticket.part_bytes * static_cast<std::uint64_t>(number - 1);
    range.bytes = std::min(ticket.part_bytes, bytes - std::min(bytes, range.offset));
    return range;
}

std::string ticket_text(const UploadTicket& ticket) {
    json::array headers;
    for (const auto& [name, value] : ticket.headers) headers.push_back(json::array{name, value});
    json::object object;
    object["file_url"] = ticket.file_url;
    object["put_url"] = ticket.put_url;
    object["headers"] = std::move(headers);
    object["part_bytes"] = ticket.part_bytes;
    object["put_until"] = time_or_null(ticket.put_until);
    object["expires_at"] = time_or_null(ticket.expires_at);
    return canonical_json(object);
}

std::optional<UploadTicket> ticket_of(const std::string& text) {
    const auto value = parse_json(text);
    const auto* object = value ? value->if_object() : nullptr;
    if (object == nullptr) return std::nullopt;
    const auto file_url = find_string(*object, "file_url");
    const auto put_url = find_string(*object, "put_url");
    const auto part_bytes = find_int(*object, "part_bytes");
    const json::array* headers = find_array(*object, "headers");
    if (!file_url || !put_url || !part_bytes || *part_bytes < 0 || headers == nullptr) {
        return std::nullopt;
    }
    UploadTicket ticket;
    ticket.file_url = *file_url;
    ticket.put_url = *put_url;
    ticket.part_bytes = static_cast<std::uint64_t>(*part_bytes);
    ticket.put_until = find_time(*object, "put_until");
    ticket.expires_at = find_time(*object, "expires_at");
    for (const json::value& one : *headers) {
        const auto* pair = one.if_array();
        if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
            !(*pair)[1].is_string()) {
            return std::nullopt;
        }
        ticket.headers.emplace_back(std::string((*pair)[0].get_string()),
                                    std::string((*pair)[1].get_string()));
    }
    return ticket;
}

}  // namespace reeld::engine
