#include "engine/reconciler.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/crash_point.hpp"
#include "base/json_equality.hpp"
#include "engine/history_search.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::Job;
using provider_api::HistoryItem;
using namespace domain::event;

constexpr std::size_t named_in_note = 5;
constexpr std::size_t named_in_evidence = 50;
// With clocks further apart than this one of them is wrong, and with it what time says of a request.
constexpr Millis clock_difference_max{60'000};

PollFailed not_searched(std::string why) {
    PollFailed failed;
    failed.refusal.error = {"history", std::move(why)};
    return failed;
}

std::string named(const HistoryItem& item) {
    return fmt::format("{}{}", item.request_id.str(),
                       item.sent_at ? " (sent " + to_rfc3339(*item.sent_at) + ")" : "");
}

std::string named(const std::vector<HistoryItem>& items) {
    std::string text;
    for (std::size_t i = 0; i < items.size() && i < named_in_note; ++i) {
        text += (i == 0 ? "" : ", ") + named(items[i]);
    }
    if (items.size() > named_in_note) {
        text += fmt::format(" and {} more", items.size() - named_in_note);
    }
    return text;
}

// Why a history without the request does not prove that there is none; empty: it does.
std::string doubt_of(const Core& core, const HistorySearch& search, Instant intended) {
    if (!search.clock_ahead) return "the provider tells no time to compare this machine's clock with";
    if (!search.clock_steady) return "this machine's clock and the provider's drift apart";
    const Millis off = *search.clock_ahead;
    if (off > clock_difference_max || off < -clock_difference_max) {
        return fmt::format("this machine's clock is {} s {} the provider's",
                           std::abs(off.count()) / 1000, off.count() > 0 ? "ahead of" : "behind");
    }
    if (core.clock_set_at && *core.clock_set_at >= intended) {
        return "this machine's clock was set, or slept, since the submit";
    }
    return {};
}

// Other submits that may have made this request as well as `job`'s.
std::vector<domain::Attempt> rivals(store::Tx& tx, const Job& job, const std::string& input,
                                    const HistoryItem& item,
                                    Millis clock_ahead, const SendWindow& window) {
    std::vector<domain::Attempt> found;
    const Instant sent = *item.sent_at + clock_ahead;
    for (domain::Attempt& attempt : tx.unbound_attempts(
             job.provider, job.request.model, sent - window.after, sent + window.before)) {
        if (attempt.job == job.request.id) continue;
        const auto other = tx.find_job(attempt.job);
        if (other && same_json(domain::sent_input(*other, attempt), input)) {
            found.push_back(std::move(attempt));
        }
    }
    return found;
}

struct Look {
    Instant began_at{};
    std::string result = "none";  // candidates, adopted, failed
    std::string detail;
    std::vector<HistoryItem> candidates;
    HistorySearch history;
};

json::array candidates_json(const std::vector<HistoryItem>& items) {
    json::array list;
    for (const HistoryItem& item : items) {
        if (list.size() == named_in_evidence) break;
        json::object one;
        one["request_id"] = item.request_id.str();
        one["sent_at"] = item.sent_at ? json::value(to_rfc3339(*item.sent_at)) : nullptr;
        list.push_back(std::move(one));
    }
    return list;
}

json::object look_json(const Look& look, std::int64_t number) {
    json::object object;
    object["number"] = number;
    object["began_at"] = to_rfc3339(look.began_at);
    object["pages"] = look.history.pages;
    object["listed"] = look.history.listed;
    object["result"] = look.result;
    object["detail"] = look.detail;
    object["candidates"] = candidates_json(look.candidates);
    object["clock_ahead_ms"] =
        look.history.clock_ahead ? json::value(look.history.clock_ahead->count()) : nullptr;
    return object;
}

json::object search_in(const std::string& head) {
    boost::system::error_code error;
    const json::value parsed = json::parse(head, error);
    const json::object* object = error ? nullptr : parsed.if_object();
    const json::object* search = object == nullptr ? nullptr : find_object(*object, "search");
    return search == nullptr ? json::object{} : *search;
}

// The last look for this attempt's request that is on record.
json::object last_look(Core& core, const Job& job) {
    json::object last;
    const auto read = core.services.store.transact([&](store::Tx& tx) {
        for (const store::Evidence& evidence : tx.evidence_of(job.request.id)) {
            if (evidence.kind != store::EvidenceKind::history_answer ||
                evidence.attempt != job.attempt) {
                continue;
            }
            json::object search = search_in(evidence.head);
            if (!search.empty()) last = std::move(search);
        }
    });
    return read ? last : json::object{};
}

// Writes the look into the evidence; true when it found something else than the one before.
bool keep_look(Core& core, const Job& job, const Look& look, store::Evidence& evidence) {
    const json::object before = last_look(core, job);
    json::object now = look_json(look, find_int(before, "number").value_or(0) + 1);
    const auto differs = [&](const char* key) {
        const json::value* value = before.if_contains(key);
        return value == nullptr || *value != now.at(key);
    };
    const bool news = differs("result") || differs("candidates") || differs("detail");
    json::object head;
    if (look.history.proof) {
        evidence = answer_evidence(job, store::EvidenceKind::history_answer, *look.history.proof,
                                   core.now());
        // Bytes of a header that are no text cannot be read back; the body is there all the same.
        auto told = parse_json(evidence.head);
        if (told && told->is_object()) head = std::move(told->get_object());
    }
    head["search"] = std::move(now);
    evidence.head = json::serialize(head);
    evidence.always = true;
    // The same page once more would only fill the disk.
    if (!news) evidence.body.clear();
    return news;
}

// What the history's requests mean for this job, with what is bound meanwhile left out.
Status judge(Core& core, const ProviderSetup& setup, const Job& job, const std::string& input,
             Look& look) {
    HistorySearch& search = look.history;
    std::vector<domain::Attempt> others;
    const Status checked = core.services.store.transact([&](store::Tx& tx) {
        const auto is_bound = [&](const HistoryItem& item) {
            return tx.find_attempt_by_request(job.provider, item.request_id).has_value();
        };
        std::erase_if(search.matches, is_bound);
        std::erase_if(search.vague, is_bound);
        if (search.matches.size() == 1) {
            others = rivals(tx, job, input, search.matches.front(),
                            search.clock_ahead.value_or(Millis{0}), send_window(setup.policy));
        }
    });
    if (!checked) return checked;
    // One of unknown time with the very same input is as good a candidate; one without an input is
    // none beside an exact match, because submits of reeld are always kept with theirs.
    const bool undated = std::any_of(search.vague.begin(), search.vague.end(),
                                     [](const HistoryItem& item) { return !item.input.empty(); });
    look.candidates = search.matches;
    look.candidates.insert(look.candidates.end(), search.vague.begin(), search.vague.end());
    if (look.candidates.empty()) {
        look.detail = "the request history has no such request";
    } else if (search.matches.size() == 1 && !undated && others.empty()) {
        look.result = "adopted";
        look.detail = "exactly one request fits: " + named(search.matches);
    } else {
        look.result = "candidates";
        look.detail = fmt::format("{} {} of the history may be it: {}", look.candidates.size(),
                                  look.candidates.size() == 1 ? "request" : "requests",
                                  named(look.candidates));
        if (!others.empty()) {
            look.detail += fmt::format(", but it may as well be that of job {} (attempt {})",
                                       others.front().job.str(), others.front().number);
        }
    }
    return ok();
}

domain::Event event_of(Core& core, const Job& job, Look look, Instant intended,
                       store::Evidence& evidence) {
    const bool news = keep_look(core, job, look, evidence);
    if (look.result == "failed") return not_searched(std::move(look.detail));
    if (look.result == "adopted") {
        Adopted adopted;
        adopted.attempt = job.attempt;
        adopted.remote = look.history.matches.front().remote;
        adopted.by = AdoptedBy::history;
        return adopted;
    }
    EvidenceSearched searched;
    searched.candidates = static_cast<int>(look.candidates.size());
    searched.detail = std::move(look.detail);
    searched.doubt = doubt_of(core, look.history, intended);
    searched.early = job.unknown_until && look.began_at < *job.unknown_until;
    searched.news = news;
    return searched;
}

bool knows_it(const domain::Event& event) {
    return std::holds_alternative<StatusSeen>(event) || std::holds_alternative<ResultSeen>(event) ||
           std::holds_alternative<ResultFailed>(event) ||
           std::holds_alternative<RemoteCancelled>(event);
}

// Where a person gave the request to another job, it is a candidate that only a person can settle.
bool is_followed_elsewhere(Core& core, const Job& job, Look& look) {
    std::optional<domain::Attempt> owner;
    const auto read = core.services.store.transact([&](store::Tx& tx) {
        owner = tx.find_attempt_by_request(job.provider, job.remote->request_id);
    });
    if (!read || !owner || owner->job == job.request.id) return false;
    HistoryItem item;
    item.request_id = job.remote->request_id;
    look.result = "candidates";
    look.detail = fmt::format("the answer's header names request {}, which is bound to job {} "
                              "(attempt {}) already",
                              item.request_id.str(), owner->job.str(), owner->number);
    look.candidates.push_back(std::move(item));
    return true;
}

// The answer's header may have told the id. Nothing: it did not, the provider does not know it, or
// it is another job's, which stands in `look` then.
awaitable<std::optional<domain::Event>> follow_hint(Core& core, ProviderSetup setup, Job job,
                                                    Look& look, store::Evidence& evidence) {
    if (!job.remote) co_return std::nullopt;
    auto request = setup.provider->build_status(job.request.model, *job.remote);
    const Exchange exchange = co_await exchange_with(core, setup, std::move(request));
    crash_point::pass(CrashPoint::search_status_asked);
    const domain::Event seen = setup.provider->read_status(exchange);
    std::optional<domain::Event> event;
    if (knows_it(seen) && is_followed_elsewhere(core, job, look)) {
        look.history.proof = exchange;
    } else if (knows_it(seen)) {
        evidence = answer_evidence(job, store::EvidenceKind::status_answer, exchange, core.now());
        Adopted adopted;
        adopted.attempt = job.attempt;
        adopted.remote = *job.remote;
        adopted.by = AdoptedBy::header;
        event = std::move(adopted);
    } else if (const auto* failed = std::get_if<PollFailed>(&seen)) {
        // As long as this id could not be asked for, a history without it is no proof.
        event = *failed;
    }
    co_return event;
}

}  // namespace

awaitable<domain::Event> search_evidence(Core& core, ProviderSetup setup, Job job,
                                         store::Evidence& evidence) {
    Look look;
    look.began_at = core.now();
    auto hinted = co_await follow_hint(core, setup, job, look, evidence);
    if (hinted) co_return std::move(*hinted);
    std::optional<domain::Attempt> attempt;
    const auto loaded = core.services.store.transact([&](store::Tx& tx) {
        attempt = tx.find_attempt(job.request.id, job.attempt);
    });
    // Nothing found is a reason to submit again; not having looked is none.
    if (!loaded || !attempt) co_return not_searched("the attempt's row could not be read");
    if (!look.candidates.empty()) {
        co_return event_of(core, job, std::move(look), attempt->intent_at, evidence);
    }
    provider_api::SubmitIntent intent;
    intent.job = job.request.id;
    intent.attempt = job.attempt;
    intent.model = job.request.model;
    intent.input = domain::sent_input(job, *attempt);
    intent.intent_at = attempt->intent_at;
    if (!setup.provider->build_history(intent, {})) {
        EvidenceSearched searched;
        searched.detail = "the provider has no request history to search";
        searched.doubt = searched.detail;
        searched.early = job.unknown_until && look.began_at < *job.unknown_until;
        co_return searched;
    }
    look.history = co_await search_history(core, setup, job, intent);
    if (!look.history.failed) {
        const Status judged = judge(core, setup, job, intent.input, look);
        if (!judged) look.history.failed = judged.error().message();
    }
    if (look.history.failed) {
        look.result = "failed";
        look.detail = *look.history.failed;
    }
    co_return event_of(core, job, std::move(look), attempt->intent_at, evidence);
}

}  // namespace reeld::engine
