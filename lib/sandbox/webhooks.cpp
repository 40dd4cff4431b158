#include "sandbox/webhooks.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "sandbox/eachlabs.hpp"
#include "sandbox/python_json.hpp"
#include "sandbox/world.hpp"

namespace reeld::sandbox {

namespace {

constexpr Millis first_timeout{15'000};
constexpr Millis retry_timeout{120'000};
// Waits of 7, 14, 21 … s: thirty-one of them fill the hour that a result is kept.
constexpr Millis backoff_step{7'000};
constexpr std::size_t large_result_bytes = 10'240;

constexpr std::string_view not_serializable =
    "Response payload is not JSON serializable. Either return a JSON serializable object or use "
    "the queue endpoint to retrieve the response.";

// Waits of 131, 262 … s: ten of them fill two hours.
constexpr Millis patient_step{131'000};
constexpr unsigned patient_retries = 10;
constexpr Millis patient_limit{7'200'000};
constexpr Millis stale_by{600'000};

constexpr unsigned secret_tries = 3;
constexpr Millis secret_wait{10'000};

std::string write_body(const Job& job, const std::string& request_id,
                       const WebhookFaults& faults) {
    if (job.dialect == Dialect::eachlabs) {
        return write_prediction_hook(job, request_id, faults.legacy);
    }
    const bool good = job.outcome.status == 200;
    json::object body{{"request_id", request_id},
                      {"gateway_request_id", job.gateway_request_id},
                      {"status", good ? "OK" : "ERROR"},
                      {"error", nullptr},
                      {"payload", write_result(job, *job.finished_at)}};
    if (!good) body["error"] = fmt::format("Invalid status code: {}", job.outcome.status);
    if (faults.null) body["payload"] = nullptr;
    if (faults.payload_error) {
        body["payload"] = nullptr;
        body["payload_error"] = not_serializable;
    }
    return python_json(body);
}

}  // namespace

std::string Webhooks::key(std::string_view purpose) const {
    return draws_.bytes(purpose, 0);
}

Millis Webhooks::backoff(unsigned tries) const {
    const Millis step = options_.webhook_patient ? patient_step : backoff_step;
    const auto wait = static_cast<double>(step.count()) * tries / options_.speed;
    return Millis{static_cast<std::int64_t>(wait)};
}

void Webhooks::put(Pending pending, Instant at) {
    const auto id = ++last_id_;
    pending_.emplace(id, std::move(pending));
    times_.emplace(at, id);
}

void Webhooks::schedule(const Job& job, const WebhookFaults& faults) {
    const std::string body = write_body(job, job.request_id, faults);
    const bool large = python_json(job.outcome.body).size() >= large_result_bytes;
    const auto usual = large ? options_.retention_large : options_.retention;
    const auto keep = options_.webhook_patient ? patient_limit : usual;
    Instant at = *job.finished_at;
    if (faults.late) {
        const auto wait =
            draws_.between("webhook_late_by", job.post, Millis{30'000}, Millis{120'000});
        at += Millis{static_cast<std::int64_t>(static_cast<double>(wait.count()) / options_.speed)};
    }
    const Instant give_up = *job.finished_at + keep;
    const auto forge = [&] {
        const auto kind = static_cast<Kind>(1 + draws_.below("forgery", job.post, 3));
        put({&job, body, at, kind, 0, false, false, false, false, faults.legacy}, at);
    };
    const bool forged_first = draws_.below("forged_first", job.post, 2) == 0;
    if (faults.forged && forged_first) forge();
    put({&job, body, give_up, Kind::honest, 0, faults.duplicate, faults.stale, faults.cut,
         faults.swapped, faults.legacy},
        at);
    if (faults.forged && !forged_first) forge();
}

WebhookDelivery Webhooks::make(std::uint64_t id, const Pending& pending, Instant now) const {
    const Job& job = *pending.job;
    WebhookDelivery out =
        job.dialect == Dialect::eachlabs ? make_secret(pending) : make_signed(pending, now);
    out.id = id;
    out.request_id = job.request_id;
    out.url = job.webhook;
    out.headers.add("Content-Type", "application/json");
    return out;
}

WebhookDelivery Webhooks::make_secret(const Pending& pending) const {
    WebhookDelivery out;
    out.body = pending.body;
    out.timeout = first_timeout;
    const Job& job = *pending.job;
    const bool is_cut = pending.cut && pending.tries == 0;
    const bool loses_proof = is_cut && draws_.below("cut_as", job.post, 2) != 0;
    if (is_cut && !loses_proof) out.body.resize(out.body.size() / 2);
    // Without its proof, with that of somebody else, or with one that is a digit too long.
    std::string secret = job.webhook_secret;
    if (pending.kind == Kind::wrong_key) secret = to_hex(key("forger_key"));
    if (pending.kind == Kind::altered) secret += "0";
    if (secret.empty() || loses_proof || pending.kind == Kind::other_user) return out;
    if (pending.legacy) {
        out.headers.add("X-Webhook-Signature", hmac_sha256_hex(secret, out.body));
    } else {
        out.headers.add("X-Webhook-Secret", secret);
    }
    return out;
}

WebhookDelivery Webhooks::make_signed(const Pending& pending, Instant now) const {
    const Job& job = *pending.job;
    const std::string user =
        pending.kind == Kind::other_user ? "sandbox|somebody-else" : options_.user_id;
    const Instant signed_at = pending.stale ? now - stale_by : now;
    const std::string seconds = std::to_string(to_unix_ms(signed_at) / 1000);
    const bool swapped = pending.kind == Kind::swapped;
    const std::string request_id =
        swapped ? draws_.uuid_v7("swapped", job.post, *job.finished_at) : job.request_id;
    const std::string message =
        fmt::format("{}\n{}\n{}\n{}", request_id, user, seconds, sha256_hex(pending.body));
    const std::string seed =
        pending.kind == Kind::wrong_key ? key("forger_key") : signing_key(generation_);
    WebhookDelivery out;
    out.body = pending.body;
    out.timeout = pending.tries == 0 ? first_timeout : retry_timeout;
    out.headers.add("X-Fal-Webhook-Request-Id", request_id);
    out.headers.add("X-Fal-Webhook-User-Id", user);
    out.headers.add("X-Fal-Webhook-Timestamp", seconds);
    out.headers.add("X-Fal-Webhook-Signature", to_hex(ed25519_sign(seed, message).value()));
    spoil(pending, out);
    return out;
}

void Webhooks::spoil(const Pending& pending, WebhookDelivery& delivery) const {
    if (pending.kind == Kind::altered) delivery.body.insert(delivery.body.size() - 1, " ");
    if (!pending.cut || pending.tries > 0) return;
    if (draws_.below("cut_as", pending.job->post, 2) == 0) {
        delivery.body.resize(delivery.body.size() / 2);
    } else {
        delivery.headers.set("X-Fal-Webhook-Signature", "");
    }
}

std::vector<WebhookDelivery> Webhooks::due(Instant now) {
    std::vector<WebhookDelivery> out;
    while (!times_.empty() && times_.begin()->first <= now) {
        const auto id = times_.begin()->second;
        times_.erase(times_.begin());
        out.push_back(make(id, pending_.at(id), now));
        record(pending_.at(id), out.back(), now);
    }
    return out;
}

std::optional<Instant> Webhooks::next_due() const {
    return times_.empty() ? std::nullopt : std::optional(times_.begin()->first);
}

void Webhooks::delivered(std::uint64_t id, std::optional<int> status, Instant now) {
    const auto at = pending_.find(id);
    if (at == pending_.end()) return;
    Pending& pending = at->second;
    const auto kept = records_.find(pending.job->request_id);
    if (kept != records_.end() && pending.kind == Kind::honest && !kept->second.tries.empty()) {
        kept->second.tries.back().status = status;
        kept->second.tries.back().answered = true;
    }
    const bool accepted = status && *status / 100 == 2;
    if (accepted && std::exchange(pending.swapped, false)) {
        const Job& job = *pending.job;
        const std::string other = draws_.uuid_v7("swapped", job.post, *job.finished_at);
        put({&job, write_body(job, other, {}), now, Kind::swapped, 0, false, false, false, false},
            now);
    }
    if (accepted && pending.duplicate) {
        pending.duplicate = false;
        const auto wait =
            draws_.between("duplicate_after", pending.job->post, Millis{0}, Millis{5'000});
        times_.emplace(now + wait, id);
        return;
    }
    const bool redirected = status && *status / 100 == 3;
    ++pending.tries;
    const auto next = next_try(pending, now);
    if (accepted || redirected || !next || pending.kind != Kind::honest) {
        pending_.erase(at);
        return;
    }
    times_.emplace(*next, id);
}

std::optional<Instant> Webhooks::next_try(const Pending& pending, Instant now) const {
    if (pending.job->dialect == Dialect::eachlabs) {
        if (pending.tries >= secret_tries) return std::nullopt;
        return now + Millis{static_cast<std::int64_t>(static_cast<double>(secret_wait.count()) /
                                                      options_.speed)};
    }
    const Instant next = now + backoff(pending.tries);
    const unsigned most = options_.webhook_patient ? patient_retries : options_.webhook_retries_max;
    if (pending.tries > most || next > pending.give_up) return std::nullopt;
    return next;
}

// A forger's calls are not the provider's.
void Webhooks::record(const Pending& pending, const WebhookDelivery& delivery, Instant now) {
    if (pending.job->dialect != Dialect::eachlabs || pending.kind != Kind::honest) return;
    WebhookRecord& kept = records_[pending.job->request_id];
    if (kept.tries.empty()) kept.created_at = now;
    kept.url = delivery.url;
    kept.headers = delivery.headers;
    kept.body = delivery.body;
    kept.tries.push_back({now, std::nullopt, false});
}

std::string Webhooks::signing_key(unsigned generation) const {
    return draws_.bytes("webhook_key", generation);
}

std::string Webhooks::key_set(bool before) const {
    const unsigned current = before && generation_ > 0 ? generation_ - 1 : generation_;
    const auto entry = [](const std::string& seed, std::string_view id) {
        return json::object{{"kty", "OKP"},
                            {"crv", "Ed25519"},
                            {"kid", id},
                            {"x", to_base64url(ed25519_public_key(seed).value())}};
    };
    // A retired key comes first, as after a rotation: a verifier has to try them all.
    json::array keys{entry(current == 0 ? key("retired_key") : signing_key(current - 1), "retired"),
                     entry(signing_key(current), "current")};
    return python_json(json::object{{"keys", std::move(keys)}});
}

}  // namespace reeld::sandbox
