#include "engine/provider_call.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/secret.hpp"

namespace reeld::engine {
namespace {

constexpr std::array hidden_headers{"set-cookie", "authorization", "cookie", "www-authenticate"};

bool is_hidden(const std::string& name) {
    for (const char* hidden : hidden_headers) {
        if (equals_ignoring_case(name, hidden)) return true;
    }
    return false;
}

std::string_view name_of(Delivery delivery) {
    switch (delivery) {
        case Delivery::not_sent: return "not_sent";
        case Delivery::maybe_sent: return "maybe_sent";
        case Delivery::answered: return "answered";
    }
    return "not_sent";
}

}  // namespace

store::Evidence answer_evidence(const domain::Job& job, store::EvidenceKind kind,
                                const Exchange& exchange, Instant now) {
    json::object head;
    if (!exchange.asked.empty()) head["asked"] = exchange.asked;
    head["delivery"] = name_of(exchange.delivery);
    if (exchange.delivery == Delivery::answered) {
        head["status"] = exchange.response.status;
        json::object headers;
        for (const Header& header : exchange.response.headers.all()) {
            if (!is_hidden(header.name)) headers[to_lower(header.name)] = header.value;
        }
        head["headers"] = std::move(headers);
    }
    if (exchange.delivery != Delivery::answered || !exchange.response.complete) {
        head["error"] = exchange.error.message();
    }
    store::Evidence evidence;
    evidence.job = job.request.id;
    evidence.attempt = job.attempt;
    evidence.kind = kind;
    evidence.at = now;
    evidence.head = json::serialize(head);
    evidence.body = exchange.response.body;
    return evidence;
}

namespace {

constexpr std::size_t kept_text_bytes = 4'096;

void shorten_texts(json::value& value) {
    if (auto* object = value.if_object()) {
        for (auto& member : *object) shorten_texts(member.value());
    } else if (auto* array = value.if_array()) {
        for (auto& element : *array) shorten_texts(element);
    } else if (const auto* text = value.if_string(); text && text->size() > kept_text_bytes) {
        value = fmt::format("[{} bytes, SHA-256 {}]", text->size(),
                            sha256_hex(std::string_view(*text)));
    }
}

}  // namespace

std::string without_long_texts(const std::string& body) {
    auto value = parse_json(body);
    if (!value) return {};
    shorten_texts(*value);
    return json::serialize(*value);
}

http::RequestOptions options_for(const ProviderSetup& setup) {
    http::RequestOptions options;
    options.total_timeout = setup.policy.submit_timeout;
    options.step_timeout = setup.policy.submit_timeout;
    options.connect_timeout = std::min(options.connect_timeout, setup.policy.submit_timeout);
    options.allow_plain_http = setup.allow_plain_http;
    options.allow_private_addresses = setup.allow_private_addresses;
    return options;
}

awaitable<Exchange> exchange_with(Core& core, ProviderSetup setup, Result<HttpRequest> request,
                                  std::uint64_t body_bytes_max) {
    if (!request) {
        Exchange exchange;
        exchange.error = request.error();
        co_return exchange;
    }
    http::RequestOptions options = options_for(setup);
    if (body_bytes_max > 0) options.body_bytes_max = body_bytes_max;
    HttpRequest built = std::move(*request);
    // The query holds the webhook's token.
    const std::string asked = fmt::format("{} {}", built.method, redact_url(built.url));
    const std::string name(setup.provider->name());
    Exchange exchange =
        co_await core.services.client.send(std::move(built), std::move(options));
    exchange.asked = asked;
    heard_from(core, name, exchange);
    co_return exchange;
}

Millis Core::clock_error(const std::string& provider) const {
    // A date has whole seconds and is as old as the answer's way; less than this harms nothing.
    constexpr Millis tolerable{60'000};
    const auto at = health.find(provider);
    if (at == health.end() || !at->second.clock_ahead) return Millis{0};
    const Millis ahead = *at->second.clock_ahead;
    return ahead > tolerable || ahead < -tolerable ? ahead : Millis{0};
}

void heard_from(Core& core, const std::string& provider, const Exchange& exchange) {
    ProviderHealth& health = core.health[provider];
    const bool answered = exchange.delivery == Delivery::answered;
    const int status = exchange.response.status;
    const std::string* date = answered ? exchange.response.headers.find("Date") : nullptr;
    const auto theirs = date != nullptr ? parse_http_date(*date) : std::nullopt;
    if (theirs) health.clock_ahead = core.now() - *theirs;
    if (answered && status >= 200 && status < 300) {
        health.last_success_at = core.now();
        health.failures = 0;
        health.last_error.clear();
        return;
    }
    const bool trouble = !answered || status >= 500 || status == 401 || status == 403 ||
                         status == 429;
    if (!trouble) return;
    ++health.failures;
    health.last_error = answered ? fmt::format("HTTP {}", status) : exchange.error.message();
}

}  // namespace reeld::engine
