#pragma once
// Creating a prediction: the one call that costs money, and what each of its answers proves.
#include "domain/event.hpp"
#include "provider_api/provider.hpp"
#include "providers/eachlabs/account.hpp"

namespace reeld::providers::eachlabs {

Result<HttpRequest> build_submit(const Account& account, const provider_api::SubmitIntent& intent);

domain::Event read_submit(const Account& account, const Exchange& exchange);

}  // namespace reeld::providers::eachlabs
