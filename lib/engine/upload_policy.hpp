#pragma once
// What an upload may reach, what its troubles mean for its job, and the words for both. Pure.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event.hpp"
#include "domain/input_file.hpp"
#include "provider_api/http_message.hpp"
#include "provider_api/upload.hpp"

namespace reeld::engine {

using provider_api::UploadTicket;

// "input.image_url (shot.png)"
std::string named(const domain::InputFile& file);
std::string base_name(std::string_view path);

// Nothing helps but another job; `code` is input_missing, input_changed and so on.
domain::Refusal input_refused(std::string code, std::string message);
// Another try may help.
domain::Refusal upload_retry(std::string code, std::string message);

domain::Refusal file_missing(const domain::InputFile& file);
domain::Refusal file_changed(const domain::InputFile& file);

// Where a provider sends the bytes: https, no user name, and a public address, unless it is a host that
// the user named. True for one that was named; the error names the host alone.
Result<bool> check_upload_url(const std::string& url, const std::vector<std::string>& named_hosts);

// Of a PUT or what joins the parts: whatever it says, the account is well. Words of the storage that
// tell the place of the bytes are left out.
domain::Refusal storage_refusal(domain::Refusal refusal, const UploadTicket& ticket);
bool is_ticket_trouble(const domain::Refusal& refusal);

// Parts of a file; 1 for the whole in one.
int part_count(const UploadTicket& ticket, std::uint64_t bytes);
struct PartRange {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};
PartRange part_range(const UploadTicket& ticket, std::uint64_t bytes, int number);

// The ticket as the store keeps it: a secret.
std::string ticket_text(const UploadTicket& ticket);
std::optional<UploadTicket> ticket_of(const std::string& text);

}  // namespace reeld::engine
