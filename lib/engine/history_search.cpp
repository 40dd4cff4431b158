#include "engine/history_search.hpp"

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/json_equality.hpp"
#include "base/retry_branch.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using provider_api::HistoryItem;

constexpr int pages_max = 50;
constexpr int lookups_max = 100;
// Latency and the whole seconds of a Date header; beyond, the two measures speak of other clocks.
constexpr Millis clock_noise{10'000};

// A page that moves while it is read shows a request twice.
void add_once(std::vector<HistoryItem>& items, HistoryItem item) {
    const bool known = std::any_of(items.begin(), items.end(), [&](const HistoryItem& other) {
        return other.request_id == item.request_id;
    });
    if (!known) items.push_back(std::move(item));
}

bool is_bound(Core& core, const std::string& provider, const RequestId& request) {
    const auto found = core.services.store.transact([&](store::Tx& tx) {
        return tx.find_attempt_by_request(provider, request).has_value();
    });
    return found && *found;
}

// One reading of the whole history.
class Reading {
  public:
    Reading(Core& core, ProviderSetup setup, domain::Job job, provider_api::SubmitIntent intent)
        : core_(core),
          setup_(std::move(setup)),
          job_(std::move(job)),
          intent_(std::move(intent)),
          window_(send_window(setup_.policy)) {}

    awaitable<HistorySearch> run() {
        std::string cursor;
        for (int page = 0; page < pages_max; ++page) {
            auto request = setup_.provider->build_history(intent_, cursor);
            if (!request) co_return std::move(search_);
            Result<HttpRequest> built = std::move(*request);
            Exchange exchange = co_await exchange_with(core_, setup_, std::move(built));
            crash_point::pass(CrashPoint::search_page_read);
            auto read = setup_.provider->read_history(intent_, exchange);
            const std::size_t matched = search_.matches.size();
            if (!read) {
                search_.failed = read.error().message();
            } else {
                ++search_.pages;
                search_.listed += static_cast<int>(read->items.size());
                cursor = read->next_cursor;
                co_await sort_page(std::move(*read));
            }
            if (!search_.proof || search_.matches.empty() || search_.matches.size() > matched) {
                search_.proof = std::move(exchange);
            }
            if (search_.failed || cursor.empty()) co_return std::move(search_);
        }
        // A history that never ends proves nothing.
        search_.failed = "the request history has more pages than are read";
        co_return std::move(search_);
    }

  private:
    awaitable<void> sort_page(provider_api::HistoryPage page) {
        for (HistoryItem& item : page.items) {
            if (outside(item)) continue;
            if (page.inputs_apart && item.input.empty()) {
                if (is_bound(core_, job_.provider, item.request_id)) continue;
                co_await look_up(item);
                if (search_.failed) co_return;
                if (outside(item)) continue;
            }
            const bool told = !item.input.empty();
            if (told && !same_json(item.input, intent_.input)) continue;
            auto& place = told && item.sent_at ? search_.matches : search_.vague;
            add_once(place, std::move(item));
        }
    }

    awaitable<void> look_up(HistoryItem& item) {
        if (++lookups_ > lookups_max) {
            search_.failed = "the request history has more requests than are looked up one by one";
            co_return;
        }
        auto request = setup_.provider->build_lookup(intent_.model, item.request_id);
        if (!request) co_return;
        Result<HttpRequest> built = std::move(*request);
        const Exchange exchange = co_await exchange_with(core_, setup_, std::move(built));
        auto read = setup_.provider->read_lookup(intent_.model, item.request_id, exchange);
        if (!read) {
            search_.failed = read.error().message();
        } else if (*read) {
            item.input = std::move((*read)->input);
            if (!item.sent_at) item.sent_at = (*read)->sent_at;
        }
    }

    bool outside(const HistoryItem& item) const {
        return item.sent_at && (*item.sent_at < intent_.intent_at - window_.before ||
                                *item.sent_at > intent_.intent_at + window_.after);
    }

    Core& core_;
    ProviderSetup setup_;
    domain::Job job_;
    provider_api::SubmitIntent intent_;  // its time by the provider's clock
    SendWindow window_;
    HistorySearch search_;
    int lookups_ = 0;
};

}  // namespace

SendWindow send_window(const domain::Policy& policy) {
    SendWindow window;
    window.after = std::max(window.after, policy.submit_timeout + Millis{60'000});
    return window;
}

awaitable<HistorySearch> search_history(Core& core, ProviderSetup setup, domain::Job job,
                                        provider_api::SubmitIntent intent) {
    const std::string provider = job.provider;
    const Instant intended = intent.intent_at;
    HistorySearch search;
    // Once more when the answers tell that the clocks differ from what the first look went by.
    for (int round = 0; round < 2; ++round) {
        if (round > 0) retry_branch::taken(RetryBranch::search_clock_read_anew);
        const Millis used = core.health[provider].clock_ahead.value_or(Millis{0});
        intent.intent_at = intended - used;
        Reading reading(core, setup, job, intent);
        search = co_await reading.run();
        search.clock_ahead = core.health[provider].clock_ahead;
        const Millis off = search.clock_ahead.value_or(Millis{0}) - used;
        search.clock_steady = off > -clock_noise && off < clock_noise;
        if (search.failed || search.clock_steady) break;
    }
    co_return search;
}

}  // namespace reeld::engine
