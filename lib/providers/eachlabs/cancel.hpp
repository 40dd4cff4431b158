#pragma once
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"
#include "providers/eachlabs/account.hpp"

namespace reeld::providers::eachlabs {

Result<HttpRequest> build_cancel(const Account& account, const domain::Remote& remote);

// A receipt only, whatever word it has for its status: often the record alone is marked, and the
// prediction may still finish. Its polled status decides.
domain::Event read_cancel(const Exchange& exchange);

}  // namespace reeld::providers::eachlabs
