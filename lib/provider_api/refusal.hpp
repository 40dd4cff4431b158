#pragma once
// What the status of an answer says of a call that made nothing.
#include "domain/event.hpp"

namespace reeld::provider_api {

// A refusal for a 4xx, its error and hint left empty. What no status settles is permanent: reason
// `invalid_input` where HTTP blames the request's content, otherwise `rejected`. A provider changes
// what it means otherwise, 403 above all.
domain::Refusal judge_client_error(int status);

}  // namespace reeld::provider_api
