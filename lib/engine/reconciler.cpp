#include "engine/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::Job;

constexpr int pages_max = 50;
constexpr Millis window{120'000};

struct Search {
    std::vector<provider_api::HistoryItem> matches;
    std::optional<domain::event::PollFailed> failed;
};

bool in_window(const provider_api::HistoryItem& item, Instant intent) {
    return item.sent_at && *item.sent_at >= intent - window && *item.sent_at <= intent + window;
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
        auto read = setup.provider->read_history(intent, exchange);
        if (!read) {
            domain::event::PollFailed failed;
            failed.refusal.error = {"history", read.error().message()};
            search.failed = failed;
            co_return search;
        }
        for (provider_api::HistoryItem& item : read->items) {
            if (item.input != intent.input || !in_window(item, intent.intent_at)) continue;
            evidence = answer_evidence(job, store::EvidenceKind::history_answer, exchange,
                                       core.now());
            search.matches.push_back(std::move(item));
        }
        cursor = read->next_cursor;
        if (cursor.empty()) co_return search;
    }
    // A history that never ends proves nothing.
    domain::event::PollFailed endless;
    endless.refusal.error = {"history", "the request history has more pages than are read"};
    search.failed = endless;
    co_return search;
}

}  // namespace

awaitable<domain::Event> search_evidence(Core& core, ProviderSetup setup, Job job,
                                         store::Evidence& evidence) {
    if (job.remote) {
        // The answer's header may have told the id.
        auto request = setup.provider->build_status(job.request.model, *job.remote);
        const Exchange exchange = co_await exchange_with(core, setup, std::move(request));
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
    domain::event::EvidenceSearched searched;
    if (!loaded || !attempt) {
        searched.detail = "the attempt's row is missing";
        co_return searched;
    }
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
        std::erase_if(search.matches, [&](const provider_api::HistoryItem& item) {
            return tx.find_attempt_by_request(job.provider, item.request_id).has_value();
        });
        twin = has_twin(tx, job);
    });
    if (!checked || search.matches.empty()) {
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
    searched.candidates = static_cast<int>(search.matches.size());
    searched.detail = fmt::format("{} requests of the history fit{}", searched.candidates,
                                  twin ? ", and another job waits for the same" : "");
    co_return searched;
}

}  // namespace reeld::engine
