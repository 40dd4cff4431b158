#pragma once
// One prediction as it is read again: how far it is, what it made, what it cost.
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"
#include "providers/eachlabs/account.hpp"

namespace reeld::providers::eachlabs {

Result<HttpRequest> build_prediction(const Account& account, const domain::Remote& remote);

// Status and result are one call. Both vocabularies are understood; a word of neither is taken for
// a prediction that lives, so that it is asked again until the job's own deadline.
domain::Event read_status(const Exchange& exchange);
// The same, with ResultNotReady for what lives.
domain::Event read_result(const Exchange& exchange);

}  // namespace reeld::providers::eachlabs
