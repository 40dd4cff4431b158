#pragma once
// Files that go to a provider before a submit names them: a start call that carries the key and gives
// a ticket, then PUTs of the bytes that carry none.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "domain/event.hpp"

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

inline constexpr const char* upload_ticket_code = "upload_ticket";

}  // namespace reeld::provider_api
