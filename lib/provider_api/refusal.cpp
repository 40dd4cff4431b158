#include "provider_api/refusal.hpp"

namespace reeld::provider_api {
namespace {

using domain::Reason;
using domain::RefusalKind;

domain::Refusal refusal_of(RefusalKind kind, Reason reason) {
    domain::Refusal refusal;
    refusal.kind = kind;
    refusal.reason = reason;
    return refusal;
}

}  // namespace

domain::Refusal judge_client_error(int status) {
    switch (status) {
        case 401: return refusal_of(RefusalKind::credentials, Reason::credentials);
        case 402:
            // What is in flight may reserve its estimate: the next look can come when it has settled.
            return refusal_of(RefusalKind::account, Reason::account);
        case 429: return refusal_of(RefusalKind::rate_limited, Reason::rate_limit);
        case 407:
        case 408:
        case 425:
            // A proxy of ours, a request that never came whole, one that came too early: HTTP
            // defines all three as not acted upon, and the input is not to blame.
            return refusal_of(RefusalKind::retry, Reason::provider_error);
        case 400:
        case 404:
        case 413:
        case 422: return refusal_of(RefusalKind::permanent, Reason::invalid_input);
        default: return refusal_of(RefusalKind::permanent, Reason::rejected);
    }
}

}  // namespace reeld::provider_api
