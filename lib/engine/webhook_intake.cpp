#include "engine/webhook_intake.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/crash_point.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/retry_branch.hpp"
#include "engine/provider_call.hpp"

namespace reeld::engine {
namespace {

using domain::Attempt;
using domain::Job;
using provider_api::Trust;

constexpr Millis keys_age_max{24 * 3'600'000};
constexpr Millis keys_retry{60'000};
// A provider repeats a delivery some 31 times at most; what comes beyond is noise.
constexpr int deliveries_kept = 64;
constexpr std::size_t body_bytes_max = 1024 * 1024;
constexpr int stored_at_once = 100;

http::ServerResponse answer(int status, std::string text) {
    http::ServerResponse response;
    response.status = status;
    response.headers.set("Content-Type", "text/plain; charset=utf-8");
    response.body = std::move(text);
    return response;
}

// The provider delivers it again.
http::ServerResponse not_stored() {
    retry_branch::taken(RetryBranch::webhook_not_stored);
    return answer(503, "the delivery could not be stored; try again\n");
}

// provider and token of /hooks/{provider}/{token}.
std::optional<std::pair<std::string, Token>> parse_path(std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    constexpr std::string_view prefix = "/hooks/";
    if (!path.starts_with(prefix)) return std::nullopt;
    const std::string_view rest = path.substr(prefix.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view token = rest.substr(slash + 1);
    if (token.size() != 32 || !from_hex(token)) return std::nullopt;
    return std::pair{std::string(rest.substr(0, slash)), Token(std::string(token))};
}

// What proves by being known is not written down; of a signature everything may be.
bool is_secret(const std::string& name) {
    return equals_ignoring_case(name, "authorization") || equals_ignoring_case(name, "cookie") ||
           to_lower(name).ends_with("-secret");
}

std::string head_of(const Headers& headers) {
    json::object head;
    json::object all;
    for (const Header& header : headers.all()) {
        if (is_secret(header.name)) continue;
        // What is no UTF-8 would make the stored head unreadable, and is no signature. Of two the
        // first counts, here as where they are checked.
        if (!is_utf8(header.value)) continue;
        all.emplace(to_lower(header.name), header.value);
    }
    head["headers"] = std::move(all);
    return json::serialize(head);
}

Headers headers_from(const std::string& head) {
    Headers headers;
    boost::system::error_code error;
    const json::value parsed = json::parse(head, error);
    const json::object* object = error ? nullptr : parsed.if_object();
    const json::object* all = object != nullptr ? find_object(*object, "headers") : nullptr;
    if (all == nullptr) return headers;
    for (const auto& member : *all) {
        if (member.value().is_string()) {
            headers.add(std::string(member.key()), std::string(member.value().get_string()));
        }
    }
    return headers;
}

bool followed(const Job& job, const provider_api::WebhookReading& reading) {
    return job.remote && job.remote->request_id == reading.request_id &&
           job.state != domain::State::submit_unknown;
}

}  // namespace

awaitable<http::ServerResponse> WebhookIntake::handle(http::ServerRequest request) {
    const auto address = parse_path(request.target);
    if (!address || core_.setup(address->first) == nullptr) co_return answer(404, "not found\n");
    if (request.method != "POST") {
        http::ServerResponse response = answer(405, "POST only\n");
        response.headers.set("Allow", "POST");
        co_return response;
    }
    if (request.body.size() > body_bytes_max) co_return answer(413, "too large\n");
    const std::string label = fmt::format("provider=\"{}\"", address->first);
    core_.count("webhooks", label);

    provider_api::Delivery delivery;
    delivery.headers = request.headers;
    delivery.body = std::move(request.body);
    delivery.token = address->second;
    const bool whole = delivery.body.size() <= store::evidence_body_bytes_max;
    std::optional<Attempt> attempt;
    bool flooded = false;
    Processed processed;
    const Status stored = core_.services.store.transact([&](store::Tx& tx) {
        attempt = tx.find_attempt_by_token(address->second);
        if (attempt && attempt->provider != address->first) attempt.reset();
        if (!attempt) return;
        flooded = tx.count_webhooks(attempt->job, attempt->number) >= deliveries_kept;
        if (flooded) return;
        store::Evidence evidence;
        evidence.job = attempt->job;
        evidence.attempt = attempt->number;
        evidence.kind = store::EvidenceKind::webhook;
        evidence.at = core_.now();
        evidence.head = head_of(delivery.headers);
        evidence.body = delivery.body;
        const std::int64_t id = tx.insert_evidence(evidence);
        processed = process(tx, *attempt, delivery, id, false);
        if (!processed.needs_keys || !whole) tx.mark_processed(id);
    });
    if (!stored) co_return not_stored();
    if (!attempt) {
        core_.count("webhooks_unknown", label);
        co_return answer(404, "not found\n");
    }
    if (flooded) {
        core_.count("webhooks_dropped", label);
        co_return answer(429, "too many deliveries for one request\n");
    }
    crash_point::pass(CrashPoint::webhook_body_written);
    const Status durable = co_await core_.commit.durable();
    if (!durable) co_return not_stored();
    crash_point::pass(CrashPoint::webhook_body_durable);
    const bool forged = processed.forged;
    if (processed.needs_keys && !whole) {
        // Too large to be kept whole: the provider is to send it again when the keys are here.
        retry_branch::taken(RetryBranch::webhook_sent_back);
        core_.services.tasks.spawn("webhook keys", learn_keys(address->first));
        co_return answer(503, "the signature cannot be verified yet; try again\n");
    }
    if (processed.needs_keys) {
        retry_branch::taken(RetryBranch::webhook_waits_for_keys);
        core_.services.tasks.spawn("webhook keys", process_stored());
    }
    follow(std::move(processed));
    co_return forged ? answer(401, "the signature does not verify\n") : answer(200, "ok\n");
}

void WebhookIntake::follow(Processed processed) {
    for (Written& written : processed.written) {
        announce(core_, written);
        tasks_.start(written.job.request.id, std::move(written.effects));
    }
}

WebhookIntake::Keys& WebhookIntake::fresh_keys(const std::string& provider) {
    Keys& keys = keys_[provider];
    const Millis now = core_.services.clock.elapsed();
    if (keys.fetched_at && now - *keys.fetched_at > keys_age_max) {
        keys.set.keys.clear();
        keys.fetched_at.reset();
    }
    return keys;
}

awaitable<bool> WebhookIntake::fetch_keys(std::string provider) {
    const ProviderSetup* configured = core_.setup(provider);
    if (configured == nullptr) co_return false;
    const ProviderSetup setup = *configured;
    std::optional<HttpRequest> request = setup.provider->build_key_set();
    if (!request) co_return false;
    const Millis now = core_.services.clock.elapsed();
    Keys& keys = fresh_keys(provider);
    if (keys.tried_at && now - *keys.tried_at < keys_retry) co_return false;
    keys.tried_at = now;
    const Instant as_of = core_.now();
    Result<HttpRequest> built = std::move(*request);
    const Exchange exchange = co_await exchange_with(core_, setup, std::move(built));
    crash_point::pass(CrashPoint::webhook_keys_answer_read);
    auto read = setup.provider->read_key_set(exchange);
    if (!read) {
        retry_branch::taken(RetryBranch::webhook_keys_not_fetched);
        log::warning("engine", "the webhook keys could not be fetched; polling goes on",
                     {{"provider", provider}, {"error", read.error().message()}});
        co_return false;
    }
    Keys& known = keys_[provider];
    known.set = std::move(*read);
    known.as_of = as_of;
    known.fetched_at = core_.services.clock.elapsed();
    co_return true;
}

awaitable<void> WebhookIntake::warm_up() {
    std::vector<std::string> names;
    for (const auto& [name, setup] : core_.config.providers) names.push_back(name);
    for (const std::string& name : names) co_await learn_keys(name);
}

awaitable<void> WebhookIntake::learn_keys(std::string provider) {
    const bool learned = co_await fetch_keys(std::move(provider));
    if (learned) co_await process_stored();
}

// A key set that was asked for before the delivery came may lack the key that signed it.
bool WebhookIntake::keys_cover(const std::string& provider, Instant at) {
    const Keys& keys = fresh_keys(provider);
    return keys.fetched_at && keys.as_of && *keys.as_of >= at;
}

awaitable<void> WebhookIntake::process_stored() {
    for (;;) {
        const Page page = co_await process_page();
        // What came while the keys were fetched stands behind this page.
        const bool more = page.seen == stored_at_once && page.done > 0;
        if (!more && !page.learned) co_return;
    }
}

awaitable<WebhookIntake::Page> WebhookIntake::process_page() {
    Page page;
    std::vector<store::Evidence> waiting;
    const Status loaded = core_.services.store.transact(
        [&](store::Tx& tx) { waiting = tx.unprocessed_webhooks(stored_at_once); });
    if (!loaded) co_return page;
    page.seen = waiting.size();
    for (store::Evidence& evidence : waiting) {
        std::string provider;
        const Status found = core_.services.store.transact([&](store::Tx& tx) {
            const auto job = tx.find_job(evidence.job);
            if (job) provider = job->provider;
        });
        if (!found || provider.empty()) continue;
        // Asked at most once a minute, whatever comes in.
        if (!keys_cover(provider, evidence.at)) {
            const bool learned = co_await fetch_keys(provider);
            page.learned = page.learned || learned;
        }
        const bool done = co_await process_again(std::move(evidence), std::move(provider));
        if (done) ++page.done;
    }
    co_return page;
}

// False: nothing can be said yet; the polls will tell meanwhile.
awaitable<bool> WebhookIntake::process_again(store::Evidence evidence, std::string provider) {
    if (fresh_keys(provider).set.keys.empty()) {
        retry_branch::taken(RetryBranch::webhook_reading_waits);
        co_return false;
    }
    retry_branch::taken(RetryBranch::webhook_read_again);
    const bool keys_are_final = keys_cover(provider, evidence.at);
    Processed processed;
    const Status done = core_.services.store.transact([&](store::Tx& tx) {
        const auto attempt = tx.find_attempt(evidence.job, evidence.attempt);
        if (attempt) {
            provider_api::Delivery delivery;
            delivery.headers = headers_from(evidence.head);
            delivery.body = evidence.body;
            delivery.token = attempt->token;
            processed = process(tx, *attempt, delivery, evidence.id, keys_are_final);
        }
        if (!processed.needs_keys) tx.mark_processed(evidence.id);
    });
    crash_point::pass(CrashPoint::webhook_reread_written);
    const Status durable = co_await core_.commit.durable();
    if (!done || !durable || processed.needs_keys) {
        retry_branch::taken(RetryBranch::webhook_reading_waits);
        co_return false;
    }
    crash_point::pass(CrashPoint::webhook_reread_durable);
    follow(std::move(processed));
    co_return true;
}

WebhookIntake::Processed WebhookIntake::process(store::Tx& tx, const Attempt& attempt,
                                                const provider_api::Delivery& delivery,
                                                std::int64_t evidence, bool keys_are_final) {
    Processed processed;
    const ProviderSetup* setup = core_.setup(attempt.provider);
    const std::optional<Job> job = tx.find_job(attempt.job);
    if (setup == nullptr || !job) return processed;
    const provider_api::WebhookReading reading = setup->provider->read_webhook(
        delivery, fresh_keys(attempt.provider).set, core_.provider_now(attempt.provider));
    switch (reading.trust) {
        case Trust::verified:
            if (is_other_user(tx, attempt, reading)) {
                refuse(tx, *job, "signed for another account", evidence, processed);
            } else {
                believe(tx, attempt, reading, evidence, processed);
            }
            break;
        case Trust::stale: {
            note(core_, tx, *job, "webhook_stale", "a correct but old delivery; asking instead",
                 evidence);
            processed.written.push_back(
                apply(core_, tx, attempt.job, domain::event::WebhookHint{}));
            break;
        }
        case Trust::no_key:
            if (keys_are_final) {
                refuse(tx, *job, "no known key verifies it", evidence, processed);
            } else {
                processed.needs_keys = true;
            }
            break;
        case Trust::forged: refuse(tx, *job, reading.note, evidence, processed); break;
    }
    return processed;
}

bool WebhookIntake::is_other_user(store::Tx& tx, const Attempt& attempt,
                                  const provider_api::WebhookReading& reading) const {
    const std::string& learned = tx.provider_state(attempt.provider).user_id;
    return !learned.empty() && !reading.user_id.empty() && learned != reading.user_id;
}

void WebhookIntake::refuse(store::Tx& tx, const Job& job, std::string why, std::int64_t evidence,
                           Processed& processed) {
    processed.forged = true;
    core_.count("webhooks_refused", fmt::format("provider=\"{}\"", job.provider));
    log::warning("engine", "a webhook was refused",
                 {{"job", job.request.id.str()}, {"why", why}});
    note(core_, tx, job, "webhook_refused", std::move(why), evidence);
}

void WebhookIntake::believe(store::Tx& tx, const Attempt& attempt,
                            const provider_api::WebhookReading& reading, std::int64_t evidence,
                            Processed& processed) {
    Job job = *tx.find_job(attempt.job);
    if (attempt.remote && attempt.remote->request_id != reading.request_id) {
        note(core_, tx, job, "webhook_mismatch",
             fmt::format("it speaks of request {}, this submit made {}", reading.request_id.str(),
                         attempt.remote->request_id.str()),
             evidence);
        processed.written.push_back(apply(core_, tx, attempt.job, domain::event::WebhookHint{}));
        return;
    }
    // Also for a submit whose answer had looked like a refusal: a signed delivery for its token proves
    // that the provider took it, and another submit would be paid on top.
    if (!attempt.remote) {
        domain::event::Adopted adopted;
        adopted.attempt = attempt.number;
        adopted.remote.request_id = reading.request_id;
        adopted.by = domain::event::AdoptedBy::webhook;
        Written written = apply(core_, tx, attempt.job, adopted, std::nullopt, evidence);
        job = written.job;
        const bool taken = written.kind == Written::Kind::stepped;
        processed.written.push_back(std::move(written));
        // The trail says already why the job does not follow it.
        if (!taken) return;
    }
    if (!followed(job, reading)) {
        note(core_, tx, job, "webhook_late", "it speaks of a submit that is not followed any more",
             evidence);
        return;
    }
    domain::ProviderState state = tx.provider_state(attempt.provider);
    if (state.user_id.empty() && !reading.user_id.empty()) {
        state.user_id = reading.user_id;
        tx.save_provider_state(state);
    }
    const domain::Event event =
        reading.event ? *reading.event : domain::Event(domain::event::WebhookHint{});
    processed.written.push_back(
        apply(core_, tx, attempt.job, event, std::nullopt, evidence));
}

}  // namespace reeld::engine
