#pragma once
// Answers that are no success, as refusals.
#include "domain/event.hpp"
#include "provider_api/http_message.hpp"
#include "providers/fal/error_body.hpp"

namespace reeld::providers::fal {

// fal's own mark: without it a 5xx was made by a proxy in front of it.
bool has_request_id(const Headers& headers);

// A code and a sentence for the answer: fal's own words when it has any, else those of the status.
domain::ErrorInfo error_info(int status, const Headers& headers, const ErrorBody& body);

// How to treat a request that ended with this status and body (the model's own, as the result call
// and the webhook repeat it): `retry` when another submit may help, else `permanent`.
domain::Refusal classify_ended(int status, const Headers& headers, const ErrorBody& body);

// Whether fal bills nothing for a request that ended so: its own count of units decides; without
// one, 5xx is not charged, by its documents.
bool is_free(int status, const Headers& headers);
domain::event::ResultFailed failed_end(int status, const Headers& headers, const ErrorBody& body);

// The reason of an error that fal reports of the input.
domain::Reason input_reason(const ErrorBody& body);

// A call that did not tell what was asked: no answer, or one of 401, 403, 429, 5xx and the like.
// 401 and 403 speak of the account, everything else is worth another try.
domain::event::PollFailed failed_read(const Exchange& exchange);
// An answer whose body cannot be used; `code` and `message` say why.
domain::event::PollFailed unusable_read(const Exchange& exchange, std::string code,
                                        std::string message);

// The error of an exchange that brought no answer.
domain::ErrorInfo transport_error(const Exchange& exchange);

}  // namespace reeld::providers::fal
