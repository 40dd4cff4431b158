#pragma once
// Files that go to a provider before a submit names them: a start call that carries the key and gives
// a ticket, then PUTs of the bytes that carry none.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"

namespace reeld::provider_api {

struct UploadFile {
    std::string name;  // the last part of its path
    std::string content_type;
    std::uint64_t bytes = 0;
};

// Leave to send one file. Its put_url is a secret for as long as it works.
struct UploadTicket {
    std::string file_url;  // what the input names once the file is there
    std::string put_url;
    std::vector<std::pair<std::string, std::string>> headers;  // of the PUT, unchanged
    std::uint64_t part_bytes = 0;       // of every part but the last; 0: whole in one PUT
    std::optional<Instant> put_until;   // a new ticket is needed from then on
    std::optional<Instant> expires_at;  // of file_url; nothing: it does not end
    friend bool operator==(const UploadTicket&, const UploadTicket&) = default;
};

struct UploadLimits {
    std::uint64_t bytes_max = 0;  // of one file
};

// What calls of an upload came to. The refusal of a PUT whose ticket is of no use any more has the
// kind `retry` and the code `upload_ticket`: a new start call is needed, the account is well.
using UploadStart = std::variant<UploadTicket, domain::Refusal>;
using UploadedPart = std::variant<std::string, domain::Refusal>;  // its etag, empty when none is needed

inline constexpr std::string_view upload_ticket_code = "upload_ticket";

// True for an absolute URL without user info and fragment, at most 8 KiB long: signed ones are long.
bool is_upload_url(std::string_view text);

// A file's name as it may stand in a URL: of ASCII letters, digits, '.', '_' and '-', at most 100,
// never empty.
std::string upload_name(std::string_view name);

// Why a call of an upload came to nothing; `error` says what the provider said. None of these calls
// costs anything, so whatever does not blame the file itself is worth another try.
domain::Refusal refuse_upload_start(const Exchange& exchange, domain::ErrorInfo error);
domain::Refusal refuse_upload_put(const Exchange& exchange, domain::ErrorInfo error);
// An answer that cannot be used.
domain::Refusal garbled_upload(const Exchange& exchange, std::string message);

}  // namespace reeld::provider_api
