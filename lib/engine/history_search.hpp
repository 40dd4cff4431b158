#pragma once
// Reads a provider's request history for what may be one submit's request.
#include "engine/core.hpp"

namespace reeld::engine {

struct HistorySearch {
    std::vector<provider_api::HistoryItem> matches;  // the same input, sent in the window
    // Tell too little of themselves to be matched or ruled out.
    std::vector<provider_api::HistoryItem> vague;
    int pages = 0;
    int listed = 0;                     // requests seen on them
    std::optional<std::string> failed;  // why the history could not be read to its end
    std::optional<Exchange> proof;      // the page with the last match, else the last one
    std::optional<Millis> clock_ahead;  // our clock less the provider's; nothing: not told
    bool clock_steady = true;           // it told the same from the beginning to the end
};

// How far before and after an intent its request may have been sent.
struct SendWindow {
    Millis before{120'000};
    Millis after{120'000};
};
SendWindow send_window(const domain::Policy& policy);

// `intent_at` of `intent` is by our own clock.
awaitable<HistorySearch> search_history(Core& core, ProviderSetup setup, domain::Job job,
                                        provider_api::SubmitIntent intent);

}  // namespace reeld::engine
