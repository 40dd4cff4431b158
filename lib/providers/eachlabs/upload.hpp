#pragma once
// Files in Eachlabs' storage: a call that signs a URL, then one PUT to it within 15 minutes.
#include "provider_api/upload.hpp"
#include "providers/eachlabs/account.hpp"

namespace reeld::providers::eachlabs {

inline constexpr std::uint64_t upload_bytes_max = 100'000'000;

HttpRequest build_upload_start(const Account& account, const provider_api::UploadFile& file);
provider_api::UploadStart read_upload_start(const provider_api::UploadFile& file,
                                            const Exchange& exchange, Instant now);

// An error for any number but 1, or a put_url that is none.
Result<HttpRequest> build_upload_part(const provider_api::UploadTicket& ticket, int number);
provider_api::UploadedPart read_upload_part(const Exchange& exchange);

}  // namespace reeld::providers::eachlabs
