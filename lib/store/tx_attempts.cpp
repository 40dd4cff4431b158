// Submit intents and what is remembered of the providers.
#include <fmt/format.h>

#include <stdexcept>

#include "store/connection.hpp"
#include "store/rows.hpp"
#include "store/store.hpp"
#include "store_sql.hpp"

namespace reeld::store {
namespace {

void bind_result(Query& query, const Attempt& attempt) {
    query.text(":job", attempt.job.str())
        .integer(":number", attempt.number)
        .time(":answered_at", attempt.answered_at)
        .time(":ended_at", attempt.ended_at)
        .text(":outcome", attempt.outcome)
        .text_or_null(":detail", attempt.detail)
        .text_or_null(":billing", domain::to_string(attempt.billing))
        .integer(":reserved_micro_usd", attempt.reserved_micro_usd)
        .integer(":billed_micro_usd", attempt.billed_micro_usd)
        .text_or_null(":day", attempt.day);
    bind_remote(query, attempt.remote);
}

std::optional<Attempt> one_attempt(Query& query) {
    if (!query.next()) return std::nullopt;
    return read_attempt(query);
}

}  // namespace

void Tx::insert_attempt(const Attempt& attempt) {
    if (!seq_of(connection_, attempt.job)) {
        throw std::invalid_argument("insert_attempt: no job " + attempt.job.str());
    }
    Query query(connection_, sql::insert_attempt);
    bind_result(query, attempt);
    query.text(":provider", attempt.provider)
        .text(":token", attempt.token.str())
        .time(":intent_at", attempt.intent_at)
        .text_or_null(":input", attempt.input);
    query.run();
}

void Tx::update_attempt(const Attempt& attempt) {
    Query query(connection_, sql::update_attempt);
    bind_result(query, attempt);
    if (query.run() == 0) {
        throw std::invalid_argument(
            fmt::format("update_attempt: job {} has no attempt {}", attempt.job.str(),
                        attempt.number));
    }
}

std::vector<Attempt> Tx::attempts(const JobId& job) {
    Query query(connection_, sql::attempts_of_job);
    query.text(":job", job.str());
    std::vector<Attempt> attempts;
    while (query.next()) attempts.push_back(read_attempt(query));
    return attempts;
}

std::optional<Attempt> Tx::find_attempt(const JobId& job, int number) {
    Query query(connection_, sql::attempt_by_number);
    return one_attempt(query.text(":job", job.str()).integer(":number", number));
}

std::optional<Attempt> Tx::find_attempt_by_token(const Token& token) {
    Query query(connection_, sql::attempt_by_token);
    return one_attempt(query.text(":token", token.str()));
}

std::optional<Attempt> Tx::find_attempt_by_request(std::string_view provider,
                                                   const RequestId& id) {
    Query query(connection_, sql::attempt_by_request);
    return one_attempt(query.text(":provider", provider).text(":request_id", id.str()));
}

std::vector<Attempt> Tx::unbound_attempts(std::string_view provider, const std::string& model,
                                          Instant from, Instant to) {
    Query query(connection_, sql::unbound_attempts);
    query.text(":provider", provider).text(":model", model).time(":from", from).time(":to", to);
    std::vector<Attempt> attempts;
    while (query.next()) attempts.push_back(read_attempt(query));
    return attempts;
}

ProviderState Tx::provider_state(std::string_view name) {
    ProviderState state;
    state.name = name;
    Query row(connection_, sql::provider_by_name);
    if (!row.text(":name", name).next()) return state;
    state.paused = reason_of(row.text("paused"));
    state.paused_message = row.text("paused_message");
    state.paused_at = row.maybe_time("paused_at");
    state.probe_at = row.maybe_time("probe_at");
    state.probe_failures = row.small("probe_failures");
    state.limited_until = row.maybe_time("limited_until");
    state.next_submit_at = row.maybe_time("next_submit_at");
    state.slow_downs = row.small("slow_downs");
    state.user_id = row.text("user_id");
    return state;
}

void Tx::save_provider_state(const ProviderState& state) {
    Query(connection_, sql::save_provider)
        .text(":name", state.name)
        .text_or_null(":paused", domain::to_string(state.paused))
        .text_or_null(":paused_message", state.paused_message)
        .time(":paused_at", state.paused_at)
        .time(":probe_at", state.probe_at)
        .integer(":probe_failures", state.probe_failures)
        .time(":limited_until", state.limited_until)
        .time(":next_submit_at", state.next_submit_at)
        .integer(":slow_downs", state.slow_downs)
        .text_or_null(":user_id", state.user_id)
        .run();
}

}  // namespace reeld::store
