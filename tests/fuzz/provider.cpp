// What comes from a provider: answers to each call, signed and unsigned webhooks, key sets.
//
// An answer is written as a letter for the call, the status (negative: cut short), headers by line, an empty line, the
// body: "s 200\nRetry-After: 5\n\n{…}". The letters: s submit, q status, v an event of its stream, r
// result, c cancel, k key check, h history; of uploads u and U the start call of a small and a large
// file, p and P the PUT of a file and of a part, e the end, x and y start and PUT of Eachlabs. A webhook begins with "signed" or "raw" in place of these.
#include <boost/json/array.hpp>
#include <charconv>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/json.hpp"
#include "fuzz/target.hpp"
#include "providers/registry.hpp"

namespace reeld::fuzz {
namespace {

using domain::Event;
namespace event = domain::event;

constexpr Instant now = from_unix_ms(1'795'000'000'000);
const std::string model = "fal-ai/minimax/hailuo-02/standard/text-to-video";

std::unique_ptr<provider_api::Provider> make_provider(std::string_view name) {
    provider_api::ProviderConfig config;
    config.key = Secret("id:secret");
    for (const providers::Entry& entry : providers::registry()) {
        if (entry.name == name) return entry.make(config);
    }
    throw std::logic_error("this build lacks a provider");
}

const provider_api::Provider& provider() {
    static const auto fal = make_provider("fal");
    return *fal;
}

const provider_api::Provider& eachlabs() {
    static const auto other = make_provider("eachlabs");
    return *other;
}

std::string seed() {
    return std::string(32, 'k');
}

provider_api::KeySet keys() {
    provider_api::KeySet set;
    set.keys.push_back(*ed25519_public_key(seed()));
    return set;
}

Headers read_headers(Lines& lines) {
    Headers headers;
    while (!lines.empty()) {
        const std::string_view line = lines.next();
        if (line.empty()) break;
        const auto colon = std::min(line.find(':'), line.size());
        std::string_view value = line.substr(std::min(colon + 1, line.size()));
        if (value.starts_with(' ')) value.remove_prefix(1);
        headers.add(std::string(line.substr(0, colon)), std::string(value));
    }
    return headers;
}

void check_text(const std::string& text) {
    must(is_utf8(text), "a text that can be shown");
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        must(byte >= 0x20 && byte != 0x7F, "no control character reaches a job");
    }
}

void check_error(const domain::ErrorInfo& error) {
    check_text(error.code);
    check_text(error.message);
    must(error.message.size() <= 1000, "a short message");
    must(!error.code.empty(), "a code");
}

void check_refusal(const domain::Refusal& refusal) {
    check_error(refusal.error);
    must(!refusal.retry_after || (*refusal.retry_after >= Millis{0} &&
                                  *refusal.retry_after <= std::chrono::hours{1}),
         "a bounded hint");
}

// Whatever URLs a request was given: the key goes to the provider's own host only.
void check_remote(const domain::Remote& remote) {
    must(!remote.request_id.empty(), "an id");
    for (const auto& built : {provider().build_status(model, remote),
                              provider().build_result(model, remote),
                              provider().build_cancel(model, remote)}) {
        must(built.has_value(), "a request that can be asked for");
        must(provider().owns_url(built->url), "the key stays at its host: " + built->url);
        const auto url = parse_url(built->url);
        must(url && url->host == "queue.fal.run" && url->scheme == "https", "one host");
    }
    domain::Remote bare;
    bare.request_id = remote.request_id;
    const auto url = parse_url(provider().build_result(model, bare)->url);
    must(url && url->target.starts_with("/fal-ai/minimax/requests/"), "a path of our own");
    const std::string last = url->target.substr(url->target.rfind('/') + 1);
    must(last != "." && last != "..", "a path that stays in its place: " + last);
}

void check_outputs(const std::vector<domain::Output>& outputs) {
    must(!outputs.empty() && outputs.size() <= 64, "a bounded number of files");
    for (const auto& output : outputs) {
        must(output.inlined ? output.url.empty() : parse_url(output.url).has_value(),
             "a URL, unless the bytes came along");
        check_text(output.content_type);
        check_text(output.file_name);
    }
}

struct Checker {
    void operator()(const event::SubmitAccepted& e) const { check_remote(e.remote); }
    void operator()(const event::SubmitRefused& e) const { check_refusal(e.refusal); }
    void operator()(const event::SubmitUnknown& e) const {
        check_error(e.error);
        if (e.hint) check_remote(*e.hint);
    }
    void operator()(const event::PollFailed& e) const { check_refusal(e.refusal); }
    void operator()(const event::ResultFailed& e) const { check_refusal(e.refusal); }
    void operator()(const event::ResultSeen& e) const { check_outputs(e.outputs); }
    template <class Other>
    void operator()(const Other&) const {}
};

void check(const Event& event) {
    std::visit(Checker{}, event);
}

// A request of an upload that carries no key: to where the ticket leads, and with whole headers.
void check_put(const HttpRequest& request, const std::string& put_url) {
    const auto url = parse_url(request.url);
    const auto given = parse_url(put_url);
    must(url && given && origin_of(*url) == origin_of(*given), "it goes where the ticket says");
    for (const Header& header : request.headers.all()) {
        must(header.value.find("id:secret") == std::string::npos, "no key leaves with a file");
        must(!header.name.empty(), "a header's name");
        for (const char c : header.name + header.value) {
            const auto byte = static_cast<unsigned char>(c);
            must(byte >= 0x20 && byte != 0x7F, "a header that is one line");
        }
    }
}

void check_start(const provider_api::Provider& asked, const provider_api::UploadFile& file,
                 const Exchange& exchange) {
    const auto read = asked.read_upload_start(file, exchange, now);
    if (const auto* refusal = std::get_if<domain::Refusal>(&read)) return check_refusal(*refusal);
    must(exchange.response.status / 100 == 2, "only a 2xx gives leave");
    const auto& ticket = std::get<provider_api::UploadTicket>(read);
    must(provider_api::is_upload_url(ticket.file_url), "a file's URL");
    must(ticket.expires_at && *ticket.expires_at > now, "a life to come");
    const auto part = asked.build_upload_part(ticket, file, 1);
    must(part.has_value() && part->method == "PUT", "a first part");
    check_put(*part, ticket.put_url);
    if (const auto end = asked.build_upload_end(ticket, {"etag"})) check_put(*end, ticket.put_url);
}

void check_part(const provider_api::Provider& asked, std::uint64_t part_bytes,
                const Exchange& exchange) {
    provider_api::UploadTicket ticket;
    ticket.part_bytes = part_bytes;
    const auto read = asked.read_upload_part(ticket, exchange);
    if (const auto* refusal = std::get_if<domain::Refusal>(&read)) return check_refusal(*refusal);
    must(exchange.response.status / 100 == 2, "only a 2xx takes a part");
    const auto& etag = std::get<std::string>(read);
    check_text(etag);
    must(part_bytes == 0 || !etag.empty(), "an etag for every part");
}

// Letters as in run_provider_answer(); false for one that no upload has.
bool read_upload(char call, const Exchange& exchange) {
    const provider_api::UploadFile small{"a.png", "image/png", 1000};
    const provider_api::UploadFile large{"a.mp4", "video/mp4", 200'000'000};
    switch (call) {
        case 'u': check_start(provider(), small, exchange); return true;
        case 'U': check_start(provider(), large, exchange); return true;
        case 'x': check_start(eachlabs(), small, exchange); return true;
        case 'p': check_part(provider(), 0, exchange); return true;
        case 'P': check_part(provider(), 10 * 1024 * 1024, exchange); return true;
        case 'y': check_part(eachlabs(), 0, exchange); return true;
        case 'e':
            if (const auto refusal = provider().read_upload_end(exchange)) check_refusal(*refusal);
            return true;
        default: return false;
    }
}

void read_by(char call, const Exchange& exchange) {
    if (read_upload(call, exchange)) return;
    provider_api::SubmitIntent intent;
    intent.model = model;
    intent.input = "{}";
    intent.intent_at = now;
    switch (call) {
        case 's': {
            const Event event = provider().read_submit(intent, exchange);
            const bool accepted = std::holds_alternative<event::SubmitAccepted>(event);
            must(!accepted || exchange.response.status / 100 == 2, "only a 2xx accepts");
            return check(event);
        }
        case 'q': return check(provider().read_status(exchange));
        case 'r': return check(provider().read_result(exchange));
        case 'c': return check(provider().read_cancel(exchange));
        case 'v':
            if (const auto seen = provider().read_stream_event(exchange.response.body)) {
                check(Event(*seen));
            }
            return;
        case 'k': {
            const auto checked = provider().read_key_check(exchange);
            if (!checked) check_text(checked.error().context());
            return;
        }
        case 'h': {
            const auto page = provider().read_history(intent, exchange);
            if (!page) return check_text(page.error().context());
            for (const auto& item : page->items) check_remote(item.remote);
            return;
        }
        default: return;
    }
}

}  // namespace

void run_provider_answer(std::string_view input) {
    Lines lines(input);
    const std::string_view first = lines.next();
    if (first.size() < 3) return;
    Exchange exchange;
    exchange.delivery = Delivery::answered;
    std::from_chars(first.data() + 2, first.data() + first.size(), exchange.response.status);
    exchange.response.headers = read_headers(lines);
    exchange.response.body = std::string(lines.rest());
    if (exchange.response.status < 0) {
        exchange.response.complete = false;
        exchange.response.status = -exchange.response.status;
        exchange.error = Error(ErrorCode::reset, "the body ended early");
    }
    read_by(first.front(), exchange);
}

void run_webhook(std::string_view input) {
    Lines lines(input);
    const bool is_signed = lines.next() == "signed";
    provider_api::Delivery delivery;
    delivery.headers = read_headers(lines);
    delivery.body = std::string(lines.rest());
    const auto* id = delivery.headers.find("X-Fal-Webhook-Request-Id");
    const auto* user = delivery.headers.find("X-Fal-Webhook-User-Id");
    const auto* at = delivery.headers.find("X-Fal-Webhook-Timestamp");
    const bool can_sign = is_signed && id != nullptr && user != nullptr && at != nullptr;
    if (can_sign) {
        const std::string message =
            *id + "\n" + *user + "\n" + *at + "\n" + sha256_hex(delivery.body);
        delivery.headers.set("X-Fal-Webhook-Signature", to_hex(*ed25519_sign(seed(), message)));
    }
    const auto reading = provider().read_webhook(delivery, keys(), now);
    const bool believed = reading.trust == provider_api::Trust::verified;
    must(can_sign || !believed, "nothing is believed without a signature");
    must(!reading.event || believed, "only what is believed says something");
    if (reading.event) check(*reading.event);
    if (!believed) {
        check_text(reading.note);
        return;
    }
    domain::Remote remote;
    remote.request_id = reading.request_id;
    check_remote(remote);
    delivery.body += ' ';
    const auto altered = provider().read_webhook(delivery, keys(), now);
    must(altered.trust != provider_api::Trust::verified, "an altered body is not believed");
    const auto old = provider().read_webhook(delivery, keys(), now + std::chrono::hours{1});
    must(old.trust != provider_api::Trust::verified, "a replay is not believed");
}

void run_key_set(std::string_view input) {
    Exchange exchange;
    exchange.delivery = Delivery::answered;
    exchange.response.status = 200;
    exchange.response.body = std::string(input);
    const auto set = provider().read_key_set(exchange);
    if (!set) return check_text(set.error().context());
    must(!set->keys.empty() && set->keys.size() <= 32, "a bounded set");
    for (const auto& key : set->keys) {
        must(key.size() == 32, "a key of its size");
        static_cast<void>(ed25519_verify(key, "message", std::string(64, 's')));
    }
}

}  // namespace reeld::fuzz
