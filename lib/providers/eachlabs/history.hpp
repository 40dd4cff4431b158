#pragma once
// The organisation's executions: how a submit whose answer was lost is found again. The list has no
// inputs; each execution that may be it is looked up as a prediction, which echoes its input.
#include "provider_api/provider.hpp"
#include "providers/eachlabs/account.hpp"

namespace reeld::providers::eachlabs {

// The model's executions from 120 s before the intent to 15 min after it: room for clocks that
// differ and for a submit that took its whole time. The cursor is the offset.
HttpRequest build_history(const Account& account, const provider_api::SubmitIntent& intent,
                          const std::string& cursor);

// An error for anything but a whole, readable page: a page read in part would prove an absence that
// is none. The last page is one shorter than its limit; the total is not believed.
Result<provider_api::HistoryPage> read_history(const Account& account,
                                               const provider_api::SubmitIntent& intent,
                                               const Exchange& exchange);

// Nothing when there is no such prediction.
Result<std::optional<provider_api::HistoryItem>> read_lookup(const Account& account,
                                                             const RequestId& request,
                                                             const Exchange& exchange);

}  // namespace reeld::providers::eachlabs
