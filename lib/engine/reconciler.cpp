#include "engine/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::Job;

constexpr int pages_max = 50;
constexpr Millis window{120'000};

struct Search {
    std::vector<provider_api::HistoryItem> matches;
    // Tell too little of themselves to be matched or ruled out.
    std::vector<provider_api::HistoryItem> vague;
    std::optional<domain::event::PollFailed> failed;
};

bool outside_window(const provider_api::HistoryItem& item, Instant intent) {
    return item.sent_at && (*item.sent_at < intent - window || *item.sent_at > intent + window);
}

// A page that moves while it is read shows a request twice.
void add_once(std::vector<provider_api::HistoryItem>& items, provider_api::HistoryItem item) {
    for (const provider_api::HistoryItem& known : items) {
        if (known.request_id == item.request_id) return;
    }
    items.push_back(std::move(item));
}

domain::event::PollFailed not_searched(std::string why) {
    domain::event::PollFailed failed;
    failed.refusal.error = {"history", std::move(why)};
    return failed;
}

// Another local submit with the same model and input could be the owner of a candidate.
bool has_twin(store::Tx& tx, const Job& job) {
    constexpr int looked_at = 10'000;
    for (const store::State state : {store::State::submitting, store::State::submit_unknown}) {
        for (const Job& other : tx.jobs_in_state(state, looked_at)) {
            if (other.request.id != job.request.id && other.request.model == job.request.model &&
                other.request.input == job.request.input) {
                return true;
            }
        }
    }
    return false;
}

awaitable<Search> read_history(Core& core, ProviderSetup setup, provider_api::SubmitIntent intent,
                               store::Evidence& evidence, Job job) {
    Search search;
    std::string cursor;
    for (int page = 0; page < pages_max; ++page) {
        auto request = setup.provider->build_history(intent, cursor);
        if (!request) co_return search;
        Result<HttpRequest> built = std::move(*request);
        const Exchange exchange = co_await exchange_with(core, setup, std::move(built));
        crash_point::pass(CrashPoint::search_page_read);
        auto read = setup.provider->read_history(intent, exchange);
        if (!read) {
            search.failed = not_searched(read.error().message());
            co_return search;
        }
        for (provider_api::HistoryItem& item : read->items) {
            if (outside_window(item, intent.intent_at)) continue;
            if (!item.input.empty() && item.input != intent.input) continue;
            if (item.input.empty() || !item.sent_at) {
                add_once(search.vague, std::move(item));
                continue;
            }
            evidence = answer_evidence(job, store::EvidenceKind::history_answer, exchange,
                                       core.now());
            add_once(search.matches, std::move(item));
        }
        cursor = read->next_cursor;
        if (cursor.empty()) co_return search;
    }
    // A history that never ends proves nothing.
    search.failed = not_searched("the request history has more pages than are read");
    co_return search;
}

}  // namespace

awaitable<domain::Event> search_evidence(Core& core, ProviderSetup setup, Job job,
                                         store::Evidence& evidence) {
    if (job.remote) {
        // The answer's header may have told the id.
        auto request = setup.provider->build_status(job.request.model, *job.remote);
        const Exchange exchange = co_await exchange_with(core, setup, std::move(request));
        crash_point::pass(CrashPoint::search_status_asked);
        evidence = answer_evidence(job, store::EvidenceKind::status_answer, exchange, core.now());
        const domain::Event seen = setup.provider->read_status(exchange);
        if (std::holds_alternative<domain::event::StatusSeen>(seen)) {
            domain::event::Adopted adopted;
            adopted.attempt = job.attempt;
            adopted.remote = *job.remote;
            adopted.by = domain::event::AdoptedBy::header;
            co_return adopted;
        }
    }
    std::optional<domain::Attempt> attempt;
    const auto loaded = core.services.store.transact([&](store::Tx& tx) {
        attempt = tx.find_attempt(job.request.id, job.attempt);
    });
    // Nothing found is a reason to submit again; not having looked is none.
    if (!loaded || !attempt) co_return not_searched("the attempt's row could not be read");
    domain::event::EvidenceSearched searched;
    provider_api::SubmitIntent intent;
    intent.job = job.request.id;
    intent.attempt = job.attempt;
    intent.model = job.request.model;
    intent.input = job.request.input;
    intent.intent_at = attempt->intent_at;
    if (!setup.provider->build_history(intent, {})) {
        searched.detail = "the provider has no request history to search";
        co_return searched;
    }
    Search search = co_await read_history(core, setup, intent, evidence, job);
    if (search.failed) co_return *search.failed;

    bool twin = false;
    const auto checked = core.services.store.transact([&](store::Tx& tx) {
        const auto is_bound = [&](const provider_api::HistoryItem& item) {
            return tx.find_attempt_by_request(job.provider, item.request_id).has_value();
        };
        std::erase_if(search.matches, is_bound);
        std::erase_if(search.vague, is_bound);
        twin = has_twin(tx, job);
    });
    if (!checked) co_return not_searched(checked.error().message());
    if (search.matches.empty() && search.vague.empty()) {
        searched.detail = "the request history has no such request";
        co_return searched;
    }
    if (search.matches.size() == 1 && !twin) {
        domain::event::Adopted adopted;
        adopted.attempt = job.attempt;
        adopted.remote = search.matches.front().remote;
        adopted.by = domain::event::AdoptedBy::history;
        co_return adopted;
    }
    searched.candidates = static_cast<int>(search.matches.size() + search.vague.size());
    searched.detail = fmt::format("{} requests of the history fit{}", searched.candidates,
                                  twin ? ", and another job waits for the same" : "");
    co_return searched;
}

}  // namespace reeld::engine
