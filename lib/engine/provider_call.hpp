#pragma once
// One exchange with a provider: build, send, read, with what it proves.
#include <string>

#include "engine/core.hpp"

namespace reeld::engine {

struct Answer {
    domain::Event event;
    store::Evidence evidence;  // of the answer, redacted
};

// A request and its answer as evidence: method and URL without its query, status, headers without
// cookies, bounded body. The body of a submit is the job's input, which stands in its row.
store::Evidence answer_evidence(const domain::Job& job, store::EvidenceKind kind,
                                const Exchange& exchange, Instant now);

http::RequestOptions options_for(const ProviderSetup& setup);

// Sends `request`; when it could not be built, the exchange is one that was never sent.
awaitable<Exchange> exchange_with(Core& core, ProviderSetup setup, Result<HttpRequest> request,
                                  std::uint64_t body_bytes_max = 0);

// An answer as evidence of what it said, each text beyond 4 KiB by its length and hash.
std::string without_long_texts(const std::string& body);

// Keeps the provider's health figures and how far this machine's clock is from the provider's.
void heard_from(Core& core, const std::string& provider, const Exchange& exchange);

}  // namespace reeld::engine
