// One suite for every provider of the registry: each must have a fixture for every kind of answer,
// read it as its manifest says, and survive all of them broken.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "conformance/event_fields.hpp"
#include "conformance/provider_cases.hpp"
#include "providers/registry.hpp"

using namespace reeld;
using namespace reeld::conformance;

namespace {

// A provider without a fixture for one of these has not thought about it.
constexpr std::array<std::string_view, 54> required_cases{"submit_accepted",
                                                          "submit_not_sent",
                                                          "submit_refused_permanent",
                                                          "submit_refused_credentials",
                                                          "submit_refused_account",
                                                          "submit_refused_rate_limited",
                                                          "submit_refused_retry",
                                                          "submit_unknown_timeout",
                                                          "submit_unknown_reset",
                                                          "submit_unknown_server_error",
                                                          "submit_unknown_truncated",
                                                          "submit_unknown_no_id",
                                                          "status_queued",
                                                          "status_running",
                                                          "status_ended",
                                                          "status_unknown_word",
                                                          "status_truncated",
                                                          "status_missing",
                                                          "status_credentials",
                                                          "status_no_answer",
                                                          "result_ok",
                                                          "result_failed_permanent",
                                                          "result_failed_retry",
                                                          "result_missing",
                                                          "result_truncated",
                                                          "cancel_accepted",
                                                          "cancel_too_late",
                                                          "history_page",
                                                          "history_truncated",
                                                          "lookup_found",
                                                          "lookup_none",
                                                          "lookup_truncated",
                                                          "key_check_good",
                                                          "key_check_bad",
                                                          "webhook_ok",
                                                          "webhook_stale",
                                                          "webhook_forged",
                                                          "webhook_unknown_key",
                                                          "upload_start_ok",
                                                          "upload_start_not_sent",
                                                          "upload_start_timeout",
                                                          "upload_start_credentials",
                                                          "upload_start_account",
                                                          "upload_start_rate_limited",
                                                          "upload_start_refused",
                                                          "upload_start_server_error",
                                                          "upload_start_truncated",
                                                          "upload_start_no_url",
                                                          "upload_part_ok",
                                                          "upload_part_reset",
                                                          "upload_part_expired",
                                                          "upload_part_too_large",
                                                          "upload_part_server_error",
                                                          "upload_end_ok"};

struct Subject {
    Manifest manifest;
    std::unique_ptr<provider_api::Provider> provider;
    provider_api::SubmitIntent intent;
};

Subject make_subject(const providers::Entry& entry) {
    Subject subject;
    subject.manifest = read_manifest(entry.name);
    subject.provider = entry.make(subject.manifest.config);
    subject.intent.job = JobId("conformance");
    subject.intent.model = subject.manifest.model;
    subject.intent.input = R"({"prompt":"waves"})";
    subject.intent.webhook_token = Token("00112233445566778899aabbccddeeff");
    subject.intent.webhook_url =
        "https://hooks.example.com/hooks/x/" + subject.intent.webhook_token.str();
    subject.intent.intent_at = from_unix_ms(1767225600000);
    return subject;
}

json::object read_history(const Subject& subject, const Exchange& exchange) {
    const auto page = subject.provider->read_history(subject.intent, exchange);
    if (!page) return {{"error", true}};
    json::object fields{{"items", page->items.size()}, {"next_cursor", page->next_cursor}};
    if (!page->items.empty()) {
        fields["first_id"] = page->items.front().request_id.str();
        fields["first_input"] = page->items.front().input;
    }
    return fields;
}

json::object read_lookup(const Subject& subject, const Exchange& exchange) {
    const RequestId asked("764cabcf-b745-4b3e-ae38-1200304cf45b");
    const auto read = subject.provider->read_lookup(subject.intent.model, asked, exchange);
    if (!read) return {{"error", true}};
    if (!*read) return {{"found", false}};
    CHECK((*read)->request_id == asked);
    return {{"found", true}, {"model", (*read)->model}, {"input", (*read)->input}};
}

// One byte more than goes in one PUT anywhere, where the case says that the file is large.
provider_api::UploadFile file_of(const Case& made) {
    return {"shot 1.png", "image/png", made.large_file ? 99'000'000u : 1'000u};
}

json::object refused(const domain::Refusal& refusal) {
    json::object fields{{"event", "upload_refused"}};
    put(fields, refusal);
    return fields;
}

json::object read_upload_start(const Subject& subject, const Case& made, const Exchange& exchange) {
    const auto read = subject.provider->read_upload_start(file_of(made), exchange, made.now);
    if (const auto* refusal = std::get_if<domain::Refusal>(&read)) return refused(*refusal);
    const auto& ticket = std::get<provider_api::UploadTicket>(read);
    json::object fields{{"event", "upload_ticket"},
                        {"file_url", ticket.file_url},
                        {"put_url", ticket.put_url},
                        {"part_bytes", ticket.part_bytes}};
    json::object headers;
    for (const auto& [name, text] : ticket.headers) headers[name] = text;
    fields["headers"] = std::move(headers);
    if (ticket.put_until) fields["put_until"] = to_rfc3339(*ticket.put_until);
    if (ticket.expires_at) fields["expires_at"] = to_rfc3339(*ticket.expires_at);
    return fields;
}

json::object read_upload_part(const Subject& subject, const Case& made, const Exchange& exchange) {
    provider_api::UploadTicket ticket;
    ticket.part_bytes = made.large_file ? 10'485'760 : 0;
    const auto read = subject.provider->read_upload_part(ticket, exchange);
    if (const auto* refusal = std::get_if<domain::Refusal>(&read)) return refused(*refusal);
    return {{"event", "upload_part_taken"}, {"etag", std::get<std::string>(read)}};
}

json::object read_upload_end(const Subject& subject, const Exchange& exchange) {
    const auto refusal = subject.provider->read_upload_end(exchange);
    if (refusal) return refused(*refusal);
    return {{"event", "upload_ended"}};
}

json::object read_key_set(const Subject& subject, const Exchange& exchange) {
    const auto set = subject.provider->read_key_set(exchange);
    if (!set) return {{"error", true}};
    return {{"keys", set->keys.size()}};
}

json::object read_key_check(const Subject& subject, const Exchange& exchange) {
    const auto accepted = subject.provider->read_key_check(exchange);
    if (!accepted) return {{"error", true}};
    return {{"accepted", *accepted}};
}

provider_api::WebhookReading read_delivery(const Subject& subject, const Case& made,
                                           const Exchange& exchange) {
    provider_api::KeySet keys;
    if (!made.key_set.empty()) {
        Exchange answer;
        answer.delivery = Delivery::answered;
        answer.response.status = 200;
        answer.response.body = made.key_set;
        keys = subject.provider->read_key_set(answer).value();
    }
    const provider_api::Delivery delivery{exchange.response.headers, exchange.response.body,
                                          subject.intent.webhook_token};
    return subject.provider->read_webhook(delivery, keys, made.now);
}

json::object read_webhook(const Subject& subject, const Case& made, const Exchange& exchange) {
    const auto reading = read_delivery(subject, made, exchange);
    json::object fields;
    if (reading.event)
        fields = fields_of(*reading.event);
    else
        fields["event"] = "";
    switch (reading.trust) {
        case provider_api::Trust::verified:
            fields["trust"] = "verified";
            break;
        case provider_api::Trust::stale:
            fields["trust"] = "stale";
            break;
        case provider_api::Trust::no_key:
            fields["trust"] = "no_key";
            break;
        case provider_api::Trust::forged:
            fields["trust"] = "forged";
            break;
    }
    return fields;
}

// The case's reader over an exchange, which need not be the case's own.
json::object run(const Subject& subject, const Case& made, const Exchange& exchange) {
    const auto& provider = *subject.provider;
    if (made.reader == "submit") return fields_of(provider.read_submit(subject.intent, exchange));
    if (made.reader == "status") return fields_of(provider.read_status(exchange));
    if (made.reader == "result") return fields_of(provider.read_result(exchange));
    if (made.reader == "cancel") return fields_of(provider.read_cancel(exchange));
    if (made.reader == "history") return read_history(subject, exchange);
    if (made.reader == "lookup") return read_lookup(subject, exchange);
    if (made.reader == "key_set") return read_key_set(subject, exchange);
    if (made.reader == "key_check") return read_key_check(subject, exchange);
    if (made.reader == "webhook") return read_webhook(subject, made, exchange);
    if (made.reader == "upload_start") return read_upload_start(subject, made, exchange);
    if (made.reader == "upload_part") return read_upload_part(subject, made, exchange);
    if (made.reader == "upload_end") return read_upload_end(subject, exchange);
    throw std::runtime_error("unknown reader " + made.reader);
}

// The document without the white space around it: a cut of that alone breaks nothing.
std::string trimmed(std::string text) {
    const auto end = text.find_last_not_of(" \r\n\t");
    text.resize(end == std::string::npos ? 0 : end + 1);
    return text;
}

bool claims_success(const json::object& fields) {
    const auto event = find_string(fields, "event");
    return event == "submit_accepted" || event == "result_seen" || event == "upload_ticket";
}

// A success must carry what makes it one.
bool is_sound(const json::object& fields) {
    const auto event = find_string(fields, "event");
    if (event == "submit_accepted") return !text_or(fields, "request_id").empty();
    if (event == "upload_ticket") {
        const auto headers = canonical_json(fields.at("headers"));
        return provider_api::is_upload_url(text_or(fields, "file_url")) &&
               provider_api::is_upload_url(text_or(fields, "put_url")) &&
               headers.find("\\n") == std::string::npos &&
               headers.find("\\r") == std::string::npos && fields.contains("expires_at");
    }
    if (event == "upload_refused") {
        return !text_or(fields, "code").empty() && !text_or(fields, "message").empty();
    }
    if (event != "result_seen") return event != "status_seen" || fields.contains("phase");
    const auto* urls = find_array(fields, "urls");
    // Values alone are whole where they name what was paid for.
    if (urls != nullptr && urls->empty()) {
        return text_or(fields, "values").find("voice_id\":\"") != std::string::npos;
    }
    return urls != nullptr &&
           std::all_of(urls->begin(), urls->end(), [](const json::value& url) {
               return parse_url(std::string_view(url.as_string())).has_value();
           });
}

template <class Check>
void for_each_case(Check check) {
    REQUIRE_FALSE(providers::registry().empty());
    for (const auto& entry : providers::registry()) {
        CAPTURE(entry.name);
        const Subject subject = make_subject(entry);
        for (const Case& made : subject.manifest.cases) {
            CAPTURE(made.name);
            check(subject, made);
        }
    }
}

}  // namespace

TEST_CASE("every provider has a fixture for every kind of answer, or says why it cannot") {
    for (const auto& entry : providers::registry()) {
        CAPTURE(entry.name);
        const Subject subject = make_subject(entry);
        std::set<std::string> names;
        for (const Case& made : subject.manifest.cases) {
            CAPTURE(made.name);
            CHECK(names.insert(made.name).second);
        }
        for (const std::string_view name : required_cases) {
            CAPTURE(name);
            const bool excused = !text_or(subject.manifest.not_applicable, name).empty();
            CHECK(names.contains(std::string(name)) != excused);
        }
    }
}

TEST_CASE("every fixture is read as its manifest says") {
    for_each_case([](const Subject& subject, const Case& made) {
        REQUIRE_FALSE(made.expect.empty());
        const json::object fields = run(subject, made, made.exchange);
        CHECK(is_sound(fields));
        for (const auto& wanted : made.expect) {
            const std::string field(wanted.key());
            CAPTURE(field);
            const auto* got = find(fields, field);
            CHECK((got == nullptr ? "(absent)" : canonical_json(*got)) ==
                  canonical_json(wanted.value()));
        }
    });
}

TEST_CASE("a body cut at any byte is never a success and never an exception") {
    for_each_case([](const Subject& subject, const Case& made) {
        const std::string whole = trimmed(made.exchange.response.body);
        for (std::size_t length = 0; length < whole.size(); ++length) {
            Exchange cut = made.exchange;
            cut.response.body = whole.substr(0, length);
            const json::object fields = run(subject, made, cut);
            if (!claims_success(fields)) continue;
            CAPTURE(length);
            FAIL_CHECK("a success out of a part");
        }
    });
}

TEST_CASE("a body with changed bytes is never an unsound success and never an exception") {
    constexpr unsigned seed = 20261121;
    constexpr int changes_per_case = 400;
    std::mt19937 random(seed);
    for_each_case([&](const Subject& subject, const Case& made) {
        const std::string& whole = made.exchange.response.body;
        if (whole.empty()) return;
        for (int i = 0; i < changes_per_case; ++i) {
            Exchange changed = made.exchange;
            for (auto flips = 1 + random() % 3; flips > 0; --flips) {
                const std::size_t at = random() % whole.size();
                changed.response.body[at] = static_cast<char>(random() & 0xFF);
            }
            const json::object fields = run(subject, made, changed);
            if (!is_sound(fields)) FAIL_CHECK("an unsound success of: " << changed.response.body);
            const bool same = changed.response.body == whole;
            if (made.reader != "webhook" || same) continue;
            const bool trusted = text_or(fields, "trust") == "verified";
            const bool says = !text_or(fields, "event").empty();
            if (trusted && (says || !subject.manifest.unsigned_webhooks)) {
                FAIL_CHECK("a changed delivery was trusted");
            }
        }
    });
}

TEST_CASE("headers and codes that no answer should have are never an exception") {
    for_each_case([](const Subject& subject, const Case& made) {
        for (const int status : {-1, 0, 99, 100, 200, 204, 206, 299, 300, 304, 399, 400, 418, 499,
                                 500, 599, 600, 999}) {
            Exchange odd = made.exchange;
            odd.delivery = Delivery::answered;
            odd.response.status = status;
            odd.response.headers.set("Retry-After", "\xFF\x00 soon");
            odd.response.headers.set("Date", std::string(5000, '9'));
            CHECK(is_sound(run(subject, made, odd)));
        }
    });
}

TEST_CASE("the key goes to no host but the provider's own") {
    for (const auto& entry : providers::registry()) {
        CAPTURE(entry.name);
        const Subject subject = make_subject(entry);
        const auto& provider = *subject.provider;
        CHECK(provider.name() == entry.name);
        CHECK(provider.serves(subject.manifest.model));
        CHECK_FALSE(provider.serves(""));
        domain::Remote remote;
        remote.request_id = RequestId("r");
        remote.status_url = "https://evil.example/r/status";
        remote.response_url = "https://evil.example/r";
        remote.cancel_url = "https://evil.example/r/cancel";
        const std::string& model = subject.manifest.model;
        for (const auto& request :
             {provider.build_status(model, remote), provider.build_result(model, remote),
              provider.build_cancel(model, remote), provider.build_submit(subject.intent),
              provider.build_key_check()}) {
            REQUIRE(request.has_value());
            CAPTURE(request->url);
            CHECK(provider.owns_url(request->url));
            CHECK(request->url.find("conformance-key") == std::string::npos);
        }
        CHECK_FALSE(provider.owns_url("https://evil.example/"));
        CHECK_FALSE(provider.owns_url(""));
    }
}

TEST_CASE("the key goes to the start call of an upload and to none of its other calls") {
    for (const auto& entry : providers::registry()) {
        CAPTURE(entry.name);
        const Subject subject = make_subject(entry);
        const auto& provider = *subject.provider;
        const auto has_key = [](const HttpRequest& request) {
            const auto& all = request.headers.all();
            return std::any_of(all.begin(), all.end(), [](const Header& header) {
                return header.value.find("conformance-key") != std::string::npos;
            });
        };
        const auto limits = provider.upload_limits();
        if (!limits) continue;
        CHECK(limits->bytes_max > 0);
        for (const std::uint64_t bytes : {std::uint64_t{1}, limits->bytes_max}) {
            const provider_api::UploadFile file{"../a b\n\xFF.png", "image/png", bytes};
            const auto start = provider.build_upload_start(file);
            REQUIRE(start.has_value());
            CHECK(start->method == "POST");
            CHECK(has_key(*start));
            CHECK(start->url.starts_with("https://"));
            CHECK(parse_json(start->body).has_value());
            CHECK(start->body.find("conformance-key") == std::string::npos);
            provider_api::UploadTicket ticket;
            ticket.put_url = "https://storage.example/put/1?sig=s";
            ticket.file_url = "https://storage.example/1";
            ticket.headers = {{"Content-Type", "image/png"}};
            const auto part = provider.build_upload_part(ticket, file, 1);
            REQUIRE(part.has_value());
            CHECK(part->method == "PUT");
            CHECK(part->url == ticket.put_url);
            CHECK(part->headers.all().size() == 1);
            CHECK_FALSE(has_key(*part));
            CHECK_FALSE(provider.build_upload_part(ticket, file, 0).has_value());
            CHECK_FALSE(provider.build_upload_part(ticket, file, 2).has_value());
            CHECK_FALSE(provider.build_upload_end(ticket, {}).has_value());
            ticket.put_url = "file:///etc/passwd";
            CHECK_FALSE(provider.build_upload_part(ticket, file, 1).has_value());
        }
    }
}
