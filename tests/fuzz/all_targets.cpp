#include <array>

#include "fuzz/target.hpp"

namespace reeld::fuzz {

std::span<const Target> all_targets() {
    static constexpr std::array<Target, 21> targets{{
        {"http_request", run_http_request},
        {"http_connection", run_http_connection},
        {"http_response", run_http_response},
        {"http_target", run_http_target},
        {"url", run_url},
        {"redirect", run_redirect},
        {"provider_answer", run_provider_answer},
        {"webhook", run_webhook},
        {"key_set", run_key_set},
        {"times", run_times},
        {"json", run_json},
        {"encoding", run_encoding},
        {"job", run_job},
        {"inbox_row", run_inbox_row},
        {"media", run_media},
        {"naming", run_naming},
        {"config", run_config},
        {"faults", run_faults},
        {"event_stream", run_event_stream},
        {"arguments", run_arguments},
        {"model_file", run_model_file},
    }};
    return targets;
}

}  // namespace reeld::fuzz
