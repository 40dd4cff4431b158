#pragma once
// Files in fal's storage: a start call, then one PUT, or parts of 10 MiB and a call that joins them.
// A file is asked to be kept for a week: long enough to be used again, and gone after that.
#include "provider_api/upload.hpp"
#include "providers/fal/hosts.hpp"

namespace reeld::providers::fal {

inline constexpr std::uint64_t upload_bytes_max = 2ull * 1024 * 1024 * 1024;  // fal names no limit

HttpRequest build_upload_start(const Hosts& hosts, const Secret& key,
                               const provider_api::UploadFile& file);
provider_api::UploadStart read_upload_start(const provider_api::UploadFile& file,
                                            const Exchange& exchange, Instant now);

// An error for a number that the ticket has no part for, or a put_url that is none.
Result<HttpRequest> build_upload_part(const provider_api::UploadTicket& ticket,
                                      const provider_api::UploadFile& file, int number);
provider_api::UploadedPart read_upload_part(const provider_api::UploadTicket& ticket,
                                            const Exchange& exchange);

// Nothing for a file that goes in one PUT.
std::optional<HttpRequest> build_upload_end(const provider_api::UploadTicket& ticket,
                                            const std::vector<std::string>& etags);
std::optional<domain::Refusal> read_upload_end(const Exchange& exchange);

}  // namespace reeld::providers::fal
